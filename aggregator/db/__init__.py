"""The database: the embedded server, the numbered schema files, and the one way to connect."""
