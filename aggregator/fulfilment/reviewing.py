"""Reviews: each side marks the other on the dimensions of the promise, once a settled deal.

A review is never edited and never shown by itself, so nobody pays one back. What is shown of a
firm is, by axis, the mean over the owner groups that marked it; each group counts once, with the
mean of its own marks. It changes only once three groups have marked anew, so that no difference
of two means tells one mark. Deals within one owner group are not reviewed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction

from aggregator.deals import access, stages
from aggregator.deals.store import Deal, stream_of
from aggregator.deals.tasks import BUYER, side_of
from aggregator.deals.terms import DIMENSIONS
from aggregator.errors import Conflict, InvalidField
from aggregator.fulfilment.facts import DealReviewed
from aggregator.journal.reading import Mechanism, Reader
from aggregator.market import Actor, Answer, Command, Market, Outcome, Unit
from matching.money import Rounding, scaled

ACT = "fulfilment.review"
REVIEW_TIME = timedelta(days=60)
LEAST_GROUPS = 3
MARKS = range(1, 6)


@dataclass(frozen=True, slots=True)
class AxisView:
    """The mean mark of a firm on one axis, in tenths, half to even."""

    axis: str
    groups: int
    mark_tenths: int


async def review(
    market: Market, actor: Actor, command: Command, deal_id: str, marks: Mapping[str, int]
) -> Outcome:
    """Mark the other side of a settled deal, 1 to 5 by axis.

    Raises:
        NotFound: no such deal of the actor's.
        WrongState: the deal has not settled.
        Conflict: the side has reviewed it, the time is over, or both are of one owner group.
        InvalidField: no marks, an unknown axis, or a mark out of range.

    """

    async def step(unit: Unit) -> Answer:
        deal = await access.as_party(unit, deal_id)
        _check_marks(marks)
        side = side_of(deal, unit.actor)
        await _check(unit, deal, side)
        about_id = deal.seller_id if side == BUYER else deal.buyer_id
        await unit.execute(
            "insert into review (deal_id, side, by_id, by_group, about_id, reviewed_at)"
            " values ($1, $2, $3, $4, $5, $6)",
            deal.id,
            side,
            unit.actor.organisation_id,
            deal.buyer_group if side == BUYER else deal.seller_group,
            about_id,
            unit.now,
        )
        for axis in sorted(marks):
            await unit.execute(
                "insert into review_mark (deal_id, side, axis, mark) values ($1, $2, $3, $4)",
                deal.id,
                side,
                axis,
                marks[axis],
            )
        await unit.record(stream_of(deal.id), DealReviewed(deal.id, side))
        return {"deal_id": deal.id, "side": side, "axes": len(marks)}

    stream = await access.stream_for(actor, ACT, deal_id)
    return await market.perform(actor, ACT, step, command=command, stream=stream)


async def has_reviewed(reader: Reader, deal: Deal, actor: Actor) -> bool:
    """Tell whether the actor's side of a deal has reviewed it."""
    found = await reader.rows(
        "select 1 from review where deal_id = $1 and side = $2", deal.id, side_of(deal, actor)
    )
    return bool(found)


async def standing(actor: Actor, organisation_id: str) -> list[AxisView]:
    """Return a firm's means by axis for one who deals with firms."""
    actor.require("deals.read")
    return await means(organisation_id)


async def means(organisation_id: str) -> list[AxisView]:
    """Return a firm's means by axis; an axis that too few groups marked is left out."""
    rows = await Mechanism().rows(
        "select m.axis, r.by_group, m.mark from review r join review_mark m using (deal_id, side)"
        " where r.about_id = $1 order by r.reviewed_at, r.deal_id, r.side",
        organisation_id,
    )
    marks: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for row in rows:
        marks[row["axis"]].append((row["by_group"], row["mark"]))
    found = []
    for axis in DIMENSIONS:
        by_group: dict[str, list[int]] = defaultdict(list)
        for group, mark in _safe(marks[axis]):
            by_group[group].append(mark)
        if by_group:
            of_groups = [Fraction(sum(own), len(own)) for own in by_group.values()]
            found.append(AxisView(axis, len(by_group), _mean_tenths(of_groups)))
    return found


def _safe(marks: Sequence[tuple[str, int]]) -> Sequence[tuple[str, int]]:
    """Return the first marks, in order, as far as each three groups in turn have marked."""
    safe, groups = 0, set[str]()
    for count, (group, _) in enumerate(marks, start=1):
        groups.add(group)
        if len(groups) == LEAST_GROUPS:
            safe, groups = count, set()
    return marks[:safe]


def _mean_tenths(means: Sequence[Fraction]) -> int:
    whole = sum(means, Fraction(0))
    parts = whole.denominator * len(means)
    return scaled(whole.numerator, 10, parts, Rounding.HALF_EVEN)


def _check_marks(marks: Mapping[str, int]) -> None:
    if not marks:
        raise InvalidField("/marks", "min_items", 1)
    for axis in sorted(marks):
        if axis not in DIMENSIONS:
            raise InvalidField("/marks", "one_of", ", ".join(DIMENSIONS))
        if marks[axis] < MARKS[0]:
            raise InvalidField(f"/marks/{axis}", "at_least", MARKS[0])
        if marks[axis] > MARKS[-1]:
            raise InvalidField(f"/marks/{axis}", "at_most", MARKS[-1])


async def _check(unit: Unit, deal: Deal, side: str) -> None:
    stages.require_state(deal, stages.SETTLED, stages.RETURNED)
    assert deal.settled_at is not None
    if deal.buyer_group == deal.seller_group:
        raise Conflict("one_owner_group")
    if unit.now >= deal.settled_at + REVIEW_TIME:
        raise Conflict("review_time_over")
    known = await unit.rows("select 1 from review where deal_id = $1 and side = $2", deal.id, side)
    if known:
        raise Conflict("reviewed_before")
