-- An account of the market's is the same one however a statement groups its letters and digits.
-- What was taken in twice under two spellings before stays as it is.
with spelt as (
  select id, account, entry_reference,
    upper(regexp_replace(account, '[^A-Za-z0-9]', '', 'g')) as plain from bank_line
)
update bank_line b set account = s.plain from spelt s
 where s.id = b.id and s.plain not in ('', s.account) and not exists (
   select from spelt o where o.id <> s.id and o.plain = s.plain
     and o.entry_reference = s.entry_reference and (o.account = o.plain or o.id < s.id));
