-- Columns that a reader has no business with, and a firm's own words of itself.

-- All columns of a table but these stay the reader's, within the rows that are admitted.
create function hide(name regclass, hidden text[]) returns void language plpgsql as $$
declare
  shown text;
begin
  select string_agg(quote_ident(attname), ', ' order by attnum) into shown from pg_attribute
   where attrelid = name and attnum > 0 and not attisdropped and attname <> all (hidden);
  execute format('revoke select on %s from market_reader', name);
  execute format('grant select (%s) on %s to market_reader', shown, name);
end $$;

select hide('person', array['password_hash', 'totp_wrapped', 'totp_step']);
select hide('session', array['token_hash']);
select hide('invitation', array['token_hash']);

-- Who a firm is, is everybody's; its owner, its size, where its money goes and its tax number are
-- its own, the operator's and, for the tax number, that of those it has a deal with. The reader's
-- statements find this view where the market's own find the table: its schema comes first.
create function veil(name regclass) returns void language plpgsql as $$
begin
  execute format('revoke select on %s from market_reader', name);
end $$;
select veil('organisation');

create schema if not exists seen;
grant usage on schema seen to market_reader;
create view seen.organisation with (security_barrier) as
  select o.id, o.name, o.name_en, o.kind, o.region, o.created_at,
    case when own.is_own then o.owner_group else '' end as owner_group,
    case when own.is_own then o.monthly_lots else 0 end as monthly_lots,
    case when own.is_own then o.deposit_reference else '' end as deposit_reference,
    case when own.is_own or o.kind = 'operator' or exists (
      select from public.deal d where viewer_firm() in (d.buyer_id, d.seller_id)
      and o.id in (d.buyer_id, d.seller_id)) then o.uscc end as uscc
  from public.organisation o
  cross join lateral (select o.id = viewer_firm() or viewer_desk() = 'operator') own (is_own);
grant select on seen.organisation to market_reader;
