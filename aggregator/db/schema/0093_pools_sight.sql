-- Early sight of group buys by tier, pools of a firm's own, and a tier's place among equals.

alter table pool add column early_hours smallint[] not null default '{}';
alter table pool add column seen_from_tier smallint not null default 0
  check (seen_from_tier between 0 and 8);
create index pool_opened_by on pool (opened_by) where state in ('gathering', 'firming');

-- What was the same for everybody is from now on as a rule admits it.
create function narrow(name regclass, rule text) returns void language plpgsql as $$
begin
  perform admit(name, rule);
end $$;

select narrow('pool', 'seen_from_tier = 0 or opened_by = viewer_firm() or viewer_desk() <> ''''
  or exists (select 1 from standing_tier t
    where t.organisation_id = viewer_firm() and t.tier >= seen_from_tier)
  or exists (select 1 from pledge p where p.pool_id = pool.id
    and p.organisation_id = viewer_firm())');
