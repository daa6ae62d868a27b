"""The journal: facts in dense order per stream, chained by hash."""
