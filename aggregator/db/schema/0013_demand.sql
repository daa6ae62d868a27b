-- What buyers need: drafts, what was sent to a pool, templates and their repeats.

create table request (
  id text primary key,
  organisation_id text not null references organisation,
  instrument_id text not null references instrument,
  region text not null references region,
  first_tenor text not null check (first_tenor ~ '^20[2-9][0-9]-(0[1-9]|1[0-2])$'),
  last_tenor text not null check (last_tenor ~ '^20[2-9][0-9]-(0[1-9]|1[0-2])$'),
  lots bigint not null check (lots >= 1),
  tolerance_lots bigint not null check (tolerance_lots >= 0),
  limit_minor bigint check (limit_minor >= 1),
  freight_minor bigint not null check (freight_minor >= 0),
  place text not null check (length(place) <= 120),
  payment text not null check (payment in ('prepay', 'on_delivery', 'credit')),
  credit_days int not null check (credit_days between 0 and 365),
  state text not null check (state in ('draft', 'template', 'sent', 'bought', 'withdrawn')),
  copied_from text references request,
  pool_id text,
  pledge_id text unique,
  drafted_at timestamptz not null,
  changed_at timestamptz not null,
  constraint request_window check (first_tenor <= last_tenor),
  constraint request_credit check ((payment = 'credit') = (credit_days > 0)),
  constraint request_sent check (state not in ('sent', 'bought') or pledge_id is not null),
  constraint request_sent_to_a_pool check ((pool_id is null) = (pledge_id is null)),
  constraint request_template_is_not_sent check (state <> 'template' or pledge_id is null)
);
create index request_organisation on request (organisation_id, id);

-- A template that comes again: the next draft, and how long before its month it is made.
create table request_repeat (
  request_id text primary key references request,
  every_months int not null check (every_months between 1 and 12),
  lead_days int not null check (lead_days between 1 and 180),
  next_tenor text not null check (next_tenor ~ '^20[2-9][0-9]-(0[1-9]|1[0-2])$'),
  until_tenor text check (until_tenor ~ '^20[2-9][0-9]-(0[1-9]|1[0-2])$')
);
