"""A choice of packages that was recorded as unproved is held to what it claims."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from aggregator.auctions.replaying import Played, played
from aggregator.journal.reading import Entry
from aggregator.laboratory import auction as laboratory
from aggregator.laboratory.reading import Node
from matching.auctions.engine import decide, evolve, initial, open_auction
from matching.auctions.events import Closed, PackagesCleared
from matching.auctions.package_bids import result_with

START = {"sell": 1000, "buy": 9000}
# By bidder: the items, and the price per lot that together wins less than the two alone.
WHOLE = {"sell": 2000, "buy": 3000}
HALF = {"sell": 2500, "buy": 2500}
Change = Callable[[PackagesCleared], PackagesCleared]


def history(side: str) -> list[Entry]:
    """Return a closed auction in which two single packages are better than the one of both."""
    bids = [("ann", ["i0", "i1"], WHOLE[side]), ("bob", ["i0"], HALF[side])]
    bids.append(("cat", ["i1"], HALF[side]))
    items = [{"id": name, "lots": 10, "start_minor": START[side]} for name in ("i0", "i1")]
    opens, closes = "2027-01-05T11:00:00Z", "2027-01-05T11:10:00Z"
    commands: list[dict[str, Any]] = [
        {
            "at": f"2027-01-05T11:0{minute}:00Z",
            "cmd": "bid",
            "by": by,
            "bid_id": by,
            "items": wanted,
            "price_minor": price,
            "xor": "one",
        }
        for minute, (by, wanted, price) in enumerate(bids)
    ]
    rules = {"opens_at": opens, "closes_at": closes, "tick_minor": 10, "step_minor": 10}
    instance = {
        "kind": "auction",
        "side": side,
        "format": "packages",
        "rules": {**rules, "items": items},
        "commands": [*commands, {"at": closes, "cmd": "close"}],
    }
    read = laboratory.read(Node(instance, ""))
    opened = open_auction(read.rules, read.rules.opens_at)
    state, facts = initial(opened), list[tuple[object, datetime]]([(opened, opened.at)])
    for at, command in read.commands:
        for event in decide(state, command, at):
            state = evolve(state, event)
            facts.append((event, at))
    return [
        Entry("auction:a", seq, at, fact, "somebody", bytes(32))
        for seq, (fact, at) in enumerate(facts, start=1)
    ]


def of_an_older_version(side: str, change: Change = lambda told: told) -> list[Entry]:
    """Return the history as a search would have left it that ended before the better set."""
    found = history(side)
    *earlier, proof, closed = found
    assert isinstance(proof.fact, PackagesCleared)
    assert isinstance(closed.fact, Closed)
    told = replace(
        proof.fact,
        winners=("ann",),
        value_minor=20 * WHOLE[side],
        bound_minor=proof.fact.relaxed_minor,
        proved=False,
        proof="none",
        ties="open",
    )
    told = change(told)
    state = played([*earlier]).state
    result = result_with(state, told.winners)
    return [
        *earlier,
        replace(proof, fact=told),
        replace(closed, fact=Closed(at=closed.fact.at, result=result)),
    ]


@pytest.mark.parametrize("side", ["sell", "buy"])
def test_a_choice_that_claimed_no_proof_is_checked_and_said_to_be(side: str) -> None:
    found = of_an_older_version(side)

    again = played(found)

    better = 10 * HALF[side] * 2
    assert again.difference == ""
    assert again.state.phase == "closed"
    assert again.state.result is not None
    assert {won.bid_id for won in again.state.result.awards} == {"ann"}
    assert "checked, not computed again" in again.checked
    assert f"worth {20 * WHOLE[side]}" in again.checked
    assert f"finds {better} today, proved" in again.checked


@pytest.mark.parametrize("side", ["sell", "buy"])
def test_a_choice_found_again_is_the_same_again(side: str) -> None:
    again = played(history(side))

    assert (again.difference, again.checked) == ("", "")


def more(side: str, minor: int) -> int:
    """Return so much for the better: higher where goods are sold, lower where they are bought."""
    return minor if side == "sell" else -minor


TAMPERED: dict[str, tuple[Callable[[str], Change], str]] = {
    "a worse value": (
        lambda side: lambda told: replace(told, value_minor=told.value_minor - more(side, 1)),
        "value",
    ),
    "a better value": (
        lambda side: lambda told: replace(told, value_minor=told.value_minor + more(side, 1)),
        "value",
    ),
    "an item twice": (
        lambda side: (
            lambda told: replace(
                told, winners=("ann", "bob"), value_minor=20 * WHOLE[side] + 10 * HALF[side]
            )
        ),
        "lawful",
    ),
    "a winner who never bid": (
        lambda _: lambda told: replace(told, winners=("ann", "zoe")),
        "lawful",
    ),
    "a bound below the value": (
        lambda side: lambda told: replace(told, bound_minor=told.value_minor - more(side, 1)),
        "bound",
    ),
    "a bound that a set passes": (
        lambda side: lambda told: replace(told, bound_minor=told.value_minor + more(side, 1)),
        "bound",
    ),
    "a bound beyond its prices": (
        lambda side: lambda told: replace(told, bound_minor=told.bound_minor + more(side, 1)),
        "bound",
    ),
    "prices that prove another bound": (
        lambda _: lambda told: replace(told, item_prices=(("i0", "0"), ("i1", "0"))),
        "bound",
    ),
    "proved, with its bound": (
        lambda _: lambda told: replace(told, proved=True, proof="search"),
        "other facts",
    ),
    "proved, with its value as the bound": (
        lambda _: (
            lambda told: replace(
                told, proved=True, proof="search", ties="settled", bound_minor=told.value_minor
            )
        ),
        "other facts",
    ),
    "a bound that is the value": (
        lambda _: lambda told: replace(told, bound_minor=told.value_minor),
        "bound",
    ),
    "a proof": (lambda _: lambda told: replace(told, proof="search"), "proved"),
    "settled ties": (lambda _: lambda told: replace(told, ties="settled"), "ties"),
    "another unit": (lambda _: lambda told: replace(told, price_unit=1), "form"),
    "a group of nobody": (
        lambda _: lambda told: replace(told, group_prices=(("zoe", "0"),)),
        "form",
    ),
    "a price of letters": (
        lambda _: lambda told: replace(told, item_prices=(("i0", "dear"), ("i1", "0"))),
        "form",
    ),
    "a price of more digits than are read": (
        lambda _: lambda told: replace(told, item_prices=(("i0", "9" * 5000), ("i1", "0"))),
        "form",
    ),
}


@pytest.mark.parametrize("side", ["sell", "buy"])
@pytest.mark.parametrize("name", TAMPERED)
def test_a_forged_choice_differs(side: str, name: str) -> None:
    change, word = TAMPERED[name]

    again: Played = played(of_an_older_version(side, change(side)))

    assert word in again.difference, again
    assert again.checked == ""


@pytest.mark.parametrize("side", ["sell", "buy"])
def test_another_result_than_the_recorded_winners_make_differs(side: str) -> None:
    *earlier, closed = of_an_older_version(side)
    other = result_with(played(earlier[:-1]).state, ("bob", "cat"))
    forged = replace(closed, fact=Closed(at=closed.at, result=other))

    again = played([*earlier, forged])

    assert "other facts follow" in again.difference


def test_a_choice_that_one_package_improves_differs() -> None:
    # Nobody sells both for what one of them is worth, and lets the other go for nothing.
    found = of_an_older_version(
        "sell", lambda told: replace(told, winners=("bob",), value_minor=10 * HALF["sell"])
    )

    again = played(found)

    assert "improvable" in again.difference
