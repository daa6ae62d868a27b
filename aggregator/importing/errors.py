"""Refusals of imports."""

from __future__ import annotations

from dataclasses import dataclass

from aggregator.errors import MarketError


@dataclass
class ImportRefused(MarketError):
    """A cell or a row breaks a rule by now, so nothing was imported; a preview tells it all."""

    code = "import_refused"
    faults: int
    row: int
    column: str
    reason: str


@dataclass
class PreviewDiffers(MarketError):
    """What is to be imported is not what the preview showed."""

    code = "preview_differs"
    previewed: str
    found: str
