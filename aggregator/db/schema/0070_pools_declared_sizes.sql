-- A firm declares its size for each instrument by itself: a usual month of sugar says nothing of salt.

alter table declared_size drop constraint declared_size_pkey;
alter table declared_size add column instrument_id text references instrument;
insert into declared_size (organisation_id, instrument_id, size_lots, declared_at)
  select distinct d.organisation_id, p.instrument_id, d.size_lots, d.declared_at
    from declared_size d
    join pledge g on g.organisation_id = d.organisation_id and g.size_from = 'declared'
    join pool p on p.id = g.pool_id;
delete from declared_size where instrument_id is null;
alter table declared_size add primary key (organisation_id, instrument_id);
