-- Policies that let acts pass with some firms only.

alter table mandate_policy add column counterparties text[] not null default '{}'
  check (cardinality(counterparties) <= 50);
