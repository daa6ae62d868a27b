"""Carrying out what was approved, and ending what mandates stand behind."""
