-- Layered quotes: an offer may be for the firms of a tier and above, beside named groups.

alter table offer add column from_tier smallint check (from_tier between 1 and 8);
alter table offer add constraint offer_for_all_or_a_tier
  check (from_tier is null or not is_public);

drop policy viewer on offer;
create policy viewer on offer for select to market_reader
  using (seller_id = viewer_firm() or is_public
    or exists (select 1 from offer_audience a where a.offer_id = offer.id)
    or exists (select 1 from standing_tier t
      where t.organisation_id = viewer_firm() and t.tier >= offer.from_tier));
