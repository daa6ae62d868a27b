-- Ways back for who has lost password or second factor, and what two persons of the operator
-- have to agree to before it happens to somebody else's firm, or to their own desk.

create table consent (
  id text primary key,
  kind text not null check (kind in ('desk_person', 'recovery', 'tax_number')),
  organisation_id text not null references organisation,
  -- What it is about: a person, a way back, or the firm itself; and whom it concerns, if anybody.
  subject text not null,
  concerns text not null default '',
  figures jsonb not null,
  state text not null check (state in ('waiting', 'agreed', 'refused', 'withdrawn')),
  asked_by text references person,
  asked_at timestamptz not null,
  expires_at timestamptz not null,
  agreed_by text[] not null default '{}' check (cardinality(agreed_by) <= 2),
  constraint consent_two_persons check (agreed_by[1] <> agreed_by[2]),
  constraint consent_agreed check (state <> 'agreed' or cardinality(agreed_by) = 2)
);
create unique index consent_waiting on consent (kind, subject) where state = 'waiting';
create index consent_organisation on consent (organisation_id, asked_at);
select admit('consent', 'organisation_id = viewer_firm() or viewer_desk() = ''operator''');

-- `address` is the one that was proved before it was asked for. Of the link only the hash and,
-- until it is used, a wrapped copy for the mail are kept.
create table recovery (
  id text primary key,
  person_id text not null references person,
  address text not null,
  state text not null check (state in ('waiting', 'approved', 'open', 'executed', 'revoked')),
  asked_at timestamptz not null,
  asked_by text references person,
  opens_at timestamptz,
  ends_at timestamptz not null,
  token_hash bytea unique check (length(token_hash) = 32),
  link_wrapped text,
  constraint recovery_opens check (state not in ('approved', 'open', 'executed') or opens_at is not null),
  constraint recovery_link check ((state in ('open', 'executed')) = (token_hash is not null) or state = 'revoked'),
  constraint recovery_wrapped check (link_wrapped is null or state = 'open')
);
create unique index recovery_once on recovery (person_id) where state in ('waiting', 'approved', 'open');
select admit('recovery', 'exists (select from membership m where m.person_id = recovery.person_id
  and m.organisation_id = viewer_firm())');
select hide('recovery', array['address', 'token_hash', 'link_wrapped']);

-- After somebody came back the firm's bank accounts stay as they are for a while.
alter table organisation add column accounts_frozen_until timestamptz;

-- A number that was corrected still stands on what was issued under it.
create table former_tax_number (
  organisation_id text not null references organisation,
  number text not null,
  until timestamptz not null,
  primary key (organisation_id, until)
);
select admit('former_tax_number', 'organisation_id = viewer_firm() or exists
  (select from deal d where viewer_firm() in (d.buyer_id, d.seller_id)
   and former_tax_number.organisation_id in (d.buyer_id, d.seller_id))');

alter table mail add column recovery_id text unique references recovery;
