-- What stands behind an offer before it is a deal: the supplier's deposit.

alter table offer add column dealt_lots bigint not null default 0
  check (dealt_lots between 0 and capacity_lots);
alter table offer add column hold_id text references hold;
alter table strip_offer add column hold_id text references hold;

-- What of a seller's deposit he has still to hold, and until when.
alter table deal add column missing_minor bigint not null default 0 check (missing_minor >= 0);
