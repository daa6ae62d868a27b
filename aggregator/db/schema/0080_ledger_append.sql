-- What the acts of a commit post, in one call.
--
-- A statement's postings move balances in one update, and each of them has to: an account that
-- does not exist, or is of another currency, is found by what the update did not move, so no row
-- need be looked up for its key alone. A transfer has one currency.

create or replace function take_postings() returns trigger language plpgsql as $$
declare
  unmoved int;
begin
  if exists (select 1 from placed group by transfer_id
             having sum(amount_minor) <> 0 or min(line) <> 1
                or min(currency) <> max(currency)) then
    raise exception 'postings of a transfer are one balanced statement' using errcode = '23514';
  end if;
  with moving as materialized (
    select account_id, currency, sum(amount_minor)::bigint as amount_minor from placed
     group by account_id, currency
  ), moved as (
    update account set balance_minor = balance_minor + moving.amount_minor from moving
     where id = moving.account_id and account.currency = moving.currency
    returning 1
  )
  select (select count(*) from moving) - (select count(*) from moved) into unmoved;
  if unmoved <> 0 then
    raise exception 'posting to no account of its currency' using errcode = '23514';
  end if;
  return null;
end $$;
alter table posting drop constraint posting_account_id_fkey;
create trigger account_no_truncate before truncate on account
  for each statement execute function refuse_change();

-- Nearly no transfer takes another one back.
alter table transfer drop constraint transfer_reverses_key;
create unique index transfer_reverses on transfer (reverses) where reverses is not null;

-- `known`: accounts, their currencies, what each holds and what of it is held, as the caller knows
-- them. They are locked in the order in which everybody locks them, and where one is otherwise all
-- is refused. `made`: the transfers' columns. `moved`: of each posting its transfer and its
-- account, by their places in the other two, its line and its amount.
create function ledger_append(known json, made json, moved json)
  returns void language plpgsql
  set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
  set enable_material = off as $$
declare
  accounts text[] := array(select json_array_elements_text(known->0));
  currencies text[] := array(select json_array_elements_text(known->1));
  transfers text[] := array(select json_array_elements_text(made->0));
  same int;
begin
  select count(*) into same from (
    select 1 from rows from (
        json_array_elements_text(known->0), json_array_elements_text(known->2),
        json_array_elements_text(known->3)
      ) as t (id, balance, held)
      join account a on a.id = t.id
     where a.balance_minor = t.balance::bigint and a.held_minor = t.held::bigint
     order by a.id for update of a) as locked;
  if same <> cardinality(accounts) then
    raise exception 'an account is not what it was' using errcode = '40001';
  end if;
  insert into transfer (id, kind, reference, key, reverses, at)
    select t.id, t.kind, t.reference, t.key, t.reverses, instant_of(t.at)
      from rows from (
        json_array_elements_text(made->0), json_array_elements_text(made->1),
        json_array_elements_text(made->2), json_array_elements_text(made->3),
        json_array_elements_text(made->4), json_array_elements_text(made->5)
      ) as t (id, kind, reference, key, reverses, at);
  insert into posting (transfer_id, line, account_id, currency, amount_minor)
    select transfers[t.transfer::int + 1], t.line::smallint, accounts[t.account::int + 1],
        currencies[t.account::int + 1], t.amount::bigint
      from rows from (
        json_array_elements_text(moved->0), json_array_elements_text(moved->1),
        json_array_elements_text(moved->2), json_array_elements_text(moved->3)
      ) as t (transfer, line, account, amount);
end $$;
