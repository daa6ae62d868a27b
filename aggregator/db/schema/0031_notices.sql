-- What an organisation was told.

create table notice (
  id text primary key,
  organisation_id text not null references organisation,
  kind text not null,
  subject text not null,
  figures jsonb not null,
  at timestamptz not null,
  read_at timestamptz
);
create index notice_organisation on notice (organisation_id, at desc);
