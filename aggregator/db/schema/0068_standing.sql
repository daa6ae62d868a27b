-- The standing of firms: marks of what they kept, tiers, announced drops, rulebooks, referrals.

create table standing_mark (
  organisation_id text not null references organisation,
  axis text not null check (axis in (
    'payment', 'delivery', 'claims', 'forecast', 'turnover', 'referrals')),
  subject text not null check (length(subject) between 1 and 60),
  is_kept boolean not null,
  amount_minor bigint not null check (amount_minor between 0 and 1000000000000000),
  lots bigint not null check (lots >= 0),
  at timestamptz not null,
  primary key (organisation_id, axis, subject, is_kept),
  check (amount_minor = 0 or axis = 'turnover')
);
create index standing_mark_newest on standing_mark (organisation_id, at);
create trigger standing_mark_append_only before update or delete on standing_mark
  for each row execute function refuse_change();

-- The tier is its counterparties' to see; that it will drop is the firm's own business.
create table standing_tier (
  organisation_id text primary key references organisation,
  tier smallint not null check (tier between 0 and 8),
  since timestamptz not null
);
create table standing_drop (
  organisation_id text primary key references standing_tier,
  tier smallint not null check (tier between 0 and 8),
  drop_at timestamptz not null
);

-- The first version is the program's own.
create table standing_rulebook (
  version int primary key check (version >= 2),
  document jsonb not null,
  published_at timestamptz not null,
  in_force_at timestamptz not null unique,
  check (in_force_at >= published_at + interval '90 days')
);
create trigger standing_rulebook_append_only before update or delete on standing_rulebook
  for each row execute function refuse_change();

create table referral (
  organisation_id text primary key references organisation,
  referred_by text not null references organisation,
  noted_at timestamptz not null,
  check (organisation_id <> referred_by)
);
create trigger referral_append_only before update or delete on referral
  for each row execute function refuse_change();

-- How much less of a deposit the pledge's tier asked for, frozen with it.
alter table pledge add column deposit_off_bps int not null default 0
  check (deposit_off_bps between 0 and 5000);

select admit('standing_mark', 'organisation_id = viewer_firm()');
select admit('standing_tier', 'organisation_id = viewer_firm() or exists
  (select 1 from deal d where standing_tier.organisation_id in (d.buyer_id, d.seller_id)
   and viewer_firm() in (d.buyer_id, d.seller_id))');
select admit('standing_drop', 'organisation_id = viewer_firm()');
select share('standing_rulebook');
select admit('referral', 'organisation_id = viewer_firm() or viewer_desk() = ''operator''');
