-- Layered quotes: an offer for everybody, for nobody before the close, or for named firms.

create table counterparty_group (
  id text primary key,
  organisation_id text not null references organisation,
  name text not null check (length(name) between 1 and 120),
  set_at timestamptz not null,
  constraint counterparty_group_name_once unique (organisation_id, name)
);
-- Who made the group stands with each row, so that a policy need not look elsewhere.
create table counterparty (
  group_id text not null references counterparty_group,
  owner_id text not null references organisation,
  organisation_id text not null references organisation,
  primary key (group_id, organisation_id),
  check (owner_id <> organisation_id)
);
create index counterparty_organisation on counterparty (organisation_id);
create table offer_audience (
  offer_id text not null check (length(offer_id) between 1 and 60),
  group_id text not null references counterparty_group,
  seller_id text not null references organisation,
  primary key (offer_id, group_id)
);

select admit('counterparty_group', 'organisation_id = viewer_firm()');
select admit('counterparty', 'viewer_firm() in (owner_id, organisation_id)');
select admit('offer_audience', 'seller_id = viewer_firm() or exists
  (select 1 from counterparty c where c.group_id = offer_audience.group_id)');

drop policy viewer on offer;
create policy viewer on offer for select to market_reader
  using (seller_id = viewer_firm() or is_public
    or exists (select 1 from offer_audience a where a.offer_id = offer.id));
