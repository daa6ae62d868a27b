-- Circles: all trades by which goods may have come back wait together for one review.

-- The circle that a deal is parked with, by the deal that closed it first.
alter table price_deal add column circle text;
update price_deal set circle = deal_id where parked_for in ('closed_cycle', 'same_owner');
alter table price_deal add constraint price_deal_circle
  check (circle is not null or parked_for is null or parked_for not in ('closed_cycle', 'same_owner'));
create index price_deal_circle on price_deal (circle) where circle is not null;

-- A deal of a circle that was published already is an exclusion of its cell's next publication.
alter table price_exclusion add column circle text;
create unique index price_exclusion_circle on price_exclusion (deal_id) where circle is not null;

-- Which deals of a circle a proposal is about.
alter table price_review add column deals text[] not null default '{}';
update price_review set deals = array[deal_id];
alter table price_review alter column deals drop default;
alter table price_review add constraint price_review_of_deals check (cardinality(deals) >= 1);
