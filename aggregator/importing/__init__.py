"""Requests and offers from a spreadsheet: previewed, then taken in all together or not at all."""
