-- Rounds of a forward window: a clock over its months, or counter-offers with one mill.

alter table strip
  add column rounds text not null default 'sealed' check (rounds in ('sealed', 'clock', 'counter')),
  add column talks jsonb,
  add column talks_until timestamptz,
  drop constraint strip_state_check,
  add constraint strip_state_check
    check (state in ('gathering', 'talking', 'asking', 'settling', 'cleared', 'lapsed')),
  add constraint strip_talks_with_rounds check ((rounds = 'sealed') = (talks is null)),
  add constraint strip_talks_end
    check ((state in ('talking', 'asking')) <= (talks_until is not null));

-- What one side said; the terms never change, the hash stands in the journal.
create table strip_round (
  strip_id text not null references strip,
  number int not null check (number >= 1),
  by text not null check (by in ('clock', 'bundle', 'seller')),
  terms jsonb not null,
  terms_sha256 text not null check (length(terms_sha256) = 64),
  state text not null check (state in ('open', 'countered', 'accepted', 'expired', 'over')),
  opened_at timestamptz not null,
  ends_at timestamptz not null check (ends_at > opened_at),
  ended_at timestamptz,
  primary key (strip_id, number),
  check ((state = 'open') = (ended_at is null))
);
create unique index strip_round_one_open on strip_round (strip_id) where state = 'open';

-- What a mill would deliver at a clock's prices; the last answer of a round counts.
create table strip_supply (
  strip_id text not null,
  number int not null,
  organisation_id text not null references organisation,
  lots jsonb not null,
  at timestamptz not null,
  primary key (strip_id, number, organisation_id),
  foreign key (strip_id, number) references strip_round
);

-- An order that the agreed terms would serve above its limit waits for its buyer.
create table strip_ask (
  order_id text primary key references strip_order,
  strip_id text not null references strip,
  limit_minor bigint not null check (limit_minor > 0),
  terms_sha256 text not null check (length(terms_sha256) = 64),
  state text not null check (state in ('open', 'approved', 'declined', 'silent')),
  asked_at timestamptz not null,
  answered_at timestamptz,
  check ((state = 'open') = (answered_at is null))
);
create index strip_ask_strip on strip_ask (strip_id);
