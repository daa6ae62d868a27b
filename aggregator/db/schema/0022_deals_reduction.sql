-- What a seller said before shipping that he will not deliver, and what was paid back for it.

create table deal_reduction (
  deal_id text primary key references deal,
  lots bigint not null check (lots >= 1),
  refunded_minor bigint not null check (refunded_minor between 0 and 1000000000000000),
  at timestamptz not null
);
create trigger deal_reduction_append_only before update or delete on deal_reduction
  for each row execute function refuse_change();
