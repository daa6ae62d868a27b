-- Passkeys: public halves of keys that a person's devices keep, and the challenges under way.

create table passkey (
  id text primary key,
  person_id text not null references person,
  credential_id bytea not null unique check (length(credential_id) between 1 and 1023),
  public_key bytea not null,
  sign_count bigint not null check (sign_count >= 0),
  name text not null,
  created_at timestamptz not null,
  used_at timestamptz
);
create index passkey_person on passkey (person_id);
select admit('passkey', 'person_id = viewer_person()');

-- One without a session is for signing in.
create table passkey_challenge (
  challenge_hash bytea primary key check (length(challenge_hash) = 32),
  session_hash bytea,
  expires_at timestamptz not null
);
create index passkey_challenge_expiry on passkey_challenge (expires_at);
