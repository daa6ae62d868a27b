"""Refusals of contracts that no other capability knows."""

from __future__ import annotations

from dataclasses import dataclass

from aggregator.errors import MarketError


@dataclass
class ClosesIntoCash(MarketError):
    """The change would leave money between the parties and goods nowhere. `rule` says how."""

    code = "closes_into_cash"
    rule: str


@dataclass
class TermsChanged(MarketError):
    """What would be carried out is no longer what was consented to."""

    code = "terms_changed"
    terms_sha256: str
