-- The accounts of holds that change are looked up together, not one after the other, and what
-- moves is added up without being sorted. The plan is made where it is first needed, whatever is
-- forbidden to the statement there.
create or replace function move_held_changed() returns trigger language plpgsql
  set enable_seqscan = off set enable_nestloop = off set enable_mergejoin = off
  set enable_hashjoin = on set enable_sort = off as $$
begin
  update account set held_minor = held_minor + moved.amount_minor
    from (select account_id, sum(amount_minor)::bigint as amount_minor from (
            select account_id, amount_minor from after_it where state = 'pending'
            union all
            select account_id, -amount_minor from before_it where state = 'pending') as both_sides
          group by account_id having sum(amount_minor) <> 0) as moved
    where id = any(array(select account_id from before_it)) and id = moved.account_id;
  return null;
end $$;
