-- Goods on their way, returns, invoices and credit notes.

create table shipment (
  deal_id text primary key references deal,
  lots bigint not null check (lots > 0),
  carrier text not null check (length(carrier) between 1 and 120),
  vehicle text not null check (length(vehicle) <= 120),
  shipped_at timestamptz not null
);

create table receipt (
  deal_id text primary key references deal,
  lots bigint not null check (lots > 0),
  place text not null check (length(place) between 1 and 120),
  document text not null check (length(document) between 1 and 120),
  weight_kg bigint check (weight_kg > 0),
  delivered_at timestamptz not null
);

create table acceptance (
  deal_id text primary key references deal,
  lots bigint not null check (lots > 0),
  is_within_tolerance boolean not null,
  by text not null check (by in ('buyer', 'silence', 'operator')),
  accepted_at timestamptz not null
);

-- Whose the goods are: passed on at acceptance, and back with each return.
create table title_transfer (
  id text primary key,
  deal_id text not null references deal,
  from_id text not null references organisation,
  to_id text not null references organisation,
  lots bigint not null check (lots > 0),
  cause text not null check (cause in ('acceptance', 'return')),
  at timestamptz not null
);
create unique index title_passes_once on title_transfer (deal_id) where cause = 'acceptance';

create table goods_return (
  id text primary key,
  deal_id text not null references deal,
  lots bigint not null check (lots > 0),
  reason text not null check (
    reason in ('wet', 'damaged', 'wrong_goods', 'below_standard', 'unwanted')),
  disposition text not null check (disposition in ('restock', 'downgrade', 'scrap', 'replace')),
  freight_by text not null check (freight_by in ('buyer', 'seller')),
  evidence text not null check (length(evidence) between 1 and 2000),
  returned_at timestamptz not null
);
create index goods_return_deal on goods_return (deal_id);

-- One row an issuer and kind: locked by who takes the next number, so no number is lost.
create table document_counter (
  issuer text not null,
  kind text not null check (kind in ('invoice', 'credit_note')),
  last bigint not null check (last >= 1),
  primary key (issuer, kind)
);

create table invoice (
  id text primary key,
  kind text not null check (kind in ('invoice', 'credit_note')),
  issuer text not null,
  number bigint not null check (number >= 1),
  deal_id text not null references deal,
  recipient_id text not null references organisation,
  credits text references invoice,
  return_id text references goods_return,
  currency char(3) not null,
  net_minor bigint not null check (net_minor >= 0),
  tax_bps int not null check (tax_bps between 0 and 10000),
  tax_minor bigint not null check (tax_minor >= 0),
  total_minor bigint not null check (total_minor = net_minor + tax_minor),
  issued_at timestamptz not null,
  constraint invoice_number_once unique (issuer, kind, number),
  check ((kind = 'credit_note') = (credits is not null))
);
create index invoice_deal on invoice (deal_id);
create unique index invoice_once on invoice (deal_id, issuer) where kind = 'invoice';

create table invoice_line (
  invoice_id text not null references invoice,
  position smallint not null check (position >= 1),
  kind text not null check (kind in ('goods', 'logistics', 'capital', 'information')),
  lots bigint not null check (lots > 0),
  net_minor bigint not null check (net_minor >= 0),
  primary key (invoice_id, position)
);

create trigger invoice_append_only before update or delete on invoice
  for each row execute function refuse_change();
create trigger invoice_line_append_only before update or delete on invoice_line
  for each row execute function refuse_change();
create trigger goods_return_append_only before update or delete on goods_return
  for each row execute function refuse_change();
create trigger title_transfer_append_only before update or delete on title_transfer
  for each row execute function refuse_change();

create function check_invoice() returns trigger language plpgsql as $$
declare
  written invoice;
  credited bigint;
begin
  if tg_table_name = 'invoice' then
    written := new;
  else
    select * into written from invoice where id = new.invoice_id;
  end if;
  if written.net_minor is distinct from
     (select sum(net_minor) from invoice_line where invoice_id = written.id) then
    raise exception 'lines of % do not sum to its net', written.id using errcode = '23514';
  end if;
  if written.credits is not null then
    select sum(total_minor) into credited from invoice where credits = written.credits;
    if credited > (select total_minor from invoice where id = written.credits) then
      raise exception 'credited above the invoice %', written.credits using errcode = '23514';
    end if;
  end if;
  return null;
end $$;
create constraint trigger invoice_adds_up after insert on invoice
  deferrable initially deferred for each row execute function check_invoice();
create constraint trigger invoice_line_adds_up after insert on invoice_line
  deferrable initially deferred for each row execute function check_invoice();
