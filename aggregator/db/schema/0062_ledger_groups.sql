-- What the acts of a commit do to holds that they know, in one call.
--
-- `before` says what each hold sets aside, by its id, and `after` what those that change will.
-- Accounts are locked in the order in which everybody locks them. A hold that is not as the
-- caller knows it is refused, and the account's own limit refuses what is not covered.
create function holds_change(accounts json, before jsonb, after jsonb)
  returns void language plpgsql
  set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  ids text[] := array(select jsonb_object_keys(before));
  known int;
begin
  perform 1 from account where id = any(array(select json_array_elements_text(accounts)))
    order by id for update;
  select count(*) into known from hold h
    where h.id = any(ids) and h.ended_at is null and h.amount_minor = (before->>h.id)::bigint;
  if known <> cardinality(ids) then
    raise exception 'a hold is not what it was' using errcode = '40001';
  end if;
  ids := array(select jsonb_object_keys(after));
  update hold h set amount_minor = (after->>h.id)::bigint where h.id = any(ids);
end $$;
