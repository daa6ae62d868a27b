-- What a seller owes for lots that were not delivered, or that the buyer would not take;
-- proposals to cancel that end; a series of numbers for each recipient of the market's invoices.

alter table deal add column cancel_until timestamptz;
alter table deal add column claimed_lots bigint not null default 0
  check (claimed_lots between 0 and lots);
alter table deal add column forfeited_minor bigint not null default 0
  check (forfeited_minor between 0 and performance_minor);

create table deal_claim (
  id text primary key,
  deal_id text not null references deal,
  cause text not null check (cause in ('undelivered', 'refused')),
  lots bigint not null check (lots > 0),
  deposit_minor bigint not null check (deposit_minor >= 0),
  hold_id text references hold,
  state text not null check (state in ('open', 'contested', 'forfeited', 'freed')),
  fault_lots bigint not null default 0 check (fault_lots between 0 and lots),
  compensation_minor bigint not null default 0
    check (compensation_minor between 0 and deposit_minor),
  reason text not null default '' check (length(reason) <= 500),
  due_at timestamptz,
  opened_at timestamptz not null,
  ended_at timestamptz,
  constraint deal_claim_waits check (
    (state in ('open', 'contested')) = (ended_at is null)
    and (state in ('open', 'contested')) = (due_at is not null)),
  constraint deal_claim_holds check ((hold_id is not null) <= (deposit_minor > 0))
);
create index deal_claim_deal on deal_claim (deal_id);
create index deal_claim_waiting on deal_claim (due_at) where ended_at is null;

-- A seller counts his own documents; the market counts for each recipient apart, so that no
-- firm reads off a number how many others were invoiced.
alter table invoice add column series text not null default '';
alter table invoice drop constraint invoice_number_once;
alter table invoice add constraint invoice_number_once unique (issuer, series, kind, number);
alter table document_counter add column series text not null default '';
alter table document_counter drop constraint document_counter_pkey;
alter table document_counter add primary key (issuer, series, kind);
