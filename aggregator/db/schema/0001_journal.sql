-- The journal: what happened, in an order that no process can change.

create function refuse_change() returns trigger language plpgsql as $$
begin
  raise exception '% is append-only', tg_table_name using errcode = '42501';
end $$;

create table stream_head (
  stream text primary key check (length(stream) between 1 and 200),
  seq bigint not null default 0 check (seq >= 0),
  at timestamptz not null,
  hash bytea not null check (length(hash) = 32)
);

create table journal (
  stream text not null,
  seq bigint not null check (seq >= 1),
  kind text not null,
  body jsonb not null,
  at timestamptz not null,
  actor text not null,
  command text,
  hash bytea not null check (length(hash) = 32),
  constraint journal_referee primary key (stream, seq)
);

create trigger journal_append_only before update or delete on journal
  for each row execute function refuse_change();
create trigger journal_no_truncate before truncate on journal
  for each statement execute function refuse_change();

-- One row a command: written with its effect, so a crash leaves both or neither.
create table command (
  organisation_id text not null,
  id text not null check (length(id) between 1 and 200),
  act text not null,
  fingerprint bytea not null check (length(fingerprint) = 32),
  outcome text not null check (outcome in ('done', 'refused')),
  answer jsonb not null,
  at timestamptz not null,
  primary key (organisation_id, id)
);

create trigger command_append_only before update or delete on command
  for each row execute function refuse_change();

-- Timers are rows: any process may ring them, ringing twice changes nothing.
create table timer (
  kind text not null,
  key text not null,
  due_at timestamptz not null,
  attempts int not null default 0 check (attempts >= 0),
  primary key (kind, key)
);
create index timer_due on timer (due_at);

-- The second by second sign of life by which an outage is measured.
create table heartbeat (
  id int primary key check (id = 1),
  at timestamptz not null
);
