-- What the owner of a purchase has held for it until it ends.
alter table auction add column owner_hold_id text unique references hold;
