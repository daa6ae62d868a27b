"""What forming a deal refuses."""

from __future__ import annotations

from dataclasses import dataclass

from aggregator.errors import MarketError


@dataclass
class DealTooLarge(MarketError):
    """A deal's total is beyond what the market carries."""

    code = "deal_too_large"
    total_minor: int
    max_total_minor: int
