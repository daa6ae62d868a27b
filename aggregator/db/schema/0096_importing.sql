-- What came from files: which rows of which kind were made together, and by whom.

create table import (
  id text primary key,
  organisation_id text not null references organisation,
  person_id text not null,
  kind text not null check (kind in ('requests', 'offers')),
  sha256 text not null check (sha256 ~ '^[0-9a-f]{64}$'),
  rows int not null check (rows between 1 and 5000),
  made text[] not null check (cardinality(made) between 1 and 5000),
  state text not null check (state in ('standing', 'withdrawn')),
  imported_at timestamptz not null
);
create index import_organisation on import (organisation_id, id);
-- The same bytes stand once.
create unique index import_once on import (organisation_id, kind, sha256)
  where state = 'standing';

select admit('import', 'organisation_id = viewer_firm()');
