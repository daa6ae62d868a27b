-- A firm's own bank accounts, which its payments come from and its money is paid out to.

-- Where a statement tells which account a payment came from, and at which bank.
alter table bank_line add column payer_account text not null default ''
  check (length(payer_account) <= 34);
alter table bank_line add column payer_bank text not null default ''
  check (length(payer_bank) <= 34);
create index bank_line_payer_account on bank_line (organisation_id, payer_account)
  where payer_account <> '';
alter table bank_line drop constraint bank_line_reason_check;
alter table bank_line add constraint bank_line_reason_check check (
  reason in ('', 'no_reference', 'several_named', 'foreign_currency', 'wrong_payer',
    'lookalike_payer', 'not_ordered', 'chargeback_uncovered', 'batch_unclear'));
alter table payment_out add column payee_bank text not null default ''
  check (length(payee_bank) <= 34);

-- `declared_as` are the roles of who declared it that count: finance, owner, or both.
create table bank_account (
  id text primary key,
  organisation_id text not null references organisation,
  number text not null check (number ~ '^[A-Z0-9]{8,34}$'),
  bank_code text not null check (bank_code ~ '^([0-9]{12})?$'),
  state text not null check (state in ('proposed', 'unverified', 'verified', 'ended')),
  declared_by text not null references person,
  declared_as text[] not null check (cardinality(declared_as) >= 1),
  declared_at timestamptz not null,
  confirmed_by text references person,
  confirmed_at timestamptz,
  usable_at timestamptz,
  verified_at timestamptz,
  constraint bank_account_confirmed check (
    state in ('proposed', 'ended') or (confirmed_at is not null and usable_at is not null)),
  constraint bank_account_verified check (state <> 'verified' or verified_at is not null),
  constraint bank_account_two_persons check (confirmed_by <> declared_by)
);
create unique index bank_account_once on bank_account (organisation_id, number)
  where state <> 'ended';
select admit('bank_account', 'organisation_id = viewer_firm()');
