-- Where a pledge's size comes from, and lots that a member's default set free.

alter table pledge add column size_from text not null default 'declared'
  check (size_from in ('settled', 'declared', 'registered', 'request'));

-- The lots of one deal that lapsed unpaid, offered to who was left out, at the same goods price.
create table pool_substitution (
  id text primary key,
  pool_id text not null references pool,
  number int not null,
  freed_deal_id text not null unique,
  lots bigint not null check (lots >= 1),
  left_lots bigint not null,
  state text not null check (state in ('open', 'ended')),
  opened_at timestamptz not null,
  ended_at timestamptz,
  foreign key (pool_id, number) references pool_group (pool_id, number),
  constraint pool_substitution_lots check (left_lots between 0 and lots),
  constraint pool_substitution_ended check ((state = 'ended') = (ended_at is not null))
);
create index pool_substitution_pool on pool_substitution (pool_id);

create table pool_substitute (
  id text primary key,
  substitution_id text not null references pool_substitution,
  pledge_id text not null references pledge,
  lots bigint not null check (lots >= 1),
  state text not null check (state in ('offered', 'accepted', 'declined', 'expired')),
  until timestamptz not null,
  deal_id text unique,
  constraint pool_substitute_once unique (substitution_id, pledge_id),
  constraint pool_substitute_deal check ((state = 'accepted') = (deal_id is not null))
);
-- A firm weighs one share at a time, and gets one.
create unique index pool_substitute_one_open on pool_substitute (pledge_id)
  where state in ('offered', 'accepted');
