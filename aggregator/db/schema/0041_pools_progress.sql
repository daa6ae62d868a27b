-- What was last told of a pool's progress, what of it each pledge was, and how often it changed.

alter table pool
  add column told_lots bigint check (told_lots >= 0),
  add column is_told boolean not null default false,
  add constraint pool_told check (not is_told or told_lots is not null);

alter table pledge
  add column told_lots bigint not null default 0 check (told_lots >= 0),
  add column changes int not null default 0 check (changes >= 0);

-- Pools that are live already get the beat that others are opened with.
insert into timer (kind, key, due_at)
  select 'pools.progress', id, opened_at from pool where state in ('gathering', 'firming');
