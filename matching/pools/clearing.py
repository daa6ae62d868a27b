"""Group buys: from pledges and offers to pools, one goods price each, and reasons for the rest.

Rule. Cell by cell: pools are formed by the objective (`stable`: `matching.pools.formation`;
`surplus`: `matching.pools.surplus`) as if capacity were ample; where it is not, pools are
assigned to suppliers and scarce lots rationed (`matching.pools.assignment`). One goods price
for all members of a pool, to each his own freight, term and fee.

Guarantees and ties are those of the parts. The result depends on the set of inputs only.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import NamedTuple

from matching.pools.assignment import Assigned, assign
from matching.pools.awarding import Awarded, awarded, written
from matching.pools.formation import Cell, cascade, cell_of
from matching.pools.price_breaks import by_rank, levels
from matching.pools.reasons import reasons
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
from matching.pools.windows import Shape

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
    """The result of one cell, not yet in the order of the whole."""

    pools: list[Pool]
    unmatched: list[Unmatched]
    surplus_minor: int
    rationed: Rationed | None = None
    objective_minor: int = 0


def clear(pledges: Iterable[Pledge], offers: Iterable[Offer], rules: Rules) -> Result:
    """Form, price and award the pools of every cell."""
    by_cell: dict[str, list[Pledge]] = {}
    for pledge in pledges:
        members = by_cell.get(pledge.cell)
        if members is None:
            by_cell[pledge.cell] = [pledge]
        else:
            members.append(pledge)
    offers_of: dict[str, list[Offer]] = {}
    for offer in offers:
        offers_of.setdefault(offer.cell, []).append(offer)
    return gathered(
        clear_cell(cell, members, offers_of.get(cell, ()), rules)
        for cell, members in by_cell.items()
    )


def gathered(cells: Iterable[Cleared]) -> Result:
    """Put the results of cells together: pools by their members, the rest by id."""
    pools: list[Pool] = []
    unmatched: list[Unmatched] = []
    rationed: list[Rationed] = []
    surplus = objective = 0
    for cell in cells:
        pools += cell.pools
        unmatched += cell.unmatched
        surplus += cell.surplus_minor
        objective += cell.objective_minor
        if cell.rationed is not None:
            rationed.append(cell.rationed)
    pools.sort(key=_first_id)
    unmatched.sort()
    rationed.sort(key=attrgetter("cell"))
    return Result(tuple(pools), tuple(unmatched), surplus, tuple(rationed), objective)


def clear_cell(
    name: str, pledges: Sequence[Pledge], offers: Sequence[Offer], rules: Rules
) -> Cleared:
    """Clear one cell; `pledges` are its own, at least one, and so are `offers`."""
    cell = cell_of(pledges)
    if not offers:
        return Cleared([], [Unmatched(name, "no_offer") for name in cell.ids], 0)
    ranked = by_rank(offers)
    envelope = levels(ranked)
    shape = Shape(*rules.similarity, rules.min_members)
    objective = 0
    if rules.objective == "stable":
        formed = cascade(cell, envelope, shape)
    else:
        formed = most_surplus(cell, envelope, shape)
        objective = sum(pool.firm_surplus_minor(cell) for pool in formed)
    pools = [awarded(cell, pool, ranked[pool.rank]) for pool in formed]
    rationed = None
    if _is_short(pools, ranked):
        assigned = assign(cell, ranked, formed, rules.min_members)
        rationed = _rationed(name, cell, pools, ranked, assigned)
        pools = assigned.pools
    taken = {place for pool in pools for place in pool.places}
    left = [place for place in range(len(cell.ids)) if place not in taken]
    cut = [place for pool in formed for place in pool.places if place not in taken]
    why = reasons(cell, left, envelope, shape, cut if rationed else ())
    return Cleared(
        [written(cell, pool, ranked[pool.rank]) for pool in pools],
        [Unmatched(cell.ids[place], why[place]) for place in left],
        sum(pool.surplus_minor(cell) for pool in pools),
        rationed,
        objective,
    )


def _first_id(pool: Pool) -> str:
    return pool.members[0].pledge


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
    formed = sorted((written(cell, pool, ranked[pool.rank]) for pool in pools), key=_first_id)
    return Rationed(
        cell=name,
        formed=tuple(formed),
        is_exact=assigned.is_exact,
        lots=sum(pool.total for pool in assigned.pools),
        bound_lots=assigned.bound_lots,
    )
