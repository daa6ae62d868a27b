"""Sealed bids on bundles of items, and the close that awards them.

Rule: a package is some items of the auction at one price per lot, all of them or none.
Packages of one bidder in one `xor` group exclude each other, all others may win together.
A package binds: the same items may be bid for again only at a better price, by the step,
and in the same group. The close chooses among the last packages by `packages`: `sell` the
set worth most in which no item is sold twice, `buy` the cheapest that covers every item
once. Winners pay, or are paid, as bid; an item's lots are never cut. Only packages whose price per
lot reaches the reserve may win. With scored terms packages compare by the price with their worth,
on each lot; where goods are sold that must be above zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache

from matching.auctions.award import reaches_reserve
from matching.auctions.bidding import check_amount, require_open, worth
from matching.auctions.commands import PlacePackage
from matching.auctions.events import (
    Award,
    Closed,
    Event,
    PackagePlaced,
    PackagesCleared,
    Result,
)
from matching.auctions.package_model import PRICE_UNIT
from matching.auctions.packages import PackageAuction, PackageBid, PackageResult, clear_packages
from matching.auctions.refusals import (
    AboveCeiling,
    BelowFloor,
    DuplicateBid,
    NotImproving,
    NotPositive,
    OtherGroup,
    RepeatedItem,
    TooManyBids,
    TooManyPackages,
    TotalTooLarge,
    UnknownItem,
)
from matching.auctions.rules import MAX_BIDS_A_BIDDER, MAX_PACKAGES_A_BIDDER, Rules
from matching.auctions.state import State
from matching.auctions.ties import better_first
from matching.money import MAX_TOTAL_MINOR

cleared = lru_cache(maxsize=256)(clear_packages)
"""`clear_packages`, which remembers its last answers: a long search may be made ahead."""


def place_package(state: State, command: PlacePackage, now: datetime) -> list[Event]:
    """Decide a package bid.

    Raises:
        RuleViolation: the first rule that the package breaks, in the order of this function.

    """
    require_open(state, now)
    mine = [bid for bid in state.packages if bid.bidder == command.bidder]
    if any(bid.bid_id == command.bid_id for bid in state.packages):
        raise DuplicateBid(command.bid_id)
    if len(mine) >= MAX_BIDS_A_BIDDER:
        raise TooManyBids(MAX_BIDS_A_BIDDER)
    rules = state.rules
    items = _checked_items(rules, command.items)
    lots = sum(item.lots for item in rules.items if item.id in items)
    check_amount(rules, command.price_minor, lots)
    _check_bound(rules, items, command.price_minor, lots)
    _check_score(rules, command, lots)
    _check_earlier(rules, standing(mine), items, command)
    placed = PackagePlaced(
        at=now,
        seq=len(state.packages) + 1,
        bid_id=command.bid_id,
        bidder=command.bidder,
        items=items,
        price_minor=command.price_minor,
        lots=lots,
        xor=command.xor,
        attributes=command.attributes,
    )
    return [placed]


def standing(placed: Sequence[PackagePlaced]) -> tuple[PackagePlaced, ...]:
    """Return the packages that stand: the last for each bidder and set of items."""
    return tuple({(bid.bidder, bid.items): bid for bid in placed}.values())


def score_of(rules: Rules, bid: PlacePackage | PackagePlaced) -> int:
    """Return what a package compares by, per lot: its price with the worth of its scored terms."""
    return bid.price_minor + worth(rules, bid.attributes)


def problem_of(state: State) -> PackageAuction:
    """Return what is to be solved if the auction closes now."""
    rules = state.rules
    return PackageAuction(
        side=rules.side,
        items=tuple(item.id for item in rules.items),
        bids=tuple(
            PackageBid(bid.bid_id, bid.bidder, bid.items, score_of(rules, bid) * bid.lots, bid.xor)
            for bid in _able(state)
        ),
    )


def close(state: State, now: datetime) -> list[Event]:
    """Return what the close of a package auction tells: its proof, then its result."""
    found = cleared(problem_of(state))
    return [_proof(state, found, now), Closed(at=now, result=result_with(state, found.winners))]


def result_of(state: State) -> Result:
    return result_with(state, cleared(problem_of(state)).winners)


def result_with(state: State, chosen: Sequence[str]) -> Result:
    """Return the result of an auction whose packages of these ids win."""
    rules = state.rules
    winners = set(chosen)
    awards = tuple(
        Award(bid.bidder, bid.bid_id, item.lots, bid.price_minor, item.id)
        for bid in sorted(standing(state.packages), key=lambda bid: bid.bid_id)
        if bid.bid_id in winners
        for item in rules.items
        if item.id in bid.items
    )
    left = rules.lots - sum(won.lots for won in awards)
    if not state.packages:
        return Result("no_bids", unawarded_lots=left)
    if not awards:
        return Result("unawarded" if _able(state) else "reserve_not_met", unawarded_lots=left)
    return Result("partly_awarded" if left else "awarded", awards, unawarded_lots=left)


def group_names(state: State) -> dict[tuple[str, str | None], str]:
    """Return by which package's id each bidder's group of alternatives goes: its first."""
    placed = standing(state.packages)
    return {(bid.bidder, bid.xor): bid.bid_id for bid in reversed(placed) if bid.xor}


def _able(state: State) -> list[PackagePlaced]:
    """Return the packages that stand and may win: those whose price reaches the reserve."""
    placed = standing(state.packages)
    return [bid for bid in placed if reaches_reserve(state.rules, bid.price_minor)]


def _checked_items(rules: Rules, asked: Sequence[str]) -> tuple[str, ...]:
    """Return the items of a package in the auction's order."""
    known = {item.id for item in rules.items}
    for place, name in enumerate(asked):
        if name not in known:
            raise UnknownItem(name[:60])
        if name in asked[:place]:
            raise RepeatedItem(name)
    if not asked:
        raise UnknownItem("")
    return tuple(item.id for item in rules.items if item.id in asked)


