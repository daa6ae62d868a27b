-- Notices of one instant in the order in which they were told: their names hold chance behind it.

alter table notice add column place bigint generated always as identity;
