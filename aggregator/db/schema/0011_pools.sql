-- What suppliers offer, and the life of a group buy.

create function are_breaks(breaks jsonb) returns boolean language sql immutable as $$
  select jsonb_typeof(breaks) = 'array' and jsonb_array_length(breaks) between 1 and 50
    and not exists (
      select 1 from (
        select (b ->> 0)::bigint as lots, (b ->> 1)::bigint as price,
               lag((b ->> 0)::bigint) over (order by n) as lots_before,
               lag((b ->> 1)::bigint) over (order by n) as price_before
        from jsonb_array_elements(breaks) with ordinality as e(b, n)) s
      where lots < 1 or price < 1 or lots <= lots_before or price > price_before)
$$;

create table offer (
  id text primary key,
  seq bigint generated always as identity unique,
  seller_id text not null references organisation,
  instrument_id text not null references instrument,
  region text not null references region,
  tenor text not null check (tenor ~ '^20[0-9]{2}-(0[1-9]|1[0-2])$'),
  cell text not null,
  breaks jsonb not null,
  pack bigint not null check (pack >= 1),
  capacity_lots bigint not null check (capacity_lots >= 1),
  taken_lots bigint not null default 0 check (taken_lots >= 0),
  is_public boolean not null,
  state text not null check (state in ('standing', 'withdrawn', 'expired')),
  published_at timestamptz not null,
  valid_until timestamptz not null,
  constraint offer_breaks_lawful check (are_breaks(breaks)),
  constraint offer_never_oversold check (taken_lots <= capacity_lots),
  constraint offer_capacity_holds_a_pack check (capacity_lots >= pack),
  constraint offer_window check (valid_until > published_at),
  constraint offer_cell check (cell = instrument_id || '/' || region || '/' || tenor)
);
create index offer_standing on offer (cell, seq) where state = 'standing';
create index offer_seller on offer (seller_id);

create table pool (
  id text primary key,
  instrument_id text not null references instrument,
  region text not null references region,
  tenor text not null check (tenor ~ '^20[0-9]{2}-(0[1-9]|1[0-2])$'),
  cell text not null,
  mode text not null check (mode in ('breaks', 'auction', 'both')),
  state text not null check (state in ('gathering', 'firming', 'closed', 'awarded', 'lapsed')),
  similarity_n int not null check (similarity_n between 1 and 1000),
  similarity_d int not null check (similarity_d between 1 and 1000),
  min_members int not null check (min_members between 3 and 1000),
  auction_minutes int not null check (auction_minutes between 0 and 10080),
  prolong_minutes int not null check (prolong_minutes between 0 and 10080),
  is_prolonged boolean not null default false,
  opened_by text not null,
  opened_at timestamptz not null,
  firming_at timestamptz not null,
  closes_at timestamptz not null,
  constraint pool_similarity check (similarity_n >= similarity_d),
  constraint pool_window check (opened_at <= firming_at and firming_at < closes_at),
  constraint pool_auction_time check ((mode = 'breaks') = (auction_minutes = 0)),
  constraint pool_cell check (cell = instrument_id || '/' || region || '/' || tenor)
);
create index pool_live on pool (cell, id) where state in ('gathering', 'firming');
create index pool_state on pool (state, closes_at);

-- What came of the windows of a pool: each has one offer's price, and one supplier in the end.
create table pool_group (
  pool_id text not null references pool,
  number int not null check (number >= 1),
  offer_id text not null references offer,
  goods_minor bigint not null check (goods_minor >= 1),
  lots bigint not null check (lots >= 1),
  is_reserved boolean not null,
  auction_id text unique,
  state text not null check (state in ('formed', 'auctioned', 'awarded', 'lapsed')),
  seller_id text references organisation,
  paid_goods_minor bigint check (paid_goods_minor >= 1),
  primary key (pool_id, number),
  constraint pool_group_auctioned check (state <> 'auctioned' or auction_id is not null),
  constraint pool_group_awarded
    check ((state = 'awarded') = (seller_id is not null and paid_goods_minor is not null)),
  constraint pool_group_price_holds check (paid_goods_minor <= goods_minor)
);

create table pledge (
  id text primary key,
  seq bigint generated always as identity unique,
  pool_id text not null references pool,
  organisation_id text not null references organisation,
  owner_group text not null,
  lots bigint not null check (lots >= 1),
  tolerance_lots bigint not null check (tolerance_lots >= 0),
  limit_minor bigint not null check (limit_minor >= 1),
  freight_minor bigint not null check (freight_minor >= 0),
  size_lots bigint not null check (size_lots >= 1),
  agrees_to_prolong boolean not null,
  hold_id text references hold,
  deposit_minor bigint not null check (deposit_minor >= 0),
  state text not null check (state in ('standing', 'withdrawn', 'left_out', 'grouped', 'awarded')),
  reason text,
  group_number int,
  awarded_lots bigint,
  deal_id text unique,
  joined_at timestamptz not null,
  constraint pledge_freight_below_limit check (freight_minor < limit_minor),
  constraint pledge_deposit_held check ((hold_id is null) = (deposit_minor = 0)),
  constraint pledge_reason check ((state = 'left_out') = (reason is not null)),
  constraint pledge_award
    check ((state = 'awarded') = (deal_id is not null)
      and (state not in ('grouped', 'awarded')
        or (group_number is not null and awarded_lots between 1 and lots + tolerance_lots))),
  foreign key (pool_id, group_number) references pool_group (pool_id, number)
);
create unique index pledge_one_a_pool on pledge (pool_id, organisation_id) where state <> 'withdrawn';
create index pledge_pool on pledge (pool_id, seq);
create index pledge_organisation on pledge (organisation_id);

-- A declared size stays for 90 days.
create table declared_size (
  organisation_id text primary key references organisation,
  size_lots bigint not null check (size_lots >= 1),
  declared_at timestamptz not null
);

-- What the mechanism was given and what it found, with the certificate that was checked.
create table pool_clearing (
  pool_id text not null references pool,
  number int not null check (number >= 1),
  instance jsonb not null,
  result jsonb not null,
  at timestamptz not null,
  primary key (pool_id, number)
);
create trigger pool_clearing_append_only before update or delete on pool_clearing
  for each row execute function refuse_change();
