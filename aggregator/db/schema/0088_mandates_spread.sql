-- What a use takes at most of each month, where it can take several; else it is all `tenor`.

alter table mandate_use add column spread jsonb not null default '{}';
