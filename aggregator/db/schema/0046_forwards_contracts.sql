-- The life of a forward contract: slots, call-offs, changes by consent.

-- Where a firm takes goods; without one it takes over nobody's slot.
create table receiving_place (
  id text primary key,
  organisation_id text not null references organisation,
  region text not null references region,
  name text not null check (length(name) between 1 and 120),
  state text not null check (state in ('open', 'closed')),
  declared_at timestamptz not null,
  unique (organisation_id, region, name)
);

-- Frozen with the window: deposits by stage, and the index that the price follows.
alter table strip
  add column signing_bps int check (signing_bps between 1 and 10000),
  add column month_bps int not null default 0 check (month_bps between 0 and 10000),
  add column index_reference_minor bigint check (index_reference_minor > 0),
  add column index_default_minor bigint check (index_default_minor > 0),
  add constraint strip_deposits_within_price check (coalesce(signing_bps, 0) + month_bps <= 10000),
  add constraint strip_index_whole
    check ((index_reference_minor is null) = (index_default_minor is null));

-- A line of the schedule becomes deals when its lots are called off.
alter table strip_schedule alter column deal_id drop not null;

create table contract_slot (
  id text primary key,
  contract_id text not null references strip_contract,
  line int not null,
  replaces text references contract_slot,
  buyer_id text not null references organisation,
  tenor text not null,
  lots bigint not null check (lots >= 1),
  base_lots bigint not null check (base_lots >= 1),
  called_lots bigint not null default 0,
  price_minor bigint not null check (price_minor > 0),
  freight_minor bigint not null check (freight_minor >= 0),
  is_fixed boolean not null,
  index_minor bigint check (index_minor > 0),
  place_id text references receiving_place,
  deposit_minor bigint not null check (deposit_minor between 0 and 1000000000000000),
  performance_hold_id text references hold,
  stage text not null check (stage in ('none', 'later', 'called', 'paid')),
  stage_minor bigint not null default 0 check (stage_minor >= 0),
  ahead_at timestamptz not null,
  stage_due_at timestamptz not null,
  nominate_by timestamptz not null,
  state text not null check (state in ('open', 'called', 'replaced', 'lapsed', 'cancelled')),
  opened_at timestamptz not null,
  ended_at timestamptz,
  foreign key (contract_id, line) references strip_schedule (contract_id, line),
  constraint slot_not_overcalled check (called_lots between 0 and lots),
  constraint slot_ended_stamped check ((state = 'open') = (ended_at is null)),
  constraint slot_called_whole check ((state = 'called') <= (called_lots = lots))
);
create index contract_slot_contract on contract_slot (contract_id);
create index contract_slot_buyer on contract_slot (buyer_id) where state = 'open';

create table call_off (
  id text primary key,
  slot_id text not null references contract_slot,
  lots bigint not null check (lots >= 1),
  delivery_on date not null,
  by text not null check (by in ('buyer', 'silence')),
  confirmed_by text check (confirmed_by in ('seller', 'silence')),
  state text not null check (state in ('nominated', 'confirmed', 'withdrawn')),
  confirm_by timestamptz not null,
  deal_id text unique references deal,
  nominated_at timestamptz not null,
  answered_at timestamptz,
  check ((state = 'confirmed') = (deal_id is not null)),
  check ((state = 'nominated') = (answered_at is null))
);
create index call_off_slot on call_off (slot_id);

-- What one party would change; its terms never change, and it is carried out once.
create table contract_proposal (
  id text primary key,
  contract_id text not null references strip_contract,
  slot_id text not null references contract_slot,
  kind text not null check (
    kind in ('lots', 'month', 'place', 'price', 'cancel', 'transfer', 'swap')),
  proposed_by text not null references organisation,
  asked text[] not null check (cardinality(asked) between 1 and 3),
  terms jsonb not null,
  terms_sha256 text not null check (length(terms_sha256) = 64),
  plan jsonb not null,
  state text not null check (state in ('open', 'executed', 'withdrawn', 'refused', 'expired')),
  expires_at timestamptz not null,
  proposed_at timestamptz not null,
  ended_at timestamptz,
  check ((state = 'open') = (ended_at is null))
);
create index contract_proposal_open on contract_proposal (slot_id) where state = 'open';

create table proposal_consent (
  proposal_id text not null references contract_proposal,
  organisation_id text not null references organisation,
  person_id text not null,
  hold_id text references hold,
  at timestamptz not null,
  primary key (proposal_id, organisation_id)
);
create trigger proposal_consent_append_only before update or delete on proposal_consent
  for each row execute function refuse_change();
