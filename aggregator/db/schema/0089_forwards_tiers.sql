-- How much less of a deposit at signing the buyer's tier asked for, frozen with the order.

alter table strip_order add column deposit_off_bps int not null default 0
  check (deposit_off_bps between 0 and 5000);
alter table contract_slot add column deposit_off_bps int not null default 0
  check (deposit_off_bps between 0 and 5000);
