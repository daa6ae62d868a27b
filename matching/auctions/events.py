"""What happened in an auction: the facts that `evolve` folds into a state.

Fields are integers, strings, booleans, None, instants, tuples and dataclasses of these,
so that a generic codec can store an event and read it back.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from matching.auctions.rules import Rules
from matching.values import value

Outcome = Literal["awarded", "partly_awarded", "no_bids", "reserve_not_met", "unawarded"]
SkipReason = Literal["all_or_none", "below_minimum", "lots_missing"]


@dataclass(frozen=True, slots=True)
class Opened:
    """The rules are frozen; bids are taken in [opens_at, closes_at)."""

    at: datetime
    rules: Rules


@value
class BidPlaced:
    """An accepted bid. `seq` is dense from 1 over the accepted bids of the auction.

    `score_minor` is the price with the worth of its scored terms: what bids compare by.
    """

    at: datetime
    seq: int
    bid_id: str
    bidder: str
    price_minor: int
    lots: int
    all_or_none: bool = False
    attributes: tuple[tuple[str, int], ...] = ()
    score_minor: int = 0


@dataclass(frozen=True, slots=True)
class DemandPlaced:
    """Lots by item at the prices of a round; shares its `seq` with bids."""

    at: datetime
    seq: int
    bid_id: str
    bidder: str
    round: int
    demand: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class PackagePlaced:
    """An accepted bid on a bundle of items, at one price per lot; `seq` as of `BidPlaced`.

    Packages of one bidder and one `xor` group exclude each other. What they compare by follows
    from the price and the `attributes`: `package_bids.score_of`.
    """

    at: datetime
    seq: int
    bid_id: str
    bidder: str
    items: tuple[str, ...]
    price_minor: int
    lots: int
    xor: str | None = None
    attributes: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class PackagesCleared:
    """How good the choice of packages is, told right before the close; see `packages`.

    `value_minor` is what the winners compare by, over all their lots: what is paid, and the worth
    of scored terms. `proof` is `prices`, `search` or `none`, `ties` `settled` or `open`. Prices are
    texts in fractions of `price_unit`; a group of alternatives goes by the id of one of its
    packages.
    """

    at: datetime
    winners: tuple[str, ...]
    value_minor: int
    bound_minor: int
    proved: bool
    proof: str
    ties: str
    relaxed_minor: int
    price_unit: int
    item_prices: tuple[tuple[str, str], ...]
    group_prices: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class RoundOpened:
    """The prices at which demand is asked until `ends_at`."""

    at: datetime
    round: int
    ends_at: datetime
    prices: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class StandingSet:
    """A standing order; its limit is secret. `order` is dense from 1 over such orders."""

    at: datetime
    order: int
    standing_id: str
    bidder: str
    limit_minor: int | None


@dataclass(frozen=True, slots=True)
class BidWithdrawn:
    """The operator took the bid `seq` out, for a public reason; its bidder's one before stands.

    His standing order, if there was one, goes with it.
    """

    at: datetime
    seq: int
    reason: str


@dataclass(frozen=True, slots=True)
class CloseExtended:
    """The bid `seq` moved the close."""

    at: datetime
    closes_at: datetime
    seq: int


@dataclass(frozen=True, slots=True)
class Paused:
    """Time stands still from `since`, which an outage may put before the last bid."""

    at: datetime
    reason: str
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Resumed:
    at: datetime
    closes_at: datetime
    hard_stop: datetime


@dataclass(frozen=True, slots=True)
class Award:
    bidder: str
    bid_id: str
    lots: int
    price_minor: int
    item: str = ""


@dataclass(frozen=True, slots=True)
class Skipped:
    """A bid left out though in the money: it could not be cut, or lots were missing in all."""

    bid_id: str
    bidder: str
    lots: int
    price_minor: int
    reason: SkipReason


@dataclass(frozen=True, slots=True)
class Result:
    """Who won what; `clearing_price_minor` is None where every winner pays his own bid.

    With items, `item_prices` are the one price of each, and `clearing_price_minor` is None.
    """

    outcome: Outcome
    awards: tuple[Award, ...] = ()
    clearing_price_minor: int | None = None
    unawarded_lots: int = 0
    rejected_in_the_money: tuple[Skipped, ...] = ()
    seed: str | None = None
    beacon: str | None = None
    item_prices: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Closed:
    at: datetime
    result: Result


@dataclass(frozen=True, slots=True)
class Cancelled:
    at: datetime
    reason: str


Event = (
    Opened
    | BidPlaced
    | DemandPlaced
    | PackagePlaced
    | PackagesCleared
    | RoundOpened
    | StandingSet
    | BidWithdrawn
    | CloseExtended
    | Paused
    | Resumed
    | Closed
    | Cancelled
)

EVENT_TYPES: dict[str, type[Event]] = {
    kind.__name__: kind
    for kind in (
        Opened,
        BidPlaced,
        DemandPlaced,
        PackagePlaced,
        PackagesCleared,
        RoundOpened,
        StandingSet,
        BidWithdrawn,
        CloseExtended,
        Paused,
        Resumed,
        Closed,
        Cancelled,
    )
}
