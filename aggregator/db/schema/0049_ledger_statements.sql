-- The postings of a transfer come in one statement and balance in it; what a statement moves is
-- summed once an account. A transfer without postings is still refused at the commit.

drop trigger posting_moves_balance on posting;
drop function move_balance();
drop trigger posting_balanced on posting;

create function take_postings() returns trigger language plpgsql as $$
begin
  if exists (select 1 from placed join account on account.id = placed.account_id
             where account.currency <> placed.currency) then
    raise exception 'posting in another currency than its account' using errcode = '23514';
  end if;
  if exists (select 1 from placed group by transfer_id, currency having sum(amount_minor) <> 0)
     or exists (select 1 from placed group by transfer_id
                having min(line) <> 1 or count(*) < 2) then
    raise exception 'postings of a transfer are one balanced statement' using errcode = '23514';
  end if;
  update account set balance_minor = balance_minor + moved.amount_minor
    from (select account_id, sum(amount_minor)::bigint as amount_minor from placed
          group by account_id) as moved
    where id = moved.account_id;
  return null;
end $$;
create trigger posting_taken after insert on posting
  referencing new table as placed
  for each statement execute function take_postings();

create or replace function check_transfer_balanced() returns trigger language plpgsql as $$
begin
  if not exists (select 1 from posting where transfer_id = new.id) then
    raise exception 'transfer % has no postings', new.id using errcode = '23514';
  end if;
  return null;
end $$;
