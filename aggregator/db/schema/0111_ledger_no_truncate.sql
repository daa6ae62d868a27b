-- Holds are emptied by nobody: what is held of an account would stand there without them.
create trigger hold_no_truncate before truncate on hold
  for each statement execute function refuse_change();
