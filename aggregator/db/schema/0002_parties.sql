-- Who trades, and what is traded.

create table organisation (
  id text primary key,
  name text not null unique check (length(name) between 1 and 120),
  name_en text not null default '' check (length(name_en) <= 120),
  kind text not null check (kind in ('factory', 'mill', 'trader', 'refiner', 'operator', 'auditor')),
  owner_group text not null check (length(owner_group) between 1 and 120),
  region text not null,
  monthly_lots bigint not null default 0 check (monthly_lots between 0 and 1000000000),
  deposit_reference text not null unique,
  created_at timestamptz not null
);

create table person (
  id text primary key,
  login text not null unique check (length(login) between 3 and 120),
  name text not null check (length(name) between 1 and 120),
  password_hash text not null,
  language text not null default 'zh' check (language in ('zh', 'en')),
  created_at timestamptz not null
);

create table membership (
  person_id text not null references person,
  organisation_id text not null references organisation,
  roles text[] not null check (cardinality(roles) between 1 and 12),
  primary key (person_id, organisation_id)
);

create table session (
  token_hash bytea primary key check (length(token_hash) = 32),
  person_id text not null references person,
  organisation_id text not null references organisation,
  opened_at timestamptz not null,
  seen_at timestamptz not null,
  expires_at timestamptz not null,
  revoked_at timestamptz
);
create index session_person on session (person_id);

create table region (
  code text primary key check (length(code) between 1 and 20),
  name_zh text not null,
  name_en text not null,
  parent text references region
);

create table instrument (
  id text primary key check (id ~ '^[A-Z0-9][A-Z0-9-]{1,39}$'),
  name_zh text not null,
  name_en text not null,
  standard text not null,
  packaging text not null,
  currency char(3) not null,
  lot_text text not null,
  tick_minor bigint not null check (tick_minor > 0),
  step_minor bigint not null check (step_minor > 0),
  max_lots bigint not null check (max_lots > 0),
  tax_bps int not null check (tax_bps between 0 and 10000),
  service_tax_bps int not null check (service_tax_bps between 0 and 10000),
  fee_bps int not null check (fee_bps between 0 and 10000),
  deposit_bps int not null check (deposit_bps between 0 and 10000),
  tolerance_bps int not null check (tolerance_bps between 0 and 10000),
  return_policy text not null check (length(return_policy) between 1 and 2000),
  return_days int not null check (return_days between 0 and 365),
  created_at timestamptz not null
);
