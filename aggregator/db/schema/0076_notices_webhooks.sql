-- Addresses that a firm's notices are sent to, and each sending.

create table webhook (
  id text primary key,
  organisation_id text not null references organisation,
  address text not null check (length(address) between 9 and 500),
  kinds text[] not null,
  secret_wrapped text not null,
  made_by text not null references person,
  made_at timestamptz not null,
  failing_since timestamptz,
  disabled_at timestamptz,
  removed_at timestamptz
);
create index webhook_organisation on webhook (organisation_id) where removed_at is null;
create table webhook_delivery (
  webhook_id text not null references webhook,
  notice_id text not null references notice,
  state text not null check (state in ('pending', 'delivered', 'failed')),
  attempts int not null default 0 check (attempts >= 0),
  made_at timestamptz not null,
  tried_at timestamptz,
  outcome text not null default '',
  primary key (webhook_id, notice_id)
);

select admit('webhook', 'organisation_id = viewer_firm()');
select hide('webhook', array['secret_wrapped']);
select admit('webhook_delivery', 'exists (select 1 from webhook w where w.id = webhook_id)');
