"""The laboratory: mechanisms on files, with no database and no network."""
