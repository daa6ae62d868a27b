-- Invitations, second factors and tokens for programs; who left keeps his history, not his access.

alter table session add column id text unique;
alter table session add column scopes text[] check (cardinality(scopes) between 1 and 60);
alter table session add column label text not null default '' check (length(label) <= 120);
alter table session add constraint session_token_named check (scopes is null or id is not null);
create index session_organisation on session (organisation_id) where revoked_at is null;

alter table person add column totp_wrapped text;
alter table person add column totp_since timestamptz;
alter table person add column totp_step bigint not null default 0;
alter table person add constraint person_totp check (totp_since is null or totp_wrapped is not null);

create table invitation (
  id text primary key,
  token_hash bytea not null unique check (length(token_hash) = 32),
  organisation_id text not null references organisation,
  roles text[] not null check (cardinality(roles) between 1 and 12),
  invited_by text not null references person,
  invited_at timestamptz not null,
  expires_at timestamptz not null,
  accepted_by text references person,
  ended_at timestamptz,
  check (expires_at > invited_at),
  check (accepted_by is null or ended_at is not null)
);
create index invitation_organisation on invitation (organisation_id);

-- What a name looks like, so that no second firm can pass for the first; older rows have none.
alter table organisation add column look text unique;
alter table organisation add column uscc text unique check (uscc ~ '^[0-9A-HJ-NPQRTUWXY]{18}$');
