"""Why a group buy says no. The figures are those the asker may know."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from aggregator.errors import MarketError
from matching.errors import RuleViolation


@dataclass
class PoolIsClosed(RuleViolation):
    """The pledge came at or after the closing instant."""

    code = "pool_closed"
    pool_id: str
    closes_at: datetime


@dataclass
class OwnPoolsSpent(RuleViolation):
    """The firm's tier gives it so many group buys of its own at a time, and they are open."""

    code = "own_pools_spent"
    max_pools: int


@dataclass
class LotsOnlyRise(RuleViolation):
    """In firming neither the firm lots nor, with the tolerance, the most lots go down."""

    code = "pool_lots_only_rise"
    field: str
    stands_lots: int
    asked_lots: int


@dataclass
class LimitOnlyRises(RuleViolation):
    """In firming a limit goes up."""

    code = "pool_limit_only_rises"
    stands_minor: int
    asked_minor: int


@dataclass
class FreightOnlyFalls(RuleViolation):
    """In firming one's own freight, which is part of the limit, goes down."""

    code = "pool_freight_only_falls"
    stands_minor: int
    asked_minor: int


@dataclass
class NoLeavingInFirming(RuleViolation):
    """In firming nobody leaves."""

    code = "pool_no_leaving"
    pool_id: str
    firming_at: datetime


@dataclass
class ConsentStays(RuleViolation):
    """In firming nobody takes back that he agreed to a prolongation."""

    code = "pool_consent_stays"
    firming_at: datetime


@dataclass
class ChangesAreSpent(RuleViolation):
    """A firm comes back to a pool and changes its pledge so often, and leaves any time."""

    code = "pool_changes_spent"
    max_changes: int


@dataclass
class SizeNotNearRequest(RuleViolation):
    """A declared size lies within a factor 2 of the quantity asked for."""

    code = "size_not_near_request"
    size_lots: int
    lots: int
    factor: int = 2


@dataclass
class SizeLocked(RuleViolation):
    """A size once declared stays for 90 days."""

    code = "size_locked"
    size_lots: int
    declared_lots: int
    until: datetime


@dataclass
class AlreadyPledged(MarketError):
    """A firm has one pledge in a pool; it can be changed."""

    code = "already_pledged"
    pledge_id: str


@dataclass
class PoolIsFull(MarketError):
    code = "pool_full"
    max_pledges: int


@dataclass
class RelatedOffer(MarketError):
    """A firm does not buy from its own owner group: pledge and offer exclude each other."""

    code = "related_offer"
    cell: str


@dataclass
class RequestNotForPool(RuleViolation):
    """The pool buys another instrument, or for another region or month."""

    code = "request_not_for_pool"
    instrument_id: str
    region: str
    first_tenor: str
    last_tenor: str
    cell: str


@dataclass
class SubstituteIsOver(RuleViolation):
    """The answer came at or after the instant until which the lots were offered."""

    code = "substitute_over"
    until: datetime
