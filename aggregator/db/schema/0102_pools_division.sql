-- How the lots of several winners were divided among a group's members, with the certificate that
-- was checked before anything moved.
create table pool_division (
  pool_id text not null references pool,
  number int not null check (number >= 1),
  instance jsonb not null,
  result jsonb not null,
  at timestamptz not null,
  primary key (pool_id, number)
);
create trigger pool_division_append_only before update or delete on pool_division
  for each row execute function refuse_change();
select admit('pool_division', 'viewer_desk() = ''auditor''');
