-- Service tickets: a matter of a deal, the lots in dispute, and a clock for every desk concerned.

create table ticket (
  id text primary key,
  deal_id text not null references deal,
  matter text not null check (
    matter in ('quality', 'quantity', 'damage', 'delay', 'documents', 'payment')),
  opened_by text not null references organisation,
  lots bigint not null check (lots >= 0),
  reason text not null check (length(reason) between 1 and 500),
  state text not null check (
    state in ('open', 'upheld', 'rejected', 'withdrawn', 'undecided', 'over')),
  hold_id text references hold,
  held_minor bigint not null default 0 check (held_minor >= 0),
  fault_lots bigint not null default 0 check (fault_lots between 0 and lots),
  compensation_minor bigint not null default 0 check (compensation_minor >= 0),
  opened_at timestamptz not null,
  ended_at timestamptz,
  check ((state = 'open') = (ended_at is null)),
  check (compensation_minor = 0 or state = 'upheld')
);
create index ticket_deal on ticket (deal_id);
create unique index ticket_once on ticket (deal_id, opened_by, matter) where state = 'open';

create table ticket_desk (
  ticket_id text not null references ticket,
  desk text not null check (desk in ('trade', 'logistics', 'finance', 'market')),
  due_at timestamptz not null,
  state text not null check (state in ('waiting', 'answered', 'silent', 'closed')),
  answer text not null default '' check (length(answer) <= 500),
  ended_at timestamptz,
  primary key (ticket_id, desk),
  check ((state = 'waiting') = (ended_at is null))
);
