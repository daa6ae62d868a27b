"""Organisations, the people in them, their roles, and what a role may do."""
