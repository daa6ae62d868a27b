-- Tickets: how a page's session opens one socket, in any process, once.

create table feed_ticket (
  ticket_hash bytea primary key check (length(ticket_hash) = 32),
  session_hash bytea not null references session (token_hash) on delete cascade,
  expires_at timestamptz not null
);
create index feed_ticket_session on feed_ticket (session_hash);
create index feed_ticket_expiry on feed_ticket (expires_at);