def _check_bound(rules: Rules, items: Sequence[str], price_minor: int, lots: int) -> None:
    """Refuse a price beyond a public reserve or the items' start prices, weighed by their lots."""
    bound_minor = sum(item.lots * item.start_minor for item in rules.items if item.id in items)
    tick, reserve = rules.tick_minor, rules.bound_minor
    if rules.side == "buy":
        highest = bound_minor // lots // tick * tick
        highest = highest if reserve is None else min(highest, reserve)
        if price_minor > highest:
            raise AboveCeiling(price_minor, highest)
        return
    lowest = -(-bound_minor // (lots * tick)) * tick
    lowest = lowest if reserve is None else max(lowest, reserve)
    if price_minor < lowest:
        raise BelowFloor(price_minor, lowest)


def _check_score(rules: Rules, command: PlacePackage, lots: int) -> None:
    """Refuse what would be sold for nothing, and what is too large to compare."""
    score_minor = score_of(rules, command)
    if rules.side == "sell" and score_minor <= 0:
        raise NotPositive(score_minor)
    if abs(score_minor) * lots > MAX_TOTAL_MINOR:
        raise TotalTooLarge(abs(score_minor) * lots, MAX_TOTAL_MINOR)


def _check_earlier(
    rules: Rules, mine: Sequence[PackagePlaced], items: tuple[str, ...], command: PlacePackage
) -> None:
    earlier = next((bid for bid in mine if bid.items == items), None)
    if earlier is None:
        if len(mine) >= MAX_PACKAGES_A_BIDDER:
            raise TooManyPackages(MAX_PACKAGES_A_BIDDER)
        return
    if earlier.xor != command.xor:
        raise OtherGroup(command.xor or "", earlier.xor or "")
    beaten, score_minor = score_of(rules, earlier), score_of(rules, command)
    past = better_first(rules, beaten) - rules.step_at(beaten)
    if better_first(rules, score_minor) > past:
        raise NotImproving(score_minor, past if rules.side == "buy" else -past)


def _proof(state: State, found: PackageResult, now: datetime) -> PackagesCleared:
    group_of = group_names(state)
    return PackagesCleared(
        at=now,
        winners=found.winners,
        value_minor=found.value_minor,
        bound_minor=found.bound_minor,
        proved=found.proved,
        proof=proof_of(found),
        ties="settled" if found.ties_settled else "open",
        relaxed_minor=found.relaxed_minor,
        price_unit=PRICE_UNIT,
        item_prices=tuple((item, str(price)) for item, price in found.item_prices.items()),
        group_prices=tuple(
            sorted((group_of[group], str(price)) for group, price in found.group_prices.items())
        ),
    )


def proof_of(found: PackageResult) -> str:
    """Say what shows that no set is better: the `prices` alone, the `search`, or `none`."""
    if not found.proved:
        return "none"
    return "prices" if found.relaxed_minor == found.value_minor else "search"
