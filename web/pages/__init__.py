"""The pages: the market's screens, rendered here and kept live by the feed."""

from __future__ import annotations

from web.pages.routes import routes

__all__ = ["routes"]
