-- Policies and mandates that measure a price against the last one published of its cell.

alter table mandate_policy add column index_bps int check (index_bps between 0 and 5000);
alter table mandate add column index_bps int check (index_bps between -5000 and 5000);
