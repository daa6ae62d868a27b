-- The payment, noted as failed, that a debit of the bank shows to have been made after all.
alter table bank_line add column payment_id text references payment_out;
create unique index bank_line_payment on bank_line (payment_id) where payment_id is not null;
alter table bank_line drop constraint bank_line_reason_check;
alter table bank_line add constraint bank_line_reason_check check (
  reason in ('', 'no_reference', 'several_named', 'foreign_currency', 'wrong_payer',
    'lookalike_payer', 'not_ordered', 'chargeback_uncovered', 'payment_uncovered',
    'batch_unclear'));
