"""The checker of group buys."""

from __future__ import annotations

from matching.clearing.form import Document, require


def check(instance: Document, result: Document) -> None:
    """Check every guarantee of a group buy."""
    require(instance and result, "form", "empty")
