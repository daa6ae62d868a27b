"""What an auction is opened with, and which terms belong to which format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime

from aggregator.catalogue.tenors import Cell
from aggregator.errors import InvalidField
from matching.auctions.rules import (
    SEALED,
    Criterion,
    Disclosure,
    FormatName,
    Improve,
    Marginal,
    Pricing,
    Side,
    Tie,
    ToObservers,
    ToOwner,
)

ACT = "auctions.bid"


@dataclass(frozen=True, slots=True)
class TenorLots:
    """What a clock or package auction sells of one delivery month, and its first price.

    A package auction may have several items of one month.
    """

    tenor: str
    lots: int
    start_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AuctionTerms:
    """What an auction is opened with; `matching.auctions.rules` says what each rule means.

    `start_minor` is the public ceiling where suppliers undercut (`side` buy) and the floor
    where buyers outbid (`side` sell); `reserve_minor` is the owner's secret unless it is
    public. Without `opens_at` bidding begins at once. `kinds` and `invited` admit only such
    firms, empty ones all; who is not invited does not see the auction. `barred_groups` are
    owner groups that stand behind the volume, beside the owner's own. `interval_s` is how long
    an announced price stands; `items` are the months of a clock or package auction, the
    first of them the cell's. `criteria` are scored terms: what a unit of each is worth per lot.
    Terms of another format are refused.
    """

    side: Side
    cell: Cell
    lots: int
    closes_at: datetime
    opens_at: datetime | None = None
    owner_id: str | None = None
    title: str = ""
    format: FormatName = "english"
    start_minor: int | None = None
    reserve_minor: int | None = None
    reserve_is_public: bool = False
    step_minor: int | None = None
    steps: tuple[tuple[int, int], ...] = ()
    min_lots: int = 1
    soft_close_s: int = 120
    hard_stop: datetime | None = None
    max_extensions: int | None = None
    pricing: Pricing = "auto"
    marginal: Marginal = "auto"
    tie: Tie = "auto"
    improve: Improve = "auto"
    disclosure: Disclosure = "auto"
    observer_disclosure: ToObservers | None = None
    owner_disclosure: ToOwner | None = None
    max_share: int | None = None
    shares: tuple[int, ...] = ()
    allow_single: bool = False
    all_lots_or_none: bool = False
    interval_s: int = 0
    items: tuple[TenorLots, ...] = ()
    criteria: tuple[Criterion, ...] = ()
    kinds: tuple[str, ...] = ()
    invited: tuple[str, ...] = ()
    barred_groups: tuple[str, ...] = ()


ROLE_OF_BIDDER = {"buy": "seller", "sell": "buyer"}
ROLE_OF_OWNER = {"buy": "buyer", "sell": "seller"}

_SOFT_CLOSE = frozenset({"soft_close_s", "hard_stop", "max_extensions"})
_DIVISION = frozenset({"max_share", "shares", "allow_single", "all_lots_or_none"})
# Beside the terms that every format knows: side, cell, lots, window, prices, who may come.
OWN_TERMS: Mapping[str, frozenset[str]] = {
    "english": _SOFT_CLOSE | _DIVISION | {"tie", "improve", "criteria", "owner_disclosure"},
    "sealed_first": _DIVISION | {"tie", "criteria"},
    "sealed_uniform": frozenset({"tie", "max_share", "all_lots_or_none"}),
    "second_price": frozenset({"tie"}),
    "dutch": frozenset({"interval_s", "max_share", "owner_disclosure"}),
    "japanese": frozenset({"interval_s", "max_share", "tie", "owner_disclosure"}),
    "clock": frozenset({"interval_s", "items", "max_share", "tie", "owner_disclosure"}),
    "packages": frozenset({"items", "criteria"}),
}
_OWN = frozenset[str]().union(*OWN_TERMS.values())


def check_named(form: str, named: Sequence[str]) -> None:
    """Refuse a term that was named though it belongs to another format, whatever its value.

    Raises:
        InvalidField: naming the first such term.

    """
    own = OWN_TERMS.get(form, frozenset())
    for name in named:
        if name in _OWN - own:
            raise InvalidField(f"/{name}", "belongs to another format", form)


def check_form(terms: AuctionTerms) -> None:
    """Refuse what this market's formats do not know, or another format's terms.

    Raises:
        InvalidField: naming the first such term.

    """
    own = OWN_TERMS.get(terms.format)
    if own is None:
        raise InvalidField("/format", f"one of {', '.join(OWN_TERMS)}", terms.format)
    for item in fields(terms):
        name = item.name
        if name in _OWN - own and getattr(terms, name) != item.default:
            raise InvalidField(f"/{name}", "belongs to another format", terms.format)
    _check_prices(terms)
    if terms.items and terms.items[0].tenor != terms.cell.tenor:
        raise InvalidField("/items/0/tenor", "the month of the cell comes first")


def _check_prices(terms: AuctionTerms) -> None:
    if terms.format in SEALED - {"packages"} and terms.start_minor is None:
        raise InvalidField("/start", "needed where bids are sealed: deposits are a share of it")
    if terms.reserve_minor is None:
        return
    if terms.format in ("japanese", "clock"):
        raise InvalidField("/reserve", "belongs to another format", terms.format)
    if terms.format == "dutch" and not terms.reserve_is_public:
        raise InvalidField("/reserve_is_public", "the price stops there for all to see")
