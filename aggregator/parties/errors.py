"""Refusals of who one is."""

from __future__ import annotations

from aggregator.errors import MarketError


class CodeNeeded(MarketError):
    """The password is right; the second factor's code is missing."""

    code = "code_needed"


class WrongCode(MarketError):
    """The second factor's code is wrong, too old, or was used before."""

    code = "wrong_code"
