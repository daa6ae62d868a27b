-- A webhook's secret may change; for a while the one before signs too.

alter table webhook add column secret_number int not null default 1 check (secret_number >= 1);
alter table webhook add column former_wrapped text;
alter table webhook add column former_number int check (former_number < secret_number);
alter table webhook add column former_until timestamptz;
alter table webhook add constraint webhook_former
  check (num_nulls(former_wrapped, former_number, former_until) in (0, 3));
select hide('webhook', array['secret_wrapped', 'former_wrapped']);
