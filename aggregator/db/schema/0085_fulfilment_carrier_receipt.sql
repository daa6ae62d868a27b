-- What the carrier signed for when he took the goods: his document's number, and what was weighed.

alter table shipment
  add column document text not null default '' check (length(document) <= 120),
  add column weight_kg bigint check (weight_kg > 0);
