"""The pages: the market's screens, rendered here and kept live by the feed."""

from __future__ import annotations

from starlette.routing import BaseRoute


def routes() -> list[BaseRoute]:
    """Return the routes of every page and static file."""
    return []
