-- Bundled forward orders: a window, buyers' orders by month, suppliers' sealed offers.

create table strip (
  id text primary key,
  title text not null check (length(title) between 1 and 120),
  instrument_id text not null references instrument,
  region text not null,
  tenors text[] not null check (cardinality(tenors) between 1 and 24),
  pricing text not null check (pricing in ('supported', 'make_whole')),
  opens_at timestamptz not null,
  closes_at timestamptz not null check (closes_at > opens_at),
  state text not null check (state in ('gathering', 'cleared', 'lapsed')),
  created_at timestamptz not null
);

create table strip_order (
  id text primary key,
  strip_id text not null references strip,
  organisation_id text not null references organisation,
  form text not null check (form in ('period', 'flexible', 'block')),
  terms jsonb not null,
  total_lots bigint not null check (total_lots between 1 and 1000000000),
  limit_minor bigint not null check (limit_minor > 0),
  seq bigint not null check (seq >= 1),
  hold_id text references hold,
  state text not null check (state in ('standing', 'cancelled', 'awarded', 'unfilled')),
  placed_at timestamptz not null,
  unique (strip_id, seq)
);
create index strip_order_organisation on strip_order (organisation_id);

create table strip_offer (
  id text primary key,
  strip_id text not null references strip,
  organisation_id text not null references organisation,
  steps jsonb not null,
  capacity bigint not null check (capacity between 1 and 1000000000),
  min_total bigint not null check (min_total between 1 and capacity),
  breaks jsonb not null,
  seq bigint not null check (seq >= 1),
  state text not null check (state in ('standing', 'withdrawn', 'awarded', 'unfilled')),
  placed_at timestamptz not null,
  unique (strip_id, seq)
);
create unique index strip_offer_one_each on strip_offer (strip_id, organisation_id)
  where state = 'standing';

-- What was cleared, with its certificate: an auditor checks it with no other row.
create table strip_result (
  strip_id text primary key references strip,
  instance jsonb not null,
  result jsonb not null,
  at timestamptz not null
);
create trigger strip_result_append_only before update or delete on strip_result
  for each row execute function refuse_change();

-- One master contract for each supplier, with a schedule by buyer and month.
create table strip_contract (
  id text primary key,
  strip_id text not null references strip,
  seller_id text not null references organisation,
  total_lots bigint not null check (total_lots >= 1),
  at timestamptz not null,
  unique (strip_id, seller_id)
);

create table strip_schedule (
  contract_id text not null references strip_contract,
  line int not null check (line >= 1),
  order_id text not null references strip_order,
  buyer_id text not null references organisation,
  tenor text not null,
  lots bigint not null check (lots >= 1),
  price_minor bigint not null check (price_minor > 0),
  deal_id text not null unique,
  primary key (contract_id, line)
);
create index strip_schedule_buyer on strip_schedule (buyer_id);
