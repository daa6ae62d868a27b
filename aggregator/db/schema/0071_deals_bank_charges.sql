-- What the bank takes for itself is paid from the market's own fees.

alter table bank_line drop constraint bank_line_state_check;
alter table bank_line add constraint bank_line_state_check
  check (state in ('matched', 'unmatched', 'assigned', 'returned', 'reversed', 'charged'));
alter table bank_line add constraint bank_line_charged_is_a_debit
  check (state <> 'charged' or direction = 'debit');
