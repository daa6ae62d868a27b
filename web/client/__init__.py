"""Clients for others to copy out. They know the market by its published interfaces alone."""
