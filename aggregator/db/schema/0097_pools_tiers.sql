-- The tier that a pledge was made in, which goes before an earlier arrival among equals.

alter table pledge add column tier smallint not null default 0 check (tier between 0 and 8);
