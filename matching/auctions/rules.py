"""The rules of one auction: every parameter, frozen before it opens.

What is left to `auto` is filled in at once from the format, so that a recorded `Opened`
says what counted. Prices are minor units per lot on tick, quantities whole lots, shares
whole per cent. `start_minor` is the public bound: the ceiling where suppliers undercut
(`side` buy), the floor where buyers outbid (`side` sell).

Source: the law of the market, section 4.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Literal, NoReturn, get_args

from matching.auctions.refusals import BadRule
from matching.money import MAX_TOTAL_MINOR, split

Side = Literal["buy", "sell"]
FormatName = Literal[
    "english",
    "sealed_first",
    "sealed_uniform",
    "second_price",
    "dutch",
    "japanese",
    "clock",
    "packages",
]
Pricing = Literal["auto", "pay_as_bid", "last_accepted", "first_rejected"]
Marginal = Literal["auto", "pro_rata", "time"]
Tie = Literal["auto", "time", "draw"]
Improve = Literal["auto", "leader", "own"]
Disclosure = Literal["auto", "full", "best", "rank", "blind"]
ToObservers = Literal["full", "best", "blind"]
ToOwner = Literal["full", "blind"]

SEALED = frozenset({"sealed_first", "sealed_uniform", "second_price", "packages"})
MAX_EXTENSION = timedelta(minutes=60)
MAX_BIDS_A_BIDDER = 500
MAX_SHARES = 20
MAX_BANDS = 50
MAX_CRITERIA = 10
MAX_ITEMS = 200
MAX_PACKAGE_ITEMS = 20
MAX_PACKAGES_A_BIDDER = 20

_HEXADECIMAL = frozenset("0123456789abcdef")
_TELLING = ("blind", "rank", "best", "full")  # the more telling behind
_PRICINGS: dict[str, tuple[str, ...]] = {
    "english": ("pay_as_bid", "last_accepted", "first_rejected"),
    "sealed_first": ("pay_as_bid",),
    "sealed_uniform": ("last_accepted", "first_rejected"),
    "second_price": ("first_rejected",),
    "dutch": ("pay_as_bid", "last_accepted"),
    "japanese": ("first_rejected",),
    "clock": ("last_accepted",),
    "packages": ("pay_as_bid",),
}


@dataclass(frozen=True, slots=True)
class Criterion:
    """A scored term of a bid: each unit is worth `unit_minor` of price per lot.

    The worth is added to the price before bids are compared, never before they are paid;
    it may be negative. Values lie in [`lowest`, `highest`].
    """

    name: str
    unit_minor: int
    lowest: int
    highest: int


@dataclass(frozen=True, slots=True)
class Item:
    """One lot type of a clock or package auction, such as a delivery month."""

    id: str
    lots: int
    start_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """See the module; `validate` says whether an auction may open under them.

    `disclosure` is the word for who may bid. Without a word of their own observers see what it
    shows to all, and the owner every bid as it comes under `full` and `best`.
    """

    side: Side
    format: FormatName
    opens_at: datetime
    closes_at: datetime
    hard_stop: datetime | None = None
    soft_close_s: int = 120
    max_extensions: int | None = None
    lots: int = 1
    min_lots: int = 1
    tick_minor: int = 1
    step_minor: int | None = None
    steps: tuple[tuple[int, int], ...] = ()
    start_minor: int | None = None
    reserve_minor: int | None = None
    reserve_is_public: bool = False
    pricing: Pricing = "auto"
    marginal: Marginal = "auto"
    tie: Tie = "auto"
    improve: Improve = "auto"
    disclosure: Disclosure = "auto"
    max_share: int | None = None
    shares: tuple[int, ...] = ()
    allow_single: bool = False
    all_lots_or_none: bool = False
    draw_commitment: str | None = None
    interval_s: int = 0
    criteria: tuple[Criterion, ...] = ()
    items: tuple[Item, ...] = ()
    observer_disclosure: ToObservers | None = None
    owner_disclosure: ToOwner | None = None

    def __post_init__(self) -> None:
        is_sealed = self.format in SEALED
        fill = object.__setattr__
        if self.hard_stop is None:
            fill(self, "hard_stop", self.closes_at + MAX_EXTENSION)
        if self.step_minor is None and not self.steps:
            fill(self, "step_minor", self.tick_minor)
        if self.pricing == "auto":
            fill(self, "pricing", _PRICINGS.get(self.format, ("pay_as_bid",))[0])
        if self.marginal == "auto":
            fill(self, "marginal", "time")
        if self.tie == "auto":
            is_drawn = is_sealed and self.draw_commitment and self.format != "packages"
            fill(self, "tie", "draw" if is_drawn else "time")
        if self.disclosure == "auto":
            fill(self, "disclosure", "blind" if is_sealed else "best")
        if self.improve == "auto":
            leads = self.disclosure in ("full", "best") and not is_sealed
            fill(self, "improve", "leader" if leads else "own")

    @property
    def announced(self) -> tuple[Item, ...]:
        """The items whose prices move round by round; one, without a name, if Japanese."""
        if self.format == "japanese" and self.start_minor is not None:
            return (Item("", self.lots, self.start_minor),)
        return self.items if self.format == "clock" else ()

    @property
    def is_sealed(self) -> bool:
        return self.format in SEALED

    @property
    def to_observers(self) -> str:
        return self.observer_disclosure or self.disclosure

    @property
    def to_owner(self) -> ToOwner:
        """What the owner sees before the close; after it he sees every bid."""
        if self.owner_disclosure is not None:
            return self.owner_disclosure
        return "full" if self.disclosure in ("full", "best") and not self.is_sealed else "blind"

    @property
    def planned_stop(self) -> datetime:
        """The last instant that extensions may reach before any pause."""
        return self.closes_at + MAX_EXTENSION if self.hard_stop is None else self.hard_stop

    @property
    def bound_minor(self) -> int | None:
        """The public ceiling (buy) or floor (sell) that every bid must respect."""
        start, reserve = self.start_minor, self.reserve_minor if self.reserve_is_public else None
        if start is None or reserve is None:
            return reserve if start is None else start
        return min(start, reserve) if self.side == "buy" else max(start, reserve)

    @property
    def start_worth_minor(self) -> int | None:
        """What all lots come to at the start price, or at those of the items."""
        if self.items:
            return sum(item.lots * item.start_minor for item in self.items)
        return None if self.start_minor is None else self.start_minor * self.lots

    @property
    def max_award_lots(self) -> int:
        """The most lots that one bidder may win."""
        return self.lots if self.max_share is None else self.lots * self.max_share // 100

    def step_at(self, price_minor: int) -> int:
        """Return the least improvement on a price; bands go by the price to be beaten."""
        found = self.step_minor or self.tick_minor
        for from_minor, step_minor in self.steps:
            if price_minor >= from_minor:
                found = step_minor
        return found

    def validate(self) -> None:
        """Check every figure and every combination.

        Raises:
            BadRule: naming the field, what it must be and what it is.

        """
        _check_words(self)
        _check_times(self)
        _check_quantities(self)
        _check_prices(self)
        _check_division(self)
        _check_criteria(self)
        _check_clock(self)
        _check_combinations(self)


def _refuse(field: str, rule: str, figure: object = None) -> NoReturn:
    raise BadRule(field, rule, figure)


def _between(field: str, value: int, lowest: int, highest: int) -> None:
    if not lowest <= value <= highest:
        _refuse(field, f"must lie between {lowest} and {highest}", value)


def _check_words(rules: Rules) -> None:
    words: list[tuple[str, str | None, Sequence[str | None]]] = [
        ("side", rules.side, get_args(Side)),
        ("format", rules.format, get_args(FormatName)),
        ("marginal", rules.marginal, get_args(Marginal)[1:]),
        ("tie", rules.tie, get_args(Tie)[1:]),
        ("improve", rules.improve, get_args(Improve)[1:]),
        ("disclosure", rules.disclosure, get_args(Disclosure)[1:]),
        ("pricing", rules.pricing, _PRICINGS.get(rules.format, ())),
        ("observer_disclosure", rules.observer_disclosure, (None, *get_args(ToObservers))),
        ("owner_disclosure", rules.owner_disclosure, (None, *get_args(ToOwner))),
    ]
    for field, value, allowed in words:
        if value not in allowed:
            _refuse(field, f"must be one of {', '.join(filter(None, allowed))}", value)


def _check_times(rules: Rules) -> None:
    for field in ("opens_at", "closes_at", "hard_stop"):
        if getattr(rules, field).utcoffset() != timedelta(0):
            _refuse(field, "must be an aware instant in UTC", str(getattr(rules, field)))
    if rules.closes_at <= rules.opens_at:
        _refuse("closes_at", "must be after the opening", rules.closes_at.isoformat())
    if not timedelta(0) <= rules.planned_stop - rules.closes_at <= MAX_EXTENSION:
        _refuse("hard_stop", "must be 0 to 60 minutes after the close", str(rules.hard_stop))
    _between("soft_close_s", rules.soft_close_s, 0, 3600)
    if rules.max_extensions is not None:
        _between("max_extensions", rules.max_extensions, 0, 10**6)
    _between("interval_s", rules.interval_s, 0, 86_400)


def _check_quantities(rules: Rules) -> None:
    _between("lots", rules.lots, 1, MAX_TOTAL_MINOR)
    _between("min_lots", rules.min_lots, 1, rules.lots)
    if rules.format == "second_price" and rules.min_lots not in (1, rules.lots):
        _refuse("min_lots", "the second price sells all lots to one bidder", rules.min_lots)


def _check_prices(rules: Rules) -> None:
    _between("tick_minor", rules.tick_minor, 1, MAX_TOTAL_MINOR)
    steps = [("step_minor", step) for step in (rules.step_minor,) if step is not None]
    steps += [(f"steps/{i}", band[1]) for i, band in enumerate(rules.steps)]
    for field, step in steps:
        _between(field, step, 1, MAX_TOTAL_MINOR)
        _on_tick(rules, field, step)
    if rules.steps:
        if len(rules.steps) > MAX_BANDS:
            _refuse("steps", f"at most {MAX_BANDS} bands", len(rules.steps))
        if rules.steps[0][0] != 0 and rules.step_minor is None:
            _refuse("steps", "the first band must start at 0", rules.steps[0][0])
        if any(low[0] >= high[0] for low, high in pairwise(rules.steps)):
            _refuse("steps", "bands must rise strictly", [band[0] for band in rules.steps])
    for field in ("start_minor", "reserve_minor"):
        price = getattr(rules, field)
        if price is not None:
            _between(field, price, 0, MAX_TOTAL_MINOR)
            _on_tick(rules, field, price)
    if rules.reserve_is_public and rules.reserve_minor is None:
        _refuse("reserve_is_public", "there is no reserve to show")


def _on_tick(rules: Rules, field: str, price_minor: int) -> None:
    if price_minor % rules.tick_minor:
        _refuse(field, f"must be a multiple of the tick {rules.tick_minor}", price_minor)


def _check_division(rules: Rules) -> None:
    if rules.max_share is not None:
        _between("max_share", rules.max_share, 1, 100)
        if rules.shares:
            _refuse("max_share", "has no meaning beside shares by rank", rules.max_share)
        if rules.max_award_lots < rules.min_lots:
            _refuse("max_share", "leaves one winner less than the least lots", rules.max_award_lots)
    if rules.shares:
        if len(rules.shares) > MAX_SHARES:
            _refuse("shares", f"at most {MAX_SHARES} shares", len(rules.shares))
        if min(rules.shares) < 1 or sum(rules.shares) != 100:
            _refuse("shares", "must be positive per cents that sum to 100", list(rules.shares))
        if min(split(rules.lots, rules.shares)) < rules.min_lots:
            _refuse("shares", "a share is smaller than the least lots", list(rules.shares))
        if rules.pricing != "pay_as_bid":
            _refuse("pricing", "shares by rank are paid as bid", rules.pricing)
    if rules.allow_single and not rules.shares:
        _refuse("allow_single", "belongs to shares by rank", rules.allow_single)
    if rules.all_lots_or_none and rules.format not in ("english", "sealed_first", "sealed_uniform"):
        _refuse("all_lots_or_none", "belongs to another format", rules.format)


def _check_criteria(rules: Rules) -> None:
    if len(rules.criteria) > MAX_CRITERIA:
        _refuse("criteria", f"at most {MAX_CRITERIA} criteria", len(rules.criteria))
    if rules.criteria and rules.pricing != "pay_as_bid":
        _refuse("pricing", "scored bids are paid as bid", rules.pricing)
    names = [criterion.name for criterion in rules.criteria]
    if len(set(names)) != len(names):
        _refuse("criteria", "names must be distinct", names)
    for i, criterion in enumerate(rules.criteria):
        if criterion.lowest > criterion.highest:
            _refuse(f"criteria/{i}", "lowest must not exceed highest", criterion.lowest)
        worth = abs(criterion.unit_minor) * max(abs(criterion.lowest), abs(criterion.highest))
        if worth > MAX_TOTAL_MINOR:
            _refuse(f"criteria/{i}", f"its worth must stay within {MAX_TOTAL_MINOR}", worth)


def _check_clock(rules: Rules) -> None:
    """Check what the formats with announced prices need, and refuse it to the others."""
    if rules.format not in ("dutch", "japanese", "clock"):
        if rules.interval_s:
            _refuse("interval_s", "only announced prices move by themselves", rules.interval_s)
        if rules.format == "packages":
            _check_packages(rules)
        elif rules.items:
            _refuse("items", "only clock and package auctions have several items", len(rules.items))
        return
    if not rules.interval_s:
        _refuse("interval_s", "must be at least 1 where prices are announced", rules.interval_s)
    if rules.shares or rules.criteria:
        _refuse("format", "announced prices know no shares by rank and no scores", rules.format)
    if rules.format == "clock":
        _check_items(rules, MAX_ITEMS)
    elif rules.start_minor is None:
        _refuse("start_minor", "an announced price must start somewhere")


def _check_packages(rules: Rules) -> None:
    _check_items(rules, MAX_PACKAGE_ITEMS)
    if rules.start_minor is not None:
        _refuse("start_minor", "packages start from the prices of their items", rules.start_minor)
    if rules.shares or rules.max_share or rules.min_lots != 1:
        _refuse("format", "packages know no shares and no least lots", rules.format)
    if rules.tie != "time":
        _refuse("tie", "equal sets of packages go by their ids", rules.tie)


def _check_items(rules: Rules, most: int) -> None:
    if not 1 <= len(rules.items) <= most:
        _refuse("items", f"must be 1 to {most} items", len(rules.items))
    if len({item.id for item in rules.items}) != len(rules.items):
        _refuse("items", "ids must be distinct", [item.id for item in rules.items])
    for i, item in enumerate(rules.items):
        _between(f"items/{i}/lots", item.lots, 1, MAX_TOTAL_MINOR)
        _between(f"items/{i}/start_minor", item.start_minor, 1, MAX_TOTAL_MINOR)
        _on_tick(rules, f"items/{i}/start_minor", item.start_minor)
    if sum(item.lots for item in rules.items) != rules.lots:
        _refuse("lots", "must be the lots of all items together", rules.lots)


def check_reserve(rules: Rules) -> None:
    """Refuse a reserve worse than the start price: `BadRule`. Older auctions play on with one."""
    # Every bid would reach it, or a Dutch clock only move away from it.
    reserve, first = rules.reserve_minor, rules.start_minor
    starts = [item.start_minor for item in rules.items] + ([] if first is None else [first])
    if reserve is None or not starts:
        return
    if (rules.side == "buy") == (rules.format == "dutch"):
        if reserve < min(starts):
            _refuse("reserve_minor", "must not lie below the start price", reserve)
    elif reserve > max(starts):
        _refuse("reserve_minor", "must not lie above the start price", reserve)


def _check_combinations(rules: Rules) -> None:
    if _TELLING.index(rules.to_observers) > _TELLING.index(rules.disclosure):
        _refuse("observer_disclosure", "must not tell more than bidders see", rules.to_observers)
    if rules.is_sealed and rules.owner_disclosure is not None:
        _refuse("owner_disclosure", "nobody reads sealed bids before the close")
    if rules.is_sealed and rules.improve != "own":
        _refuse("improve", "a sealed bid improves on the bidder's own", rules.improve)
    if rules.tie == "draw":
        if rules.draw_commitment is None:
            _refuse("tie", "a draw needs the commitment of its seed", rules.tie)
        if len(rules.draw_commitment) != 64 or not set(rules.draw_commitment) <= _HEXADECIMAL:
            _refuse("draw_commitment", "must be 64 hexadecimal digits", rules.draw_commitment)
