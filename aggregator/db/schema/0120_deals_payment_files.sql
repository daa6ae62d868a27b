-- The files of payments that the bank was given, as they were made. A payment stands in one file.
create table payment_file (
  message_id text primary key check (message_id ~ '^[A-Z0-9-]{1,35}$'),
  account text not null check (length(account) <= 34),
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  payments int not null check (payments > 0),
  amount_minor bigint not null check (amount_minor > 0),
  content text not null,
  made_by text not null references person,
  made_at timestamptz not null
);
create index payment_file_made on payment_file (made_at);
select append_only('payment_file');
select admit('payment_file', 'viewer_desk() = ''operator''');

alter table payment_out add column message_id text references payment_file;
create index payment_out_message on payment_out (message_id) where message_id is not null;
create trigger payment_out_filed_once after update on payment_out for each row
  when (old.message_id is not null and new.message_id is distinct from old.message_id)
  execute function refuse_rewriting();
