-- Layered quotes: an offer may be for a class, firms of an industry, of a size, or of both.

-- A firm's usual month as its standing saw it last; until then, and at least, what it declared.
create table standing_month (
  organisation_id text primary key references organisation,
  lots bigint not null check (lots >= 0)
);
select admit('standing_month', 'organisation_id = viewer_firm()');

-- The band of a size is frozen with the offer: a new rulebook moves nobody's view of it.
alter table offer add column for_kind text
  check (for_kind in ('factory', 'mill', 'trader', 'refiner'));
alter table offer add column for_size text check (length(for_size) between 1 and 30);
alter table offer add column size_lots int8range;
alter table offer add constraint offer_for_all_or_a_class
  check (for_kind is null and for_size is null or not is_public);
alter table offer add constraint offer_size_has_a_band
  check ((for_size is null) = (size_lots is null));

-- It looks past the policies: a firm's own size is no column that its reader joins.
create function in_class(wanted_kind text, wanted_lots int8range) returns boolean
  language sql stable security definer set search_path = public as $$
  select exists (select 1 from organisation o
    left join standing_month m on m.organisation_id = o.id
    where o.id = viewer_firm() and (wanted_kind is not null or wanted_lots is not null)
      and (wanted_kind is null or o.kind = wanted_kind)
      and (wanted_lots is null or greatest(o.monthly_lots, m.lots) <@ wanted_lots))
$$;

drop policy viewer on offer;
create policy viewer on offer for select to market_reader
  using (seller_id = viewer_firm() or is_public
    or exists (select 1 from offer_audience a where a.offer_id = offer.id)
    or exists (select 1 from standing_tier t
      where t.organisation_id = viewer_firm() and t.tier >= offer.from_tier)
    or in_class(for_kind, size_lots));
