"""Checks a choice of package bids without the mechanism that made it.

What is checked, by name: `lawful` (no item twice, every item covered where suppliers sell
to one buyer, at most one bid of a bidder's group), `value` (the sum), `bound` (recomputed
from the certificate's prices by weak duality), `proved` (exactly when value and bound
meet), `improvable` (no losing bid beats the winners in its way) and, where an exhaustive
search ends within `MAX_STEPS`, `optimal` and `ties`.
"""

from __future__ import annotations

from dataclasses import dataclass

from matching.clearing.form import Document, exact_fields, member, require

MAX_STEPS = 150_000
FIELDS = frozenset({"winners", "value_minor", "bound_minor", "proved", "certificate"})


@dataclass(frozen=True)
class _Bid:
    id: str
    needs: frozenset[object]
    worth: int


def check(instance: Document, result: Document) -> None:
    """Check a packages result.

    Raises:
        GuaranteeBroken: the first guarantee found not to hold.

    """
    exact_fields(result, FIELDS)
    is_sale = instance["side"] == "sell"
    sign = 1 if is_sale else -1
    bids = {bid["id"]: _read(bid, sign) for bid in instance["bids"]}
    items = set(instance["items"])
    winners = member(result, "winners", list)
    require(winners == sorted(set(map(str, winners))), "lawful", "winners are not in order")
    require(all(name in bids for name in winners), "lawful", "a winner is no bid")
    won = [bids[name] for name in winners]
    used = [need for bid in won for need in bid.needs]
    require(len(used) == len(set(used)), "lawful", "something is awarded twice")
    value = sign * member(result, "value_minor", int)
    require(value == sum(bid.worth for bid in won), "value", f"winners are worth {value}")
    is_covered = is_sale or items <= set(used)
    bound = sign * member(result, "bound_minor", int)
    proved = member(result, "proved", bool)
    if not is_covered:
        require(not winners, "lawful", "not every item is covered")
        certificate = member(result, "certificate", dict)
        claims = [member(certificate, name, str) for name in ("proof", "ties")]
        known = ["prices", "settled"] if proved else ["none", "open"]
        require(claims == known, "proved", f"proof and ties are {known}")
    if proved and not is_covered:
        require(bound == 0, "lawful", "nothing is bounded where nothing is lawful")
        _check_nothing_covers(items, list(bids.values()))
        return
    relaxed, slacks = _relaxed(instance, result, list(bids.values()), is_sale=is_sale)
    if not is_covered:
        require(bound == relaxed, "bound", f"the prices bound it by {sign * relaxed}")
        return
    require(value <= bound <= relaxed, "bound", f"{value}, {bound} and {relaxed} are out of order")
    require(proved == (bound == value), "proved", f"value {value}, bound {bound}")
    proof = member(member(result, "certificate", dict), "proof", str)
    expected = ("prices" if relaxed == value else "search") if proved else "none"
    require(proof == expected, "proved", f"the proof is {expected}")
    if is_sale:
        _check_single_changes(list(bids.values()), won)
    if proved:
        _search(bids, winners, result, slacks, None if is_sale else items)


def _read(bid: Document, sign: int) -> _Bid:
    needs: set[object] = set(bid["items"])
    if "xor" in bid:
        needs.add((bid["bidder"], bid["xor"]))
    return _Bid(bid["id"], frozenset(needs), sign * bid["amount_minor"])


def _relaxed(
    instance: Document, result: Document, bids: list[_Bid], *, is_sale: bool
) -> tuple[int, dict[str, int]]:
    """Return the bound that the prices prove, and what forcing each bid in costs it."""
    certificate = member(result, "certificate", dict)
    unit = member(certificate, "price_unit", int)
    require(unit > 0, "bound", "the price unit must be positive")
    sign = 1 if is_sale else -1
    stated = member(certificate, "item_prices", dict)
    require(stated.keys() == set(instance["items"]), "bound", "every item needs a price")
    prices: dict[object, int] = {item: sign * int(price) for item, price in stated.items()}
    for bidder, group, price in member(certificate, "group_prices", list):
        require(int(price) >= 0, "bound", f"the group {group!r} has a negative price")
        prices[bidder, group] = int(price)
    if is_sale:
        require(min(prices.values(), default=0) >= 0, "bound", "an item has a negative price")
    bound, slacks = sum(prices.values()) * 1, {}
    for bid in bids:
        require(all(need in prices for need in bid.needs), "bound", "a group needs a price")
        slack = sum(prices[need] for need in bid.needs) - unit * bid.worth
        bound += max(0, -slack)
        slacks[bid.id] = max(0, slack)
    claimed = member(certificate, "relaxed_minor", int)
    require(sign * claimed == bound // unit, "bound", f"the prices prove {sign * (bound // unit)}")
    slacks[""] = bound
    slacks["/"] = unit
    return bound // unit, slacks


def _check_single_changes(bids: list[_Bid], won: list[_Bid]) -> None:
    owner = {need: bid for bid in won for need in bid.needs}
    for bid in bids:
        in_the_way = {owner[need] for need in bid.needs if need in owner}
        gain = bid.worth - sum(rival.worth for rival in in_the_way)
        require(gain <= 0, "improvable", f"{bid.id!r} would add {gain}")


def _search(
    bids: dict[str, _Bid],
    winners: list[str],
    result: Document,
    slacks: dict[str, int],
    items: set[str] | None,
) -> None:
    """Look at every set that the prices allow to be as good, in order of ids."""
    value = sum(bids[name].worth for name in winners)
    room = slacks[""] - value * slacks["/"]
    names = [name for name in sorted(bids) if slacks[name] <= room]
    is_settled = result["certificate"].get("ties") == "settled"
    stack: list[tuple[int, int, int, tuple[str, ...], frozenset[object]]]
    stack = [(0, room, 0, (), frozenset())]
    for _ in range(MAX_STEPS):
        if not stack:
            return
        at, left, worth, chosen, used = stack.pop()
        if at == len(names):
            if items is not None and not items <= used:
                continue
            require(worth <= value, "optimal", f"{list(chosen)} is better")
            is_smaller = worth == value and list(chosen) < winners
            require(not (is_settled and is_smaller), "ties", f"{list(chosen)} comes first")
            continue
        bid = bids[names[at]]
        stack.append((at + 1, left, worth, chosen, used))
        if slacks[bid.id] <= left and not bid.needs & used:
            taken = (*chosen, bid.id)
            stack.append(
                (at + 1, left - slacks[bid.id], worth + bid.worth, taken, used | bid.needs)
            )


def _check_nothing_covers(items: set[str], bids: list[_Bid]) -> None:
    """Look for any lawful set that covers everything, item by item."""
    order = sorted(items)
    stack: list[frozenset[object]] = [frozenset()]
    for _ in range(MAX_STEPS):
        if not stack:
            return
        used = stack.pop()
        missing = next((item for item in order if item not in used), None)
        require(missing is not None, "lawful", "the items can be covered")
        stack += [used | bid.needs for bid in bids if missing in bid.needs and not bid.needs & used]
