-- What people tried and were refused before it was an act: once an hour by person, act and code.
create table refused_attempt (
  organisation_id text not null references organisation,
  person_id text not null references person,
  act text not null,
  code text not null,
  hour timestamptz not null,
  at timestamptz not null,
  primary key (organisation_id, hour, person_id, act, code)
);
create trigger refused_attempt_append_only before update or delete on refused_attempt
  for each row execute function refuse_change();
select admit('refused_attempt', 'organisation_id = viewer_firm()');
