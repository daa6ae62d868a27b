-- Calls for money, bank lines, payments out; deals with their lines, terms and evidences.

create table money_call (
  reference text primary key check (length(reference) between 6 and 40),
  escrow text not null unique,
  organisation_id text not null references organisation,
  currency char(3) not null,
  amount_minor bigint not null check (amount_minor between 1 and 1000000000000000),
  due_at timestamptz not null,
  state text not null check (state in ('open', 'paid', 'cancelled')),
  called_at timestamptz not null,
  ended_at timestamptz,
  check ((state = 'open') = (ended_at is null))
);
create index money_call_open on money_call (organisation_id) where state = 'open';

create table payment_out (
  id text primary key,
  reference text not null unique,
  organisation_id text not null references organisation,
  currency char(3) not null,
  amount_minor bigint not null check (amount_minor between 1 and 1000000000000000),
  payee_account text not null check (length(payee_account) between 1 and 64),
  hold_id text not null references hold,
  state text not null check (state in ('ordered', 'paid', 'failed')),
  ordered_at timestamptz not null,
  ended_at timestamptz,
  check ((state = 'ordered') = (ended_at is null))
);
create index payment_out_organisation on payment_out (organisation_id);

-- What is owed back, and paid as soon as the payer can.
create table refund (
  id text primary key,
  reference text not null unique,
  payer_id text references organisation,
  payee_id text not null references organisation,
  currency char(3) not null,
  amount_minor bigint not null check (amount_minor between 1 and 1000000000000000),
  tax_minor bigint not null check (tax_minor between 0 and amount_minor),
  state text not null check (state in ('owed', 'paid')),
  transfer_id text references transfer,
  owed_at timestamptz not null,
  check ((state = 'paid') = (transfer_id is not null))
);
create index refund_payee on refund (payee_id);

create table bank_line (
  id text primary key,
  account text not null check (length(account) between 1 and 64),
  entry_reference text not null check (length(entry_reference) between 1 and 64),
  direction text not null check (direction in ('credit', 'debit')),
  currency char(3) not null,
  amount_minor bigint not null check (amount_minor between 1 and 1000000000000000),
  booked_on date not null,
  payer text not null check (length(payer) <= 140),
  remittance text not null check (length(remittance) <= 500),
  state text not null check (state in ('matched', 'unmatched', 'assigned')),
  organisation_id text references organisation,
  imported_at timestamptz not null,
  assigned_at timestamptz,
  -- The same entry of the same account counts once, whatever file it comes in.
  constraint bank_line_once unique (account, entry_reference),
  check ((state = 'unmatched') = (organisation_id is null)),
  check ((state = 'assigned') = (assigned_at is not null))
);
create index bank_line_desk on bank_line (imported_at) where state = 'unmatched';

