-- Who may commit a firm to how much. A firm without a policy row is bound by roles alone.

create table mandate_policy (
  organisation_id text not null references organisation,
  act text not null check (length(act) between 3 and 60),
  free_up_to_minor bigint not null check (free_up_to_minor between 0 and 1000000000000000),
  chain text[] not null check (cardinality(chain) between 1 and 5),
  valid_hours int not null check (valid_hours between 1 and 720),
  set_by text not null references person,
  set_at timestamptz not null,
  primary key (organisation_id, act)
);

create table mandate (
  id text primary key,
  organisation_id text not null references organisation,
  person_id text not null references person,
  acts text[] not null check (cardinality(acts) between 1 and 10),
  instruments text[] not null check (cardinality(instruments) <= 50),
  limit_minor bigint check (limit_minor > 0),
  max_lots bigint check (max_lots > 0),
  per_act_minor bigint not null check (per_act_minor > 0),
  total_minor bigint not null check (total_minor between per_act_minor and 1000000000000000),
  used_minor bigint not null default 0,
  currency char(3) not null,
  reserve_minor bigint not null check (reserve_minor between 0 and total_minor),
  left_minor bigint not null default 0,
  hold_id text references hold,
  state text not null check (state in ('unfunded', 'open', 'revoked', 'expired')),
  granted_by text not null references person,
  granted_at timestamptz not null,
  ends_at timestamptz not null,
  constraint mandate_within_total check (used_minor between 0 and total_minor),
  constraint mandate_reserve_left check (left_minor between 0 and reserve_minor),
  constraint mandate_reserve_held check ((hold_id is null) = (left_minor = 0)),
  constraint mandate_not_to_oneself check (granted_by <> person_id),
  check (ends_at > granted_at)
);
create index mandate_person on mandate (organisation_id, person_id) where state = 'open';

create table mandate_use (
  mandate_id text not null references mandate,
  reference text not null,
  subject text not null,
  act text not null,
  tenor text not null,
  lots bigint not null check (lots >= 0),
  amount_minor bigint not null check (amount_minor >= 0),
  drawn_minor bigint not null check (drawn_minor >= 0),
  state text not null check (state in ('open', 'spent', 'freed')),
  at timestamptz not null,
  primary key (mandate_id, reference),
  constraint mandate_use_freed check (state <> 'freed' or (amount_minor = 0 and lots = 0))
);
create index mandate_use_subject on mandate_use (subject) where state = 'open';

create table mandate_substitute (
  organisation_id text not null references organisation,
  person_id text not null references person,
  substitute_id text not null references person,
  begins_at timestamptz not null,
  ends_at timestamptz not null,
  primary key (organisation_id, person_id, substitute_id),
  check (person_id <> substitute_id),
  check (ends_at > begins_at)
);

create table approval (
  id text primary key,
  organisation_id text not null references organisation,
  asked_by text not null references person,
  act text not null,
  subject text not null,
  terms jsonb not null,
  fingerprint bytea not null check (length(fingerprint) = 32),
  amount_minor bigint not null check (amount_minor between 1 and 1000000000000000),
  currency char(3) not null,
  note text not null check (length(note) <= 2000),
  chain text[] not null check (cardinality(chain) between 1 and 5),
  step int not null default 0,
  state text not null check (state in
    ('waiting', 'approved', 'executed', 'failed', 'rejected', 'withdrawn', 'expired')),
  asked_at timestamptz not null,
  ends_at timestamptz not null,
  executed_at timestamptz,
  outcome jsonb,
  constraint approval_steps check (step between 0 and cardinality(chain)),
  constraint approval_whole_chain
    check (state not in ('approved', 'executed') or step = cardinality(chain)),
  constraint approval_executed_at check ((state = 'executed') = (executed_at is not null))
);
create index approval_organisation on approval (organisation_id, asked_at);

create table approval_decision (
  approval_id text not null references approval,
  step int not null check (step >= 1),
  person_id text not null references person,
  on_behalf_of text references person,
  verdict text not null check (verdict in ('approved', 'rejected')),
  reason text not null check (length(reason) <= 2000),
  at timestamptz not null,
  primary key (approval_id, step),
  constraint approval_decision_one_each unique (approval_id, person_id)
);

create function guard_approval() returns trigger language plpgsql as $$
begin
  if (new.organisation_id, new.asked_by, new.act, new.subject, new.terms, new.fingerprint,
      new.amount_minor, new.currency, new.chain, new.asked_at, new.ends_at)
     is distinct from
     (old.organisation_id, old.asked_by, old.act, old.subject, old.terms, old.fingerprint,
      old.amount_minor, old.currency, old.chain, old.asked_at, old.ends_at) then
    raise exception 'the terms of an approval are frozen' using errcode = '23514';
  end if;
  if new.state <> old.state and not (
    (old.state = 'waiting' and new.state in ('approved', 'rejected', 'withdrawn', 'expired'))
    or (old.state = 'approved' and new.state in ('executed', 'failed'))
  ) then
    raise exception 'an approval does not go from % to %', old.state, new.state
      using errcode = '23514';
  end if;
  return new;
end $$;
create trigger approval_guarded before update on approval
  for each row execute function guard_approval();

create function guard_approval_decision() returns trigger language plpgsql as $$
begin
  if exists (select 1 from approval where id = new.approval_id and asked_by = new.person_id) then
    raise exception 'nobody decides an act of their own' using errcode = '23514';
  end if;
  return new;
end $$;
create trigger approval_decision_guarded before insert on approval_decision
  for each row execute function guard_approval_decision();
