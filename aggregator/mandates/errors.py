"""Refusals of mandates and approvals."""

from __future__ import annotations

from dataclasses import dataclass

from aggregator.errors import MarketError


@dataclass
class BeyondMandate(MarketError):
    """The firm's policy asks for a mandate or an approval, and no mandate covers the act.

    `rule` names what the nearest mandate lacks: `no_mandate`, `act`, `instrument`, `price`,
    `index`, `lots`, `per_act` or `total`; `left_minor` is what it still covers, `free_minor` up to
    what the policy asks for neither.
    """

    code = "beyond_mandate"
    act: str
    rule: str
    asked_minor: int
    free_minor: int
    left_minor: int


@dataclass
class ApprovalNotOpen(MarketError):
    """An act came under an approval that does not cover it, or was carried out before.

    `asked_minor` is what it would have bound the firm to.
    """

    code = "approval_not_open"
    approval_id: str
    asked_minor: int


@dataclass
class OwnAct(MarketError):
    """Who approves cannot approve an act of their own, nor a second step of one chain."""

    code = "own_act"
    approval_id: str


@dataclass
class TermsDiffer(MarketError):
    """What is being approved is not what was asked for."""

    code = "terms_differ"
    approval_id: str
