-- What a lot below its grade costs its seller, published for an instrument before any deal.

create table price_adjustment (
  instrument_id text not null references instrument,
  measure text not null check (measure ~ '^[a-z][a-z_]{0,39}$'),
  at_least bigint not null check (at_least >= 1),
  discount_bps int not null check (discount_bps between 1 and 10000),
  published_at timestamptz not null,
  primary key (instrument_id, measure, at_least)
);
create trigger price_adjustment_append_only before update or delete on price_adjustment
  for each row execute function refuse_change();

alter table deal_claim drop constraint deal_claim_cause_check;
alter table deal_claim add constraint deal_claim_cause_check
  check (cause in ('undelivered', 'refused', 'quality'));
alter table deal_claim add column discount_bps int not null default 0
  check (discount_bps between 0 and 10000);
