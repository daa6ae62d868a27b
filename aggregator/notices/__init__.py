"""Telling an organisation what happened to it."""
