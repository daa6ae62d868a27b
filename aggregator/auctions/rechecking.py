"""Holding a recorded choice of packages to what it claims, where it claims no proof.

A search that its limit ended may end elsewhere in a later version. What was recorded is not wrong
by that: either it is lawful, worth what it says and within the bound that its prices prove, or it
is not. The independent checker of `matching.clearing` tells which, without searching.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from matching.auctions.events import Closed, Event, PackagesCleared
from matching.auctions.package_bids import group_names, problem_of, result_with
from matching.auctions.package_model import PRICE_UNIT
from matching.auctions.packages import PackageAuction
from matching.auctions.state import State
from matching.clearing import packages
from matching.clearing.form import require

# Far more than any amount in fractions of the unit has, and far fewer than Python reads.
_MOST_DIGITS = 100


def unproved(written: Sequence[object]) -> PackagesCleared | None:
    """Return the choice that a close recorded without calling it proved, if these facts are one."""
    match written:
        case [PackagesCleared(proved=False) as recorded, Closed()]:
            return recorded
    return None


def rechecked(state: State, recorded: PackagesCleared, told: Sequence[Event]) -> list[Event]:
    """Return what a close tells that keeps the recorded choice; `told` is what it tells today.

    Raises:
        GuaranteeBroken: the choice is not what it claims to be.

    """
    today, closed = told
    assert isinstance(today, PackagesCleared)
    assert isinstance(closed, Closed)
    problem = problem_of(state)
    packages.check(_instance(problem), _document(state, recorded))
    require(recorded.ties == "open", "ties", "they are open where nothing is proved")
    sign = 1 if problem.side == "sell" else -1
    is_within = sign * today.value_minor <= sign * recorded.bound_minor
    require(
        is_within or not today.winners,
        "bound",
        f"a set worth {today.value_minor} passes {recorded.bound_minor}",
    )
    kept = replace(recorded, at=today.at)
    return [kept, Closed(at=closed.at, result=result_with(state, recorded.winners))]


def verdict(recorded: PackagesCleared, told: Sequence[Event]) -> str:
    """Say in words how a choice was checked, and what the search finds today."""
    today = told[0]
    assert isinstance(today, PackagesCleared)
    proved = ", proved" if today.proved else ""
    return (
        f"the choice of packages was checked, not computed again: recorded as unproved, worth"
        f" {recorded.value_minor} within {recorded.bound_minor};"
        f" the search finds {today.value_minor} today{proved}"
    )


def _instance(problem: PackageAuction) -> dict[str, Any]:
    return {
        "kind": "packages",
        "side": problem.side,
        "items": list(problem.items),
        "bids": [
            {
                "id": bid.id,
                "bidder": bid.bidder,
                "items": list(bid.items),
                "amount_minor": bid.amount_minor,
                **({"xor": bid.xor} if bid.xor is not None else {}),
            }
            for bid in problem.bids
        ],
    }


def _document(state: State, recorded: PackagesCleared) -> dict[str, Any]:
    """Return the choice in the form of a laboratory's result."""
    groups = {bid_id: group for group, bid_id in group_names(state).items()}
    named = [name for name, _ in recorded.group_prices]
    require(named == sorted(groups.keys() & set(named)), "form", "groups of alternatives")
    require(recorded.price_unit == PRICE_UNIT, "form", f"the unit is {PRICE_UNIT}")
    items = [name for name, _ in recorded.item_prices]
    require(len(set(items)) == len(items), "form", "an item has one price")
    for _, price in (*recorded.item_prices, *recorded.group_prices):
        digits = price.removeprefix("-")
        is_whole = digits.isascii() and digits.isdigit() and len(digits) <= _MOST_DIGITS
        require(is_whole, "form", "a price is no whole number")
    return {
        "winners": list(recorded.winners),
        "value_minor": recorded.value_minor,
        "bound_minor": recorded.bound_minor,
        "proved": recorded.proved,
        "certificate": {
            "proof": recorded.proof,
            "ties": recorded.ties,
            "relaxed_minor": recorded.relaxed_minor,
            "price_unit": recorded.price_unit,
            "item_prices": dict(recorded.item_prices),
            "group_prices": [[*groups[name], price] for name, price in recorded.group_prices],
        },
    }
