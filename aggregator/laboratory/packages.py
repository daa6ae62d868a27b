"""`"kind": "packages"`: bids on bundles → winners, value, bound and whether it is proved.

`from_cats` turns the text format of the Combinatorial Auction Test Suite (Leyton-Brown,
Pearson and Shoham 2000) into such an instance.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast, get_args

from aggregator.laboratory.reading import MAX_INTEGER, BadInput, Node
from matching.auctions.package_bids import proof_of
from matching.auctions.package_model import PRICE_UNIT
from matching.auctions.packages import (
    PackageAuction,
    PackageBid,
    Side,
    clear_packages,
)

MAX_ITEMS = 2_000
MAX_BIDS = 20_000
MAX_NODE_LIMIT = 10**7


def read(node: Node) -> PackageAuction:
    """Take an instance apart.

    Raises:
        BadInput: it breaks a rule of its format.

    """
    parts = node.fields("kind side items bids", "node_limit")
    items = _distinct(parts["items"], MAX_ITEMS)
    known = frozenset(items)
    bids: list[PackageBid] = []
    seen: set[str] = set()
    for entry in parts["bids"].items(max_items=MAX_BIDS):
        bid = _bid(entry, known)
        if bid.id in seen:
            raise BadInput(f"{entry.pointer}/id", "ids must be distinct", bid.id)
        seen.add(bid.id)
        bids.append(bid)
    limit = parts["node_limit"].integer(1, MAX_NODE_LIMIT) if "node_limit" in parts else None
    side = cast(Side, parts["side"].choice(*get_args(Side)))
    return PackageAuction(side, items, tuple(bids), limit)


def clear(auction: PackageAuction) -> dict[str, Any]:
    """Choose the winners; prices in the certificate are texts, for they may be long."""
    found = clear_packages(auction)
    return {
        "winners": list(found.winners),
        "value_minor": found.value_minor,
        "bound_minor": found.bound_minor,
        "proved": found.proved,
        "certificate": {
            "proof": proof_of(found),
            "ties": "settled" if found.ties_settled else "open",
            "nodes": found.nodes,
            "node_limit": found.node_limit,
            "relaxed_minor": found.relaxed_minor,
            "price_unit": PRICE_UNIT,
            "item_prices": {item: str(price) for item, price in found.item_prices.items()},
            "group_prices": [
                [bidder, group, str(price)]
                for (bidder, group), price in sorted(found.group_prices.items())
            ],
        },
    }


def explain(auction: PackageAuction, result: Mapping[str, Any]) -> str:
    """Tell the result in words."""
    winners = set(result["winners"])
    lines = [
        f"{len(auction.bids)} bids on {len(auction.items)} items, side {auction.side}: "
        f"{len(winners)} win, together {result['value_minor']}."
    ]
    if result["proved"]:
        lines.append("No other set is better; that is proved.")
    elif auction.side == "buy" and not winners:
        lines.append(
            "Not proved: the search ended without a set of all items; none costs less than "
            f"{result['bound_minor']}."
        )
    else:
        lines.append(f"Not proved: no set can pass {result['bound_minor']}.")
    lines += [
        f"{bid.id} ({bid.bidder}) wins {', '.join(bid.items)} at {bid.amount_minor}."
        for bid in auction.bids
        if bid.id in winners
    ]
    return "\n".join(lines)


def from_cats(text: bytes) -> bytes:
    """Return the JSON instance of a CATS text; goods and dummy goods become items.

    Raises:
        BadInput: the text breaks the format, with the line and what was found.

    """
    heads: dict[str, int] = {}
    bids: list[dict[str, object]] = []
    for number, line in enumerate(text.decode("ascii", "replace").splitlines(), start=1):
        words = line.split()
        if not words or words[0].startswith("%"):
            continue
        if words[0] in ("goods", "bids", "dummy") and len(words) == 2:
            heads[words[0]] = _whole(words[1], number)
            continue
        if words[-1] != "#" or len(words) < 4:
            raise BadInput(f"/line {number}", "a bid is: number, amount, goods, #", line[:60])
        goods = [str(_whole(word, number)) for word in words[2:-1]]
        name = str(_whole(words[0], number))
        amount = _whole(words[1], number)
        bids.append({"id": name, "bidder": name, "amount_minor": amount, "items": goods})
        if len(bids) > MAX_BIDS:
            raise BadInput(f"/line {number}", f"at most {MAX_BIDS} bids")
    if heads.keys() != {"goods", "bids", "dummy"}:
        raise BadInput("", "a CATS text says goods, bids and dummy", sorted(heads))
    if heads["bids"] != len(bids):
        raise BadInput("", f"the text says {heads['bids']} bids", len(bids))
    count = heads["goods"] + heads["dummy"]
    if count > MAX_ITEMS:
        raise BadInput("", f"at most {MAX_ITEMS} goods", count)
    items = [str(good) for good in range(count)]
    return json.dumps({"kind": "packages", "side": "sell", "items": items, "bids": bids}).encode()


def _bid(entry: Node, known: frozenset[str]) -> PackageBid:
    parts = entry.fields("id bidder items amount_minor", "xor")
    items = _distinct(parts["items"], MAX_ITEMS)
    if not items:
        parts["items"].refuse("at least 1 items", 0)
    for place, item in enumerate(items):
        if item not in known:
            raise BadInput(f"{parts['items'].pointer}/{place}", "is no item of the auction", item)
    return PackageBid(
        id=parts["id"].text(),
        bidder=parts["bidder"].text(),
        items=items,
        amount_minor=parts["amount_minor"].integer(1),
        xor=parts["xor"].text() if "xor" in parts else None,
    )


def _distinct(node: Node, max_items: int) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for entry in node.items(max_items=max_items):
        name = entry.text()
        if name in found:
            entry.refuse("must be distinct", name)
        found[name] = None
    return tuple(found)


def _whole(word: str, line: int) -> int:
    if not word.isascii() or not word.isdigit() or len(word) > 15 or int(word) > MAX_INTEGER:
        raise BadInput(f"/line {line}", "must be a whole number of at most 15 digits", word[:40])
    return int(word)
