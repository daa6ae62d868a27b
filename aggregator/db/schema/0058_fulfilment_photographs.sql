-- Photographs of a deal's goods: cleaned bytes with their hash, added by its parties, never changed.

create table photograph (
  id text primary key,
  deal_id text not null references deal,
  added_by text not null references organisation,
  step text not null check (
    step in ('shipping', 'delivered', 'disputed', 'accepted', 'invoiced', 'settled')),
  media_type text not null check (media_type in ('image/jpeg', 'image/png')),
  width int not null check (width >= 1),
  height int not null check (height >= 1),
  sha256 text not null check (sha256 ~ '^[0-9a-f]{64}$'),
  content bytea not null check (length(content) between 1 and 4194304),
  added_at timestamptz not null,
  constraint photograph_once unique (deal_id, sha256),
  constraint photograph_is_its_hash check (sha256 = encode(sha256(content), 'hex'))
);
-- Packed already: the database need not try again.
alter table photograph alter column content set storage external;
create trigger photograph_append_only before update or delete on photograph
  for each row execute function refuse_change();
