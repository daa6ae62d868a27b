"""What goes into a group buy and what comes out: whole lots, whole minor units per lot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

Objective = Literal["stable", "surplus"]
Reason = Literal[
    "no_offer",
    "limit_below_all_prices",
    "no_similar_size",
    "too_few_members",
    "break_not_reached",
    "capacity",
]


@dataclass(frozen=True, slots=True)
class Pledge:
    """One buyer's share of a pool to come.

    `owner` is his owner group, `size` his usual monthly lots (the similarity key), `lots` the
    firm quantity and `tolerance` what he would take more. `limit_minor` is the highest landed
    price of a lot; freight, term and fee are his own lines of it. `seq` is arrival order, and
    `tier` that of his firm: among equals a higher one goes before an earlier arrival.
    """

    id: str
    owner: str
    cell: str
    size: int
    lots: int
    tolerance: int = 0
    limit_minor: int = 0
    freight_minor: int = 0
    term_minor: int = 0
    fee_minor: int = 0
    seq: int = 0
    tier: int = 0


@dataclass(frozen=True, slots=True)
class Offer:
    """A supplier's schedule: from `breaks[k][0]` lots on, `breaks[k][1]` for every lot.

    Breaks have rising lots and prices that never rise. `capacity` is in lots; a pool's total
    is a multiple of `pack`.
    """

    id: str
    owner: str
    cell: str
    capacity: int
    pack: int
    breaks: tuple[tuple[int, int], ...]
    seq: int = 0

    def reaches(self, lots: int) -> bool:
        """Tell whether so many lots, filled up to whole packs, are within the capacity."""
        return -(-lots // self.pack) * self.pack <= self.capacity


@dataclass(frozen=True, slots=True)
class Rules:
    """`similarity` is the largest ratio of sizes in a pool, as two integers."""

    similarity: tuple[int, int] = (2, 1)
    min_members: int = 3
    objective: Objective = "stable"


class Member(NamedTuple):
    """A pledge in a pool: its awarded lots, its landed price of a lot, and what it pays."""

    pledge: str
    lots: int
    landed_minor: int
    amount_minor: int


class Unmatched(NamedTuple):
    """A pledge left out, and why."""

    pledge: str
    reason: Reason


@dataclass(frozen=True, slots=True)
class Pool:
    """One pool: its offer, the one goods price of all members, its lots, its members by id.

    Members are kept as columns, a million of them being the rule; `members` writes them out.
    `round` counts the choices of windows in its cell, from 1, deepest price first.
    """

    offer: str
    goods_minor: int
    lots: int
    pledges: tuple[str, ...]
    member_lots: tuple[int, ...]
    landed_minor: tuple[int, ...]
    amount_minor: tuple[int, ...]
    round: int = 1

    @property
    def members(self) -> tuple[Member, ...]:
        columns = zip(
            self.pledges, self.member_lots, self.landed_minor, self.amount_minor, strict=True
        )
        return tuple(map(Member._make, columns))


@dataclass(frozen=True, slots=True)
class Rationed:
    """A cell where capacity binds: the pools as formed, and how far the assignment got.

    `lots` are what was served; no assignment of these pools exceeds `bound_lots`.
    """

    cell: str
    formed: tuple[Pool, ...]
    is_exact: bool
    lots: int
    bound_lots: int


@dataclass(frozen=True, slots=True)
class Result:
    """The pools, the pledges left out, and Σ (net limit − price) × lots over all pools.

    Cells stand in the order of their names; within a cell pools by their members' ids, and
    pledges left out by id.

    `rationed` names the cells where a capacity binds; there limits are not promised to be
    safe to tell. `objective_minor` is what the objective `surplus` reached: the same sum over
    firm lots, before rationing.
    """

    pools: tuple[Pool, ...]
    left: tuple[str, ...]
    reasons: tuple[Reason, ...]
    surplus_minor: int
    rationed: tuple[Rationed, ...] = ()
    objective_minor: int = 0

    @property
    def unmatched(self) -> tuple[Unmatched, ...]:
        return tuple(map(Unmatched._make, zip(self.left, self.reasons, strict=True)))
