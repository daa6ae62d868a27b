-- Until when the seller must have completed his deposit: a term of the deal, not of its timer.

alter table deal add column performance_due_at timestamptz;
update deal d set performance_due_at = coalesce(
    (select due_at from timer where kind = 'deals.performance' and key = d.id), d.due_at)
  where missing_minor > 0 and state in ('formed', 'funded');
create index deal_deposit_due on deal (performance_due_at) where performance_due_at is not null;
