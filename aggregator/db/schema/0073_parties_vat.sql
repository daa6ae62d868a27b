-- The value-added tax number of a firm of the European Union.
alter table organisation add column vat text unique check (vat ~ '^[A-Z]{2}[0-9A-Z+*]{2,14}$');

create or replace view seen.organisation with (security_barrier) as
  select o.id, o.name, o.name_en, o.kind, o.region, o.created_at,
    case when own.is_own then o.owner_group else '' end as owner_group,
    case when own.is_own then o.monthly_lots else 0 end as monthly_lots,
    case when own.is_own then o.deposit_reference else '' end as deposit_reference,
    case when own.is_known then o.uscc end as uscc,
    case when own.is_known then o.vat end as vat
  from public.organisation o
  cross join lateral (select o.id = viewer_firm() or viewer_desk() = 'operator') mine (is_own)
  cross join lateral (select mine.is_own, mine.is_own or o.kind = 'operator' or exists (
    select from public.deal d where viewer_firm() in (d.buyer_id, d.seller_id)
    and o.id in (d.buyer_id, d.seller_id))) own (is_own, is_known);
