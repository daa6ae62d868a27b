"""Double entry in whole minor units; the database keeps the invariants."""
