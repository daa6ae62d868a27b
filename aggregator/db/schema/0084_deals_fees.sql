-- The market's fee for each flow: a share of the goods, of the freight and of the capital, and an
-- amount per lot for the information itself. Each may be zero; a deal keeps those it was formed by.

alter table instrument
  add column logistics_fee_bps int not null default 0
    check (logistics_fee_bps between 0 and 10000),
  add column capital_fee_bps int not null default 0 check (capital_fee_bps between 0 and 10000),
  add column lot_fee_minor bigint not null default 0
    check (lot_fee_minor between 0 and 1000000000000);
alter table deal
  add column logistics_fee_bps int not null default 0
    check (logistics_fee_bps between 0 and 10000),
  add column capital_fee_bps int not null default 0 check (capital_fee_bps between 0 and 10000),
  add column lot_fee_minor bigint not null default 0
    check (lot_fee_minor between 0 and 1000000000000);

-- The fee of one lot, each flow's rounded up, as a landed price has it.
create function fee_of_lot(d deal) returns bigint language sql immutable as $$
  select coalesce(d.fee_minor, (d.goods_minor * d.fee_bps + 9999) / 10000
    + (d.freight_minor * d.logistics_fee_bps + 9999) / 10000
    + (d.capital_minor * d.capital_fee_bps + 9999) / 10000 + d.lot_fee_minor)
$$;