create table deal (
  id text primary key,
  source text not null check (length(source) between 1 and 40),
  source_id text not null check (length(source_id) between 1 and 200),
  instrument_id text not null references instrument,
  region text not null references region,
  tenor text not null check (tenor ~ '^20[2-9][0-9]-(0[1-9]|1[0-2])$'),
  cell text not null,
  buyer_id text not null references organisation,
  seller_id text not null references organisation,
  buyer_group text not null,
  seller_group text not null,
  currency char(3) not null,
  lots bigint not null check (lots > 0),
  goods_minor bigint not null check (goods_minor > 0),
  freight_minor bigint not null check (freight_minor >= 0),
  capital_minor bigint not null check (capital_minor >= 0),
  fee_minor bigint check (fee_minor >= 0),
  fee_bps int not null check (fee_bps between 0 and 10000),
  tax_bps int not null check (tax_bps between 0 and 10000),
  service_tax_bps int not null check (service_tax_bps between 0 and 10000),
  tolerance_bps int not null check (tolerance_bps between 0 and 10000),
  return_days int not null check (return_days between 0 and 365),
  total_minor bigint not null check (total_minor between 1 and 1000000000000000),
  deposit_minor bigint not null check (deposit_minor between 0 and total_minor),
  call_reference text not null unique,
  call_minor bigint not null check (call_minor >= 0),
  performance_hold_id text references hold,
  performance_minor bigint not null check (performance_minor >= 0),
  state text not null check (state in ('formed', 'funded', 'shipping', 'delivered', 'accepted',
    'invoiced', 'settled', 'lapsed', 'shortfall', 'disputed', 'returned', 'defaulted', 'cancelled')),
  note text not null default '' check (note in ('', 'shortfall', 'returned')),
  dispute_reason text not null default '' check (length(dispute_reason) <= 500),
  cancel_wanted_by text check (cancel_wanted_by in (buyer_id, seller_id)),
  shipped_lots bigint not null default 0,
  delivered_lots bigint not null default 0,
  accepted_lots bigint not null default 0,
  returned_lots bigint not null default 0,
  funding_due_at timestamptz not null,
  ship_due_at timestamptz not null,
  due_at timestamptz,
  formed_at timestamptz not null,
  changed_at timestamptz not null,
  settled_at timestamptz,
  constraint deal_two_parties check (buyer_id <> seller_id),
  constraint deal_call_is_the_rest check (call_minor = total_minor - deposit_minor),
  constraint deal_goods_flow check (
    lots >= shipped_lots and shipped_lots >= delivered_lots and delivered_lots >= accepted_lots
    and accepted_lots >= returned_lots and returned_lots >= 0),
  constraint deal_settled_stamped check (
    (state in ('settled', 'returned')) = (settled_at is not null))
);
create index deal_buyer on deal (buyer_id, formed_at);
create index deal_seller on deal (seller_id, formed_at);
create index deal_source on deal (source, source_id);

-- The glass box: what is paid to whom, as agreed and then as accepted.
create table deal_line (
  deal_id text not null references deal,
  basis text not null check (basis in ('agreed', 'accepted')),
  position smallint not null check (position >= 1),
  kind text not null check (
    kind in ('goods', 'logistics', 'capital', 'information', 'tax', 'service_tax')),
  counterparty text not null,
  lots bigint not null check (lots > 0),
  rate_bps int check (rate_bps between 0 and 10000),
  amount_minor bigint not null check (amount_minor between 0 and 1000000000000000),
  primary key (deal_id, basis, kind)
);
create trigger deal_line_append_only before update or delete on deal_line
  for each row execute function refuse_change();

create function check_deal_lines() returns trigger language plpgsql as $$
declare
  wanted bigint;
  found bigint;
begin
  select total_minor into wanted from deal where id = new.deal_id;
  select sum(amount_minor) into found from deal_line
    where deal_id = new.deal_id and basis = new.basis;
  if (new.basis = 'agreed' and found <> wanted) or found > wanted then
    raise exception 'lines of % sum to % of %', new.deal_id, found, wanted using errcode = '23514';
  end if;
  return null;
end $$;
create constraint trigger deal_lines_sum after insert on deal_line
  deferrable initially deferred for each row execute function check_deal_lines();

-- The promise in six dimensions, and what was measured at acceptance.
create table deal_term (
  deal_id text not null references deal,
  dimension text not null check (
    dimension in ('time', 'place', 'price', 'manner', 'quality', 'quantity')),
  promised text not null check (length(promised) between 1 and 200),
  tolerance text not null check (length(tolerance) between 1 and 200),
  measured text check (length(measured) between 1 and 200),
  primary key (deal_id, dimension)
);

create table deal_evidence (
  deal_id text not null references deal,
  kind text not null check (kind in ('contract', 'money', 'invoice', 'receipt', 'title')),
  reference text not null,
  lots bigint,
  amount_minor bigint,
  at timestamptz not null,
  primary key (deal_id, kind)
);
create trigger deal_evidence_append_only before update or delete on deal_evidence
  for each row execute function refuse_change();
