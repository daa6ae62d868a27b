-- Storage in suppliers' offers, what keepers take in, and the lines that make prices whole.

alter table strip
  add column awarded_pricing text check (awarded_pricing in ('supported', 'make_whole')),
  add constraint strip_awarded_when_cleared check ((awarded_pricing is not null) <= (state = 'cleared'));

-- `storage` is a list of [from month, to month, lots, carry]; `kept` how many lots each keeps.
alter table strip_offer
  add column storage jsonb not null default '[]',
  add column kept jsonb not null default '[]';

-- A line without an order is what a keeper's offer takes in.
alter table strip_schedule
  alter column order_id drop not null,
  add column offer_id text references strip_offer,
  add constraint strip_schedule_one_source check ((order_id is null) <> (offer_id is null));

create table strip_make_whole (
  strip_id text not null references strip,
  kind text not null check (kind in ('order', 'offer', 'storage')),
  subject_id text not null,
  organisation_id text not null references organisation,
  amount_minor bigint not null check (amount_minor <> 0),
  primary key (strip_id, kind, subject_id)
);
create index strip_make_whole_organisation on strip_make_whole (organisation_id);
create trigger strip_make_whole_append_only before update or delete on strip_make_whole
  for each row execute function refuse_change();

select admit('strip_make_whole', 'organisation_id = viewer_firm()');
