-- What two persons of the operator decided about deals that the circular-trade screen parked.

create table price_review (
  id text primary key,
  deal_id text not null references price_deal,
  verdict text not null check (verdict in ('release', 'exclude')),
  reason text not null check (length(reason) between 1 and 120),
  proposed_by text not null references person,
  proposed_at timestamptz not null,
  expires_at timestamptz not null,
  state text not null check (state in ('proposed', 'replaced', 'approved')),
  approved_by text references person,
  decided_at timestamptz,
  check (expires_at > proposed_at),
  check ((state = 'approved') = (approved_by is not null)),
  check ((approved_by is null) = (decided_at is null)),
  constraint price_review_two_persons check (approved_by <> proposed_by)
);
create unique index price_review_proposed on price_review (deal_id) where state = 'proposed';

select admit('price_review', 'viewer_desk() in (''operator'', ''auditor'')');
