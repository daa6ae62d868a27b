"""Group buys: from pledges and offers to pools, one goods price each, and reasons for the rest.

Rule. Cell by cell: pools are formed by the objective (`stable`: `matching.pools.formation`;
`surplus`: `matching.pools.surplus`) as if capacity were ample; where it is not, pools are
assigned to suppliers and scarce lots rationed (`matching.pools.assignment`). One goods price
for all members of a pool, to each his own freight, term and fee.

Guarantees and ties are those of the parts. The result depends on the set of inputs only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter
from typing import NamedTuple

from matching.pools.assignment import Assigned, assign
from matching.pools.awarding import Awarded, awarded, written
from matching.pools.cells import Cell, Formed, cell_of
from matching.pools.formation import cascade
from matching.pools.price_breaks import Level, by_rank, levels
from matching.pools.reasons import reasons
from matching.pools.stretches import Shape
from matching.pools.surplus import most_surplus
from matching.pools.values import (
    Member,
    Objective,
    Offer,
    Pledge,
    Pool,
    Rationed,
    Reason,
    Result,
    Rules,
    Unmatched,
)

__all__ = [
    "Cleared",
    "Member",
    "Objective",
    "Offer",
    "Pledge",
    "Pool",
    "Rationed",
    "Reason",
    "Result",
    "Rules",
    "Unmatched",
    "clear",
    "clear_cell",
    "gathered",
]


class Cleared(NamedTuple):
    """The result of one cell."""

    pools: list[Pool]
    left: list[str]
    reasons: list[Reason]
    surplus_minor: int
    rationed: Rationed | None = None
    objective_minor: int = 0


class Schedule(NamedTuple):
    """A cell's offers by rank, and the prices worth looking at, deepest first."""

    offers: list[Offer]
    levels: list[Level]


def clear(pledges: Iterable[Pledge], offers: Iterable[Offer], rules: Rules) -> Result:
    """Form, price and award the pools of every cell."""
    by_cell: dict[str, list[Pledge]] = {}
    last, as_arrived = -1, True
    for pledge in pledges:
        seq = pledge.seq
        if seq <= last:
            as_arrived = False
        last = seq
        members = by_cell.get(pledge.cell)
        if members is None:
            by_cell[pledge.cell] = [pledge]
        else:
            members.append(pledge)
    offers_of: dict[str, list[Offer]] = {}
    for offer in offers:
        offers_of.setdefault(offer.cell, []).append(offer)
    return gathered(
        clear_cell(cell, by_cell.pop(cell), offers_of.get(cell, ()), rules, as_arrived=as_arrived)
        for cell in sorted(by_cell)
    )


def gathered(cells: Iterable[Cleared]) -> Result:
    """Put the results of cells together; they come in the order of their names."""
    pools: list[Pool] = []
    left: list[str] = []
    why: list[Reason] = []
    rationed: list[Rationed] = []
    surplus = objective = 0
    for cell in cells:
        pools += cell.pools
        left += cell.left
        why += cell.reasons
        surplus += cell.surplus_minor
        objective += cell.objective_minor
        if cell.rationed is not None:
            rationed.append(cell.rationed)
    return Result(tuple(pools), tuple(left), tuple(why), surplus, tuple(rationed), objective)


def clear_cell(
    name: str,
    pledges: Sequence[Pledge],
    offers: Sequence[Offer],
    rules: Rules,
    *,
    as_arrived: bool = False,
) -> Cleared:
    """Clear one cell; `pledges` are its own, at least one, and so are `offers`.

    `as_arrived` says that they come with rising `seq`.
    """
    cell = cell_of(pledges, as_arrived=as_arrived)
    schedule = schedule_of(offers)
    shape = Shape(*rules.similarity, rules.min_members)
    if rules.objective == "stable":
        return settled(name, cell, schedule, shape, cascade(cell, schedule.levels, shape))
    formed = most_surplus(cell, schedule.levels, shape)
    objective = sum(pool.firm_surplus_minor(cell) for pool in formed)
    return settled(name, cell, schedule, shape, formed)._replace(objective_minor=objective)


def schedule_of(offers: Sequence[Offer]) -> Schedule:
    """Return a cell's offers, earliest first, with their prices."""
    ranked = by_rank(offers)
    return Schedule(ranked, levels(ranked))


def settled(
    name: str,
    cell: Cell,
    schedule: Schedule,
    shape: Shape,
    formed: Sequence[Formed],
    write: Callable[[Cell, Awarded, Offer], Pool] = written,
) -> Cleared:
    """Return a cell's result: the pools formed with their lots and prices, and who is left.

    `write` does what `written` does, perhaps from memory.
    """
    ranked = schedule.offers
    if not ranked:
        return Cleared([], sorted(cell.ids), ["no_offer"] * len(cell.ids), 0)
    pools = [awarded(cell, pool, ranked[pool.rank]) for pool in formed]
    rationed = None
    if _is_short(pools, ranked):
        assigned = assign(cell, ranked, formed, shape.min_members)
        rationed = _rationed(name, cell, pools, ranked, assigned)
        pools = assigned.pools
    taken: set[int] = set()
    for pool in pools:
        taken.update(pool.places)
    left = [place for place in range(len(cell.ids)) if place not in taken]
    cut: list[int] = []
    if rationed is not None:
        cut = [place for pool in formed for place in pool.places if place not in taken]
    why = reasons(cell, left, schedule.levels, shape, cut)
    left.sort(key=cell.ids.__getitem__)
    return Cleared(
        sorted([write(cell, pool, ranked[pool.rank]) for pool in pools], key=_PLEDGES),
        [*map(cell.ids.__getitem__, left)],
        [*map(why.__getitem__, left)],
        sum([pool.surplus_minor(cell) for pool in pools]),
        rationed,
    )


_PLEDGES = attrgetter("pledges")


def _is_short(pools: Sequence[Awarded], ranked: Sequence[Offer]) -> bool:
    used = [0] * len(ranked)
    for pool in pools:
        used[pool.rank] += pool.total
    return any(lots > offer.capacity for lots, offer in zip(used, ranked, strict=True))


def _rationed(
    name: str,
    cell: Cell,
    pools: Sequence[Awarded],
    ranked: Sequence[Offer],
    assigned: Assigned,
) -> Rationed:
    formed = sorted((written(cell, pool, ranked[pool.rank]) for pool in pools), key=_PLEDGES)
    return Rationed(
        cell=name,
        formed=tuple(formed),
        is_exact=assigned.is_exact,
        lots=sum(pool.total for pool in assigned.pools),
        bound_lots=assigned.bound_lots,
    )
