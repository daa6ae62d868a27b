"""Several suppliers for one pool: who delivers whom, and one goods price for all members.

Rule. Each supplier is paid what he bid. He delivers every member the same share of what is not
given out yet, by largest remainder (`split`), suppliers in order of rank and members in order of
arrival, the last supplier the rest. Members owe one price: what all the lots cost together,
`split` among them by lots. What a member's lots cost at his suppliers' prices and what he owes
differ by a few lots at most; the difference is *levelled*: members above pay members below.

Guarantees. Every member gets his lots and every supplier delivers his, exactly; what members owe
adds up to what suppliers get, so no remainder is left and nobody else owns one; what a member
owes is less than a minor unit off his exact part and never above `price_minor` × lots, the price
per lot, which is rounded up once. Levelling adds up to zero, and nobody receives more than is due
to him.

Ties. List order: suppliers by rank, members by arrival.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from matching.money import Rounding, scaled, split


class Supply(NamedTuple):
    """What one supplier delivers, at his own price per lot."""

    lots: int
    price_minor: int


class Sourced(NamedTuple):
    """`lots[m][s]` is what member m gets from supplier s; the other figures are by member.

    `due_minor` is what a member's lots cost him at the one price, `level_minor` what he has to
    pay for that beside his suppliers (negative: to receive).
    """

    price_minor: int
    lots: tuple[tuple[int, ...], ...]
    due_minor: tuple[int, ...]
    level_minor: tuple[int, ...]


def sourced(supplies: Sequence[Supply], members: Sequence[int]) -> Sourced:
    """Divide the lots of suppliers among members who take as many.

    Raises:
        ValueError: the two do not add up to the same, or a count is not positive.

    """
    total = sum(members)
    if min(members) < 1 or min(supply.lots for supply in supplies) < 1:
        raise ValueError("every member and every supplier has a lot")
    if total != sum(supply.lots for supply in supplies):
        raise ValueError(f"members take {total} lots, suppliers deliver another number")
    rest = list(members)
    columns = []
    for supply in supplies:
        column = split(supply.lots, rest)
        rest = [left - lots for left, lots in zip(rest, column, strict=True)]
        columns.append(column)
    lots = tuple(zip(*columns, strict=True))
    due = split(_cost(supplies), members)
    own = [
        sum(got * supply.price_minor for got, supply in zip(row, supplies, strict=True))
        for row in lots
    ]
    level = tuple(owed - paid for owed, paid in zip(due, own, strict=True))
    return Sourced(goods_price(supplies), lots, tuple(due), level)


def goods_price(supplies: Sequence[Supply]) -> int:
    """Return the price per lot of all that is supplied, weighted by lots, rounded up once."""
    lots = sum(supply.lots for supply in supplies)
    return scaled(_cost(supplies), 1, lots, Rounding.UP)


def payable(level_minor: Sequence[int], available_minor: Sequence[int]) -> list[int]:
    """Return what is levelled where members pay no more than they have, adding up to zero.

    What is missing is missing to all who receive, in proportion to what is due to them.
    """
    paid = [
        max(0, min(level, have)) for level, have in zip(level_minor, available_minor, strict=True)
    ]
    if not any(paid):
        return [0] * len(paid)
    received = split(sum(paid), [max(0, -level) for level in level_minor])
    return [gives - takes for gives, takes in zip(paid, received, strict=True)]


def _cost(supplies: Sequence[Supply]) -> int:
    return sum(supply.lots * supply.price_minor for supply in supplies)
