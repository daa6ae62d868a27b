-- Auctions, both directions. What happened in one stands in its journal stream; these rows
-- find it, list it, and tie each bidder's deposit to it.

create table auction (
  id text primary key check (length(id) between 1 and 60),
  side text not null check (side in ('buy', 'sell')),
  format text not null check (format in ('english', 'sealed_first', 'sealed_uniform',
    'second_price', 'dutch', 'japanese', 'clock', 'packages')),
  owner_id text references organisation,
  reference text not null default '' check (length(reference) <= 200),
  title text not null check (length(title) <= 120),
  instrument_id text not null references instrument,
  region text not null references region,
  tenor text not null check (tenor ~ '^20[2-9][0-9]-(0[1-9]|1[0-2])$'),
  lots bigint not null check (lots between 1 and 1000000000000000),
  disclosure text not null check (disclosure in ('full', 'best', 'rank', 'blind')),
  invited text[] not null check (array_position(invited, null) is null),
  state text not null check (state in ('scheduled', 'open', 'paused', 'closed', 'cancelled')),
  opens_at timestamptz not null,
  closes_at timestamptz not null,
  created_at timestamptz not null,
  constraint auction_window check (closes_at > opens_at),
  constraint auction_has_owner check (owner_id is not null or reference <> '')
);
-- What stands above an auction opens it once.
create unique index auction_reference on auction (reference) where reference <> '';
create index auction_cell on auction (instrument_id, region, tenor);
create index auction_running on auction (closes_at) where state in ('scheduled', 'open', 'paused');

-- One firm of an owner group in an auction; its hold covers its standing bid.
create table auction_bidder (
  auction_id text not null references auction,
  organisation_id text not null references organisation,
  owner_group text not null,
  hold_id text unique references hold,
  primary key (auction_id, organisation_id),
  constraint auction_bidder_one_of_a_group unique (auction_id, owner_group)
);
