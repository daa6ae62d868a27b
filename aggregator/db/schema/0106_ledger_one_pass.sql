-- What a commit does to holds that it knows, in one pass over them.

-- Its plan is made where it is first needed, whatever is forbidden to the statement there: it looks
-- accounts up by their keys.
alter function move_held_changed() set enable_nestloop = on;
alter function move_held_changed() set enable_seqscan = off;
alter function move_held_changed() set enable_hashjoin = off;
alter function move_held_changed() set enable_mergejoin = off;

-- `before` says what each of `holds` sets aside, and `after` what it will; those that stay are
-- only looked at. Accounts are locked in the order in which everybody locks them. A hold that is
-- not as the caller knows it is refused, and the account's own limit refuses what is not covered.
drop function holds_change(json, jsonb, jsonb);
create function holds_change(accounts text, holds text, before text, after text)
  returns void language plpgsql
  set enable_seqscan = off set enable_nestloop = off set enable_mergejoin = off
  set plan_cache_mode = force_generic_plan as $$
declare
  ids text[] := texts_of(holds);
  amounts_before bigint[] := before;
  amounts_after bigint[] := after;
  wanted int := cardinality(amounts_before);
  known int;
  same int;
begin
  perform 1 from account where id = any(texts_of(accounts)) order by id for update;
  update hold h set amount_minor = t.after
    from (select unnest(ids) as id, unnest(amounts_before) as before,
                 unnest(amounts_after) as after) as t
    where h.id = any(ids) and h.id = t.id and h.ended_at is null
      and h.amount_minor = t.before and t.after <> t.before;
  get diagnostics known = row_count;
  if known <> wanted then
    select count(*) into same from hold h
      join (select unnest(ids) as id, unnest(amounts_before) as before,
                   unnest(amounts_after) as after) as t on t.id = h.id
      where h.id = any(ids) and h.ended_at is null
        and h.amount_minor = t.before and t.after = t.before;
    known := known + same;
  end if;
  if known <> wanted then
    raise exception 'a hold is not what it was' using errcode = '40001';
  end if;
end $$;
