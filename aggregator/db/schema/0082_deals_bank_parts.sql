-- What the bank takes back of a credit in parts, what of a call it reopens, and money that a
-- statement tells once as a batch and once by its payments.

alter table bank_line drop constraint bank_line_reverses_key;
create index bank_line_reverses on bank_line (reverses) where reverses is not null;
alter table bank_line add column taken_back_minor bigint not null default 0
  check (taken_back_minor between 0 and amount_minor);
update bank_line c set taken_back_minor = amount_minor
  where exists (select 1 from bank_line d where d.reverses = c.id);

-- The entry that a line is a payment of, where the bank booked several at once.
alter table bank_line add column batch text check (length(batch) between 1 and 64);
update bank_line set batch = substring(entry_reference from '^(.+)/[1-9][0-9]{0,3}$')
  where entry_reference ~ '^.+/[1-9][0-9]{0,3}$';
create index bank_line_batch on bank_line (account, batch) where batch is not null;

alter table bank_line drop constraint bank_line_state_check;
alter table bank_line add constraint bank_line_state_check check (
  state in ('matched', 'unmatched', 'assigned', 'returned', 'reversed', 'charged', 'duplicate'));
alter table bank_line drop constraint bank_line_reason_check;
alter table bank_line add constraint bank_line_reason_check check (
  reason in ('', 'no_reference', 'several_named', 'foreign_currency', 'wrong_payer',
    'not_ordered', 'chargeback_uncovered', 'batch_unclear'));

alter table money_call add column taken_back_minor bigint not null default 0
  check (taken_back_minor >= 0);
