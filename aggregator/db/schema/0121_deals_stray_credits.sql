-- A stray credit goes back to an account that one person chose only if a second one agrees.
alter table consent drop constraint consent_kind_check;
alter table consent add constraint consent_kind_check
  check (kind in ('desk_person', 'recovery', 'send_back', 'tax_number'));

-- The account was told by a later statement than the one that brought the credit.
alter table bank_line add column is_account_late boolean not null default false;
