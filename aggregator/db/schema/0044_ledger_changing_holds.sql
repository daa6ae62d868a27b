-- A pending hold may set aside another amount, so that a bid that improves costs one change.
-- What a hold moves is summed once a statement, and a guard is asked only where something is wrong.

create function move_held_placed() returns trigger language plpgsql as $$
begin
  update account set held_minor = held_minor + moved.amount_minor
    from (select account_id, sum(amount_minor)::bigint as amount_minor from placed
          group by account_id) as moved
    where id = moved.account_id;
  return null;
end $$;

create function move_held_changed() returns trigger language plpgsql as $$
begin
  update account set held_minor = held_minor + moved.amount_minor
    from (select account_id, sum(amount_minor)::bigint as amount_minor from (
            select account_id, amount_minor from after_it where state = 'pending'
            union all
            select account_id, -amount_minor from before_it where state = 'pending') as both_sides
          group by account_id having sum(amount_minor) <> 0) as moved
    where id = moved.account_id;
  return null;
end $$;

drop trigger hold_moves_held on hold;
drop function move_held();
create trigger hold_placed after insert on hold
  referencing new table as placed
  for each statement execute function move_held_placed();
create trigger hold_changed after update on hold
  referencing old table as before_it new table as after_it
  for each statement execute function move_held_changed();

drop trigger hold_guarded on hold;
drop function guard_hold();
create function refuse_hold() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' then
    raise exception 'a hold is never deleted' using errcode = '42501';
  end if;
  if tg_op = 'INSERT' then
    raise exception 'a hold begins pending' using errcode = '23514';
  end if;
  raise exception 'a hold ends once and changes in nothing but its amount' using errcode = '42501';
end $$;
create trigger hold_deleted before delete on hold
  for each row execute function refuse_hold();
create trigger hold_begins_pending before insert on hold
  for each row when (new.state <> 'pending') execute function refuse_hold();
create trigger hold_guarded before update on hold
  for each row when (
    old.state <> 'pending'
    or new.id <> old.id or new.account_id <> old.account_id
    or new.reference <> old.reference or new.placed_at <> old.placed_at
    or new.state <> 'pending' and new.amount_minor <> old.amount_minor
    or new.state = 'pending' and new.amount_minor = old.amount_minor)
  execute function refuse_hold();

drop trigger account_guarded on account;
drop function guard_account();
create function refuse_account() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' then
    raise exception 'an account is never deleted' using errcode = '42501';
  end if;
  if tg_op = 'INSERT' then
    raise exception 'an account opens empty' using errcode = '23514';
  end if;
  if new.balance_minor <> old.balance_minor or new.held_minor <> old.held_minor then
    raise exception 'balances move through postings and holds only' using errcode = '42501';
  end if;
  raise exception 'an account keeps its identity' using errcode = '42501';
end $$;
create trigger account_deleted before delete on account
  for each row execute function refuse_account();
create trigger account_opens_empty before insert on account
  for each row when (new.balance_minor <> 0 or new.held_minor <> 0)
  execute function refuse_account();
create trigger account_guarded before update on account
  for each row when (
    new.id <> old.id or new.purpose <> old.purpose or new.currency <> old.currency
    or new.allow_negative <> old.allow_negative
    or new.organisation_id is distinct from old.organisation_id
    or (new.balance_minor <> old.balance_minor or new.held_minor <> old.held_minor)
       and pg_trigger_depth() < 1)
  execute function refuse_account();
