-- A firm's commands are found by its key. Those of a span of time lie together, for they are
-- written as they come, so a few bytes a megabyte say where, and no bid has a second place to find.
drop index command_trail;
create index command_at on command using brin (at) with (autosummarize = on);
