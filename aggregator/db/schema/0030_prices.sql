-- Published prices: a deal feeds exactly one publication, and nothing is restated.

create table price_publication (
  id text primary key,
  cell text not null,
  instrument_id text not null references instrument,
  region text not null,
  tenor text not null check (tenor ~ '^20[2-9][0-9]-(0[1-9]|1[0-2])$'),
  number bigint not null check (number >= 1),
  value_minor bigint not null check (value_minor > 0),
  currency char(3) not null,
  volume_band text not null,
  size_band text not null,
  method text not null,
  inputs_sha256 text not null check (length(inputs_sha256) = 64),
  at timestamptz not null,
  unique (cell, number)
);
create trigger price_publication_append_only before update or delete on price_publication
  for each row execute function refuse_change();

create table price_deal (
  deal_id text primary key,
  cell text not null,
  instrument_id text not null references instrument,
  region text not null,
  tenor text not null,
  buyer_group text not null,
  seller_group text not null,
  price_minor bigint not null check (price_minor > 0),
  lots bigint not null check (lots >= 0),
  settled_at timestamptz not null,
  state text not null check (state in ('waiting', 'parked', 'published', 'excluded')),
  publication_id text references price_publication,
  parked_for text,
  check ((state = 'published') = (publication_id is not null)),
  check ((state = 'parked') = (parked_for is not null)),
  check (lots > 0 or state = 'excluded')
);
create index price_deal_waiting on price_deal (cell) where state = 'waiting';
create index price_deal_flow on price_deal (instrument_id, settled_at);

-- A published deal that was returned later enters the next publication as an exclusion.
create table price_exclusion (
  deal_id text not null references price_deal,
  cell text not null,
  lots bigint not null check (lots > 0),
  noted_at timestamptz not null,
  publication_id text references price_publication,
  primary key (deal_id, noted_at)
);
