-- How long a lane takes and whether each shipment kept it; reviews of settled deals by axis.

create table lane (
  from_region text not null references region,
  to_region text not null references region,
  transit_hours int not null check (transit_hours between 1 and 336),
  published_at timestamptz not null,
  primary key (from_region, to_region, published_at)
);
create trigger lane_append_only before update or delete on lane
  for each row execute function refuse_change();

create table lane_run (
  deal_id text primary key references deal,
  from_region text not null references region,
  to_region text not null references region,
  started_at timestamptz not null,
  warn_at timestamptz not null,
  due_at timestamptz not null,
  warned_at timestamptz,
  arrived_at timestamptz,
  check (started_at < warn_at and warn_at < due_at)
);
create index lane_run_lane on lane_run (from_region, to_region);

create table review (
  deal_id text not null references deal,
  side text not null check (side in ('buyer', 'seller')),
  by_id text not null references organisation,
  by_group text not null,
  about_id text not null references organisation,
  reviewed_at timestamptz not null,
  primary key (deal_id, side),
  check (by_id <> about_id)
);
create index review_about on review (about_id);
create table review_mark (
  deal_id text not null,
  side text not null,
  axis text not null check (
    axis in ('time', 'place', 'price', 'manner', 'quality', 'quantity')),
  mark smallint not null check (mark between 1 and 5),
  primary key (deal_id, side, axis),
  foreign key (deal_id, side) references review
);
create trigger review_append_only before update or delete on review
  for each row execute function refuse_change();
create trigger review_mark_append_only before update or delete on review_mark
  for each row execute function refuse_change();

select share('lane');
select admit('lane_run', 'exists (select 1 from deal d where d.id = deal_id)');
select admit('review', 'by_id = viewer_firm()');
select admit('review_mark', 'exists
  (select 1 from review r where (r.deal_id, r.side) = (review_mark.deal_id, review_mark.side))');
