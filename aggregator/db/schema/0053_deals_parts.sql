-- The deposit that a deal asked for: what its seller is owed first where the buyer defaults.
alter table deal add column wanted_minor bigint not null default 0
  check (wanted_minor between 0 and total_minor);
