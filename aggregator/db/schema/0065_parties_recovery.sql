-- Codes for who has lost his authenticator: only their hashes, and each counts once.

create table recovery_code (
  code_hash bytea primary key check (length(code_hash) = 32),
  person_id text not null references person,
  used_at timestamptz
);
create index recovery_code_person on recovery_code (person_id);
select admit('recovery_code', 'person_id = viewer_person()');
