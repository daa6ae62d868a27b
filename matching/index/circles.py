"""The circular-trade screen: goods that come back to where they were feed no price.

Owner groups are nodes, settled deals of the window are arrows from seller to buyer. A new
deal whose buyer's group has, over any number of hands, sold to the seller's group closes a
circle: a buy-back, a carousel, or trade within one owner. All trades on any way by which the
goods may have come back are the circle's, not only the one that closes it.

Guarantee: the verdict and the legs depend on the set of arrows only.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Literal

Verdict = Literal["same_owner", "closed_cycle"]


def circle(
    sold_to: Mapping[str, Set[str]], *, buyer_group: str, seller_group: str
) -> Verdict | None:
    """Return why a deal must not feed a price, or None.

    `sold_to` maps a seller's group to the groups it sold the instrument to in the window.
    """
    if buyer_group == seller_group:
        return "same_owner"
    return "closed_cycle" if ring(sold_to, start=buyer_group, end=seller_group) else None


def ring(sold_to: Mapping[str, Set[str]], *, start: str, end: str) -> tuple[str, ...]:
    """Return the groups that the goods went through from `start` to `end`, both included.

    Of all such ways the one with the fewest hands, then the first by the groups' names; nothing
    where there is none.
    """
    came_from = {start: start}
    edge = [start]
    while edge:
        reached: dict[str, str] = {}
        for group in edge:
            for other in sorted(sold_to.get(group, frozenset()) - came_from.keys()):
                reached.setdefault(other, group)
        came_from |= reached
        if end in reached:
            return _way(came_from, end)
        edge = list(reached)
    return ()


def legs(sold_to: Mapping[str, Set[str]], *, start: str, end: str) -> frozenset[tuple[str, str]]:
    """Return every (seller, buyer) on any way from `start` to `end`; nothing where there is none.

    A way neither comes back to `start` nor goes on from `end`: what else those two trade is not
    part of it.
    """
    onward = {
        seller: frozenset(buyers - {start}) for seller, buyers in sold_to.items() if seller != end
    }
    back: dict[str, set[str]] = {}
    for seller, buyers in onward.items():
        for buyer in buyers:
            back.setdefault(buyer, set()).add(seller)
    reached, returning = _reached(onward, start), _reached(back, end)
    return frozenset(
        (seller, buyer)
        for seller, buyers in onward.items()
        for buyer in buyers
        if seller in reached and buyer in returning
    )


def _reached(arrows: Mapping[str, Set[str]], start: str) -> set[str]:
    found, edge = {start}, [start]
    while edge:
        fresh = arrows.get(edge.pop(), frozenset()) - found
        found |= fresh
        edge += fresh
    return found


def _way(came_from: Mapping[str, str], end: str) -> tuple[str, ...]:
    way = [end]
    while came_from[way[-1]] != way[-1]:
        way.append(came_from[way[-1]])
    return tuple(reversed(way))
