"""Every kind of notice there is: where it belongs, whom it is mailed to unless he chose otherwise.

A kind that *binds* tells of a right, a duty or a deadline of the firm: on the pages it is shown to
everybody in it who may read it, whatever he chose. What tells of the firm's money or its accounts
is read, in whatever way, only by who may read the ledger.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from aggregator.parties.permissions import (
    ACTS,
    APPROVER,
    BUYER,
    FINANCE,
    FIRM,
    LOGISTICS,
    MARKET_ROLES,
    OPERATOR,
    OWNER,
    SELLER,
)

_NOBODY: frozenset[str] = frozenset()
_BUYING, _SELLING = frozenset({BUYER}), frozenset({SELLER})
_TRADING = _BUYING | _SELLING
_PAYING, _OWNING, _OPERATING = frozenset({FINANCE}), frozenset({OWNER}), frozenset({OPERATOR})
_MOVING = _TRADING | {LOGISTICS}
_DECIDING = _OWNING | {APPROVER}
_FORMED = _TRADING | _PAYING
_ALL = FIRM | MARKET_ROLES


@dataclass(frozen=True, slots=True)
class Kind:
    """`mailed_to`: the roles it is mailed to where nothing was chosen; `act`: what reads it.

    What is `urgent` is mailed to all who have an address, whatever they chose.
    """

    name: str
    group: str
    mailed_to: frozenset[str]
    binds: bool
    act: str = "notices.read"

    @property
    def is_urgent(self) -> bool:
        return self.mailed_to == _ALL

    @property
    def readers(self) -> frozenset[str]:
        """The roles that may read it."""
        return ACTS[self.act]


_BINDING: tuple[tuple[str, frozenset[str], tuple[str, ...]], ...] = (
    ("approvals", _DECIDING, ("approval_asked", "approval_substitute")),
    ("auctions", _TRADING, ("auction_won",)),
    ("pools", _BUYING, ("pool_awarded", "pool_closed", "substitute_awarded", "substitute_offered")),
    ("pools", _SELLING, ("pool_sold", "substitute_sold")),
    (
        "forwards",
        _TRADING,
        (
            "strip_cleared",
            "strip_terms_asked",
            "change_proposed",
            "change_ended",
            "price_fixed",
            "slot_cancelled",
            "slot_lapsed",
        ),
    ),
    ("forwards", _PAYING, ("stage_called",)),
    ("forwards", _MOVING, ("call_off_nominated", "call_off_made", "call_off_confirmed")),
    ("deals", _FORMED, ("deal_formed",)),
    (
        "deals",
        _TRADING,
        (
            "deal_cancelled",
            "deal_defaulted",
            "deal_disputed",
            "deal_lapsed",
            "deal_reduced",
            "cancellation_proposed",
            "cancellation_withdrawn",
        ),
    ),
    ("deals", _NOBODY, ("deal_funded", "deal_settled")),
    ("deals", _SELLING, ("deposit_asked",)),
    ("goods", _MOVING, ("goods_delivered", "lots_returned")),
    (
        "goods",
        _TRADING,
        ("claim_opened", "claim_contested", "claim_ended", "ticket_opened", "ticket_ended"),
    ),
    (
        "money",
        _PAYING,
        (
            "debit_uncovered",
            "debit_covered",
            "money_taken_back",
            "payment_failed",
            "invoice_issued",
            "credit_note_issued",
        ),
    ),
    (
        "money",
        _PAYING | _OWNING,
        (
            "bank_account_proposed",
            "bank_account_unverified",
            "bank_account_verified",
            "bank_account_ended",
        ),
    ),
    ("standing", _OWNING, ("tier_drop_announced", "tier_dropped")),
    ("market", _OPERATING, ("consent_asked", "pool_not_certified", "strip_not_certified")),
    ("people", _ALL, ("recovery",)),
)
_OTHERS: tuple[tuple[str, frozenset[str], tuple[str, ...]], ...] = (
    (
        "approvals",
        _TRADING,
        (
            "approval_executed",
            "approval_expired",
            "approval_failed",
            "approval_rejected",
            "approval_withdrawn",
        ),
    ),
    (
        "pools",
        _BUYING,
        (
            "pledge_left_out",
            "pool_firming",
            "pool_lapsed",
            "pool_prolonged",
            "pool_seen_early",
            "pool_stopped",
            "request_repeated",
        ),
    ),
    ("pools", _NOBODY, ("pool_opened", "substitute_expired", "substitution_ended")),
    ("forwards", _TRADING, ("strip_lapsed", "strip_round_bundle", "strip_round_seller")),
    ("goods", _MOVING, ("goods_shipped", "lane_at_risk")),
    ("goods", _NOBODY, ("goods_accepted", "desk_answered", "desk_silent")),
    ("money", _PAYING, ("money_received", "payment_made", "invoice_overdue")),
    ("standing", _OWNING, ("tier_drop_averted", "tier_raised", "webhook_disabled")),
)


LEDGER = "ledger.read"
_OF_MONEY = frozenset(
    {
        "bank_account_ended",
        "bank_account_proposed",
        "bank_account_unverified",
        "bank_account_verified",
        "debit_covered",
        "debit_uncovered",
        "money_received",
        "money_taken_back",
        "payment_failed",
        "payment_made",
    }
)


def _kinds() -> Iterator[Kind]:
    for table, binds in ((_BINDING, True), (_OTHERS, False)):
        for group, mailed_to, names in table:
            for name in names:
                act = LEDGER if name in _OF_MONEY else "notices.read"
                yield Kind(name, group, mailed_to, binds, act)


KINDS: Mapping[str, Kind] = {kind.name: kind for kind in _kinds()}


def act_of(name: str) -> str:
    """Return the act to read a kind, also of one that the journal knows and no more is told."""
    return KINDS[name].act if name in KINDS else "notices.read"


def hidden_from(grants: Collection[str]) -> frozenset[str]:
    """Return the kinds that who holds these acts may not read."""
    return frozenset(kind.name for kind in KINDS.values() if kind.act not in grants)
