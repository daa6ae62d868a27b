-- Who did what, for the firm's own trail; and what the market's people saw when they were let in.

alter table command add column person_id text not null default '';
create index command_trail on command (organisation_id, at);

create table support_grant (
  id text primary key,
  organisation_id text not null references organisation,
  reason text not null check (length(reason) between 1 and 500),
  granted_by text not null references person,
  granted_at timestamptz not null,
  ends_at timestamptz not null,
  ended_at timestamptz,
  check (ends_at > granted_at)
);
create index support_grant_organisation on support_grant (organisation_id);

create table support_read (
  id bigint generated always as identity primary key,
  grant_id text not null references support_grant,
  person_id text not null references person,
  what text not null check (length(what) <= 300),
  at timestamptz not null
);
create index support_read_grant on support_read (grant_id, at);

alter table session add column support_grant_id text references support_grant;
alter table session add constraint session_support_reads
  check (support_grant_id is null or scopes is not null);
