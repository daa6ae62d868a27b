-- Why a bank line waits, who may pay for whom, what a line takes back, and money sent back to
-- where it came from; calls that are paid in parts.

alter table bank_line add column reason text not null default ''
  check (reason in ('', 'no_reference', 'several_named', 'foreign_currency', 'wrong_payer',
    'not_ordered', 'chargeback_uncovered'));
alter table bank_line add column reverses text unique references bank_line;
alter table bank_line drop constraint bank_line_state_check;
alter table bank_line add constraint bank_line_state_check
  check (state in ('matched', 'unmatched', 'assigned', 'returned', 'reversed'));
alter table bank_line drop constraint bank_line_check;
alter table bank_line add constraint bank_line_has_an_owner
  check ((state = 'assigned') <= (organisation_id is not null)
    and (state = 'unmatched') <= (organisation_id is null));

-- A payer of another name that a person has once accepted for an organisation.
create table bank_payer (
  organisation_id text not null references organisation,
  payer text not null check (length(payer) between 1 and 140),
  accepted_at timestamptz not null,
  primary key (organisation_id, payer)
);

alter table payment_out alter column organisation_id drop not null;
alter table payment_out add column payee text not null default '' check (length(payee) <= 140);
alter table payment_out add column line_id text references bank_line;
alter table payment_out add constraint payment_out_has_an_owner
  check ((organisation_id is null) = (line_id is not null));

alter table money_call add column paid_minor bigint not null default 0
  check (paid_minor between 0 and amount_minor);
