"""Why an auction says no: one class a reason, each with a stable code and its figures.

No figure tells a bidder what the disclosure rule hides from him: a bound that follows
from a rival's hidden bid is None.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from matching.errors import RuleViolation


@dataclass(eq=False)
class BadRule(RuleViolation):
    """A set of auction rules that cannot be opened: the field, what it must be, what it is."""

    code: ClassVar[str] = "bad_rule"
    field: str
    rule: str
    figure: object = None


@dataclass(eq=False)
class BidEarly(RuleViolation):
    code: ClassVar[str] = "early"
    opens_at: datetime


@dataclass(eq=False)
class BidLate(RuleViolation):
    code: ClassVar[str] = "late"
    closes_at: datetime


@dataclass(eq=False)
class AuctionPaused(RuleViolation):
    code: ClassVar[str] = "paused"
    reason: str


@dataclass(eq=False)
class AuctionNotPaused(RuleViolation):
    code: ClassVar[str] = "not_paused"


@dataclass(eq=False)
class AuctionClosed(RuleViolation):
    code: ClassVar[str] = "closed"


@dataclass(eq=False)
class AuctionCancelled(RuleViolation):
    code: ClassVar[str] = "cancelled"
    reason: str


@dataclass(eq=False)
class CloseNotDue(RuleViolation):
    code: ClassVar[str] = "not_due"
    closes_at: datetime


@dataclass(eq=False)
class WrongCommand(RuleViolation):
    """A command that this format does not know."""

    code: ClassVar[str] = "wrong_command"
    format: str


@dataclass(eq=False)
class OffTick(RuleViolation):
    code: ClassVar[str] = "off_tick"
    price_minor: int
    tick_minor: int


@dataclass(eq=False)
class NotPositive(RuleViolation):
    code: ClassVar[str] = "not_positive"
    price_minor: int


@dataclass(eq=False)
class OffLots(RuleViolation):
    code: ClassVar[str] = "off_lots"
    lots: int
    min_lots: int
    max_lots: int


@dataclass(eq=False)
class FewerLots(RuleViolation):
    """Bids bind: a later bid never asks for less than the bidder's earlier one."""

    code: ClassVar[str] = "fewer_lots"
    lots: int
    standing_lots: int


@dataclass(eq=False)
class AllOrNoneRefused(RuleViolation):
    """Shares by rank cut every bid, so none can be all or nothing."""

    code: ClassVar[str] = "all_or_none"
    lots: int


@dataclass(eq=False)
class TotalTooLarge(RuleViolation):
    code: ClassVar[str] = "total_too_large"
    total_minor: int
    max_total_minor: int


@dataclass(eq=False)
class AboveCeiling(RuleViolation):
    code: ClassVar[str] = "above_ceiling"
    price_minor: int
    ceiling_minor: int


@dataclass(eq=False)
class BelowFloor(RuleViolation):
    code: ClassVar[str] = "below_floor"
    price_minor: int
    floor_minor: int


@dataclass(eq=False)
class NotImproving(RuleViolation):
    """`next_allowed_minor` is None where the rules hide the price that must be beaten."""

    code: ClassVar[str] = "not_improving"
    price_minor: int
    next_allowed_minor: int | None


@dataclass(eq=False)
class DuplicateBid(RuleViolation):
    code: ClassVar[str] = "duplicate"
    bid_id: str


@dataclass(eq=False)
class UnknownBid(RuleViolation):
    """There is no such bid, or it was withdrawn before."""

    code: ClassVar[str] = "unknown_bid"


@dataclass(eq=False)
class TooManyBids(RuleViolation):
    code: ClassVar[str] = "too_many_bids"
    max_bids: int


@dataclass(eq=False)
class OffClock(RuleViolation):
    """A bid that is worse for the owner than the announced price."""

    code: ClassVar[str] = "off_clock"
    price_minor: int
    clock_minor: int


@dataclass(eq=False)
class RoundOver(RuleViolation):
    """The round's time is up and its prices no longer stand."""

    code: ClassVar[str] = "round_over"
    ends_at: datetime


@dataclass(eq=False)
class RoundNotDue(RuleViolation):
    code: ClassVar[str] = "round_not_due"
    ends_at: datetime


@dataclass(eq=False)
class TooActive(RuleViolation):
    """Total demand may move between items, never grow from round to round."""

    code: ClassVar[str] = "activity"
    lots: int
    eligible_lots: int


@dataclass(eq=False)
class UnknownItem(RuleViolation):
    code: ClassVar[str] = "unknown_item"
    item: str


@dataclass(eq=False)
class RepeatedItem(RuleViolation):
    code: ClassVar[str] = "repeated_item"
    item: str


@dataclass(eq=False)
class TooManyPackages(RuleViolation):
    """So many sets of items stand already; a better price for one of them is always heard."""

    code: ClassVar[str] = "too_many_packages"
    max_packages: int


@dataclass(eq=False)
class OtherGroup(RuleViolation):
    """The same items stand in another group of alternatives, and bids bind."""

    code: ClassVar[str] = "other_group"
    group: str
    standing_group: str


@dataclass(eq=False)
class BadAttributes(RuleViolation):
    """A scored term is missing, unknown or outside its declared range."""

    code: ClassVar[str] = "bad_attributes"
    name: str
    found: int | None
    lowest: int | None
    highest: int | None


@dataclass(eq=False)
class LimitTooWeak(RuleViolation):
    """A standing limit that the public bound or the bidder's own bid already passes."""

    code: ClassVar[str] = "limit_too_weak"
    limit_minor: int
    next_allowed_minor: int


@dataclass(eq=False)
class SeedMismatch(RuleViolation):
    """The revealed seed is not the one that was committed to."""

    code: ClassVar[str] = "seed_mismatch"
    commitment: str
