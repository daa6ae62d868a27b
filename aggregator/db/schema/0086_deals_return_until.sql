-- Until when lots of a settled deal may go back: an instant that an outage can move.

alter table deal add column return_until timestamptz;
update deal set return_until = settled_at + make_interval(hours => 24 * return_days)
  where settled_at is not null;
create index deal_return_until on deal (return_until) where state = 'settled';
