-- Double entry that defends itself: balanced transfers, append-only postings, no overdraft.
-- A positive amount raises the account; each currency of a transfer sums to zero.

create table account (
  id text primary key,
  organisation_id text references organisation,
  purpose text not null check (purpose in ('cash', 'escrow', 'fees', 'tax', 'bank', 'suspense')),
  reference text not null default '',
  currency char(3) not null,
  allow_negative boolean not null default false,
  balance_minor bigint not null default 0,
  held_minor bigint not null default 0,
  constraint account_held_not_negative check (held_minor >= 0),
  constraint account_covered check (allow_negative or balance_minor - held_minor >= 0),
  constraint account_only_bank_negative check (not allow_negative or purpose = 'bank')
);
create index account_organisation on account (organisation_id);

create table transfer (
  id text primary key,
  kind text not null,
  reference text not null,
  key text not null unique,
  reverses text unique references transfer,
  at timestamptz not null
);

create table posting (
  transfer_id text not null references transfer,
  line smallint not null check (line >= 1),
  account_id text not null references account,
  currency char(3) not null,
  amount_minor bigint not null
    check (amount_minor <> 0 and amount_minor between -1000000000000000 and 1000000000000000),
  primary key (transfer_id, line)
);
create index posting_account on posting (account_id);

create table hold (
  id text primary key,
  account_id text not null references account,
  amount_minor bigint not null check (amount_minor between 1 and 1000000000000000),
  reference text not null,
  state text not null check (state in ('pending', 'posted', 'voided', 'expired')),
  placed_at timestamptz not null,
  ended_at timestamptz,
  check ((state = 'pending') = (ended_at is null))
);
create index hold_account on hold (account_id) where state = 'pending';
create index hold_reference on hold (reference);

create function move_balance() returns trigger language plpgsql as $$
begin
  update account set balance_minor = balance_minor + new.amount_minor
    where id = new.account_id and currency = new.currency;
  if not found then
    raise exception 'posting in another currency than its account' using errcode = '23514';
  end if;
  return null;
end $$;
create trigger posting_moves_balance after insert on posting
  for each row execute function move_balance();

create function check_transfer_balanced() returns trigger language plpgsql as $$
declare
  wanted text;
  lines int;
begin
  if tg_table_name = 'transfer' then wanted := new.id; else wanted := new.transfer_id; end if;
  select count(*) into lines from posting where transfer_id = wanted;
  if lines < 2 then
    raise exception 'transfer % has % postings', wanted, lines using errcode = '23514';
  end if;
  if exists (select 1 from posting where transfer_id = wanted
             group by currency having sum(amount_minor) <> 0) then
    raise exception 'transfer % does not balance', wanted using errcode = '23514';
  end if;
  return null;
end $$;
create constraint trigger transfer_balanced after insert on transfer
  deferrable initially deferred for each row execute function check_transfer_balanced();
create constraint trigger posting_balanced after insert on posting
  deferrable initially deferred for each row execute function check_transfer_balanced();

create trigger transfer_append_only before update or delete on transfer
  for each row execute function refuse_change();
create trigger posting_append_only before update or delete on posting
  for each row execute function refuse_change();
create trigger transfer_no_truncate before truncate on transfer
  for each statement execute function refuse_change();
create trigger posting_no_truncate before truncate on posting
  for each statement execute function refuse_change();

-- Balances and held amounts move only through postings and holds.
create function guard_account() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' then
    raise exception 'an account is never deleted' using errcode = '42501';
  end if;
  if tg_op = 'INSERT' then
    if new.balance_minor <> 0 or new.held_minor <> 0 then
      raise exception 'an account opens empty' using errcode = '23514';
    end if;
    return new;
  end if;
  if (new.id, new.purpose, new.currency, new.allow_negative)
       is distinct from (old.id, old.purpose, old.currency, old.allow_negative)
     or new.organisation_id is distinct from old.organisation_id then
    raise exception 'an account keeps its identity' using errcode = '42501';
  end if;
  if (new.balance_minor <> old.balance_minor or new.held_minor <> old.held_minor)
     and pg_trigger_depth() < 2 then
    raise exception 'balances move through postings and holds only' using errcode = '42501';
  end if;
  return new;
end $$;
create trigger account_guarded before insert or update or delete on account
  for each row execute function guard_account();

create function move_held() returns trigger language plpgsql as $$
begin
  if tg_op = 'INSERT' then
    update account set held_minor = held_minor + new.amount_minor where id = new.account_id;
  else
    update account set held_minor = held_minor - new.amount_minor where id = new.account_id;
  end if;
  return null;
end $$;
create function guard_hold() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' then
    raise exception 'a hold is never deleted' using errcode = '42501';
  end if;
  if tg_op = 'INSERT' then
    if new.state <> 'pending' then
      raise exception 'a hold begins pending' using errcode = '23514';
    end if;
    return new;
  end if;
  if old.state <> 'pending' or new.state = 'pending'
     or (new.id, new.account_id, new.amount_minor, new.reference, new.placed_at)
       is distinct from (old.id, old.account_id, old.amount_minor, old.reference, old.placed_at) then
    raise exception 'a hold ends once and changes in nothing else' using errcode = '42501';
  end if;
  return new;
end $$;
create trigger hold_guarded before insert or update or delete on hold
  for each row execute function guard_hold();
create trigger hold_moves_held after insert or update on hold
  for each row execute function move_held();
