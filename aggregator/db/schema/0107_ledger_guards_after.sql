-- Guards of what changes with every bid look once, when it is changed.
--
-- One that looks before that has the row locked for it first, which is written down too. One that
-- looks afterwards refuses the same statements, with all that they did.
drop trigger hold_guarded on hold;
create trigger hold_guarded after update on hold
  for each row when (
    old.state <> 'pending'
    or new.id <> old.id or new.account_id <> old.account_id
    or new.reference <> old.reference or new.placed_at <> old.placed_at
    or new.state <> 'pending' and new.amount_minor <> old.amount_minor
    or new.state = 'pending' and new.amount_minor = old.amount_minor)
  execute function refuse_hold();
drop trigger account_guarded on account;
create trigger account_guarded after update on account
  for each row when (
    new.id <> old.id or new.purpose <> old.purpose or new.currency <> old.currency
    or new.allow_negative <> old.allow_negative
    or new.organisation_id is distinct from old.organisation_id
    or (new.balance_minor <> old.balance_minor or new.held_minor <> old.held_minor)
       and pg_trigger_depth() < 1)
  execute function refuse_account();
