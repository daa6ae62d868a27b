"""Moving a firm between tiers: up at once, down 90 days after it was told.

A score falls by itself as its marks age, so each firm with marks is looked at after every fact
about it, at least every 30 days, and when an announced drop is due.
"""

from __future__ import annotations

from aggregator.market import Actor, Answer, Market, Unit
from aggregator.parties.registering import stream_of
from aggregator.scheduler.timers import set_timer
from aggregator.standing import store
from aggregator.standing.facts import (
    TierDropAnnounced,
    TierDropAverted,
    TierDropped,
    TierRaised,
)
from aggregator.standing.gathering import REVIEW
from matching.standing.moving import Held, moved
from matching.standing.rulebook import PRIVILEGES, Rulebook
from matching.standing.scoring import score


async def review(market: Market, organisation_id: str) -> None:
    """Ring: see which tier a firm's score reaches now."""

    async def step(unit: Unit) -> Answer:
        version = await store.in_force(unit, unit.now)
        given = await store.inputs(unit, organisation_id, unit.now)
        found = score(
            given.marks,
            version.book,
            unit.now,
            monthly_lots=given.monthly_lots,
            review_tenths=given.review_tenths,
        )
        await store.note_month(unit, organisation_id, given.monthly_lots)
        before = await store.held(unit, organisation_id)
        after = moved(before, found.tier, unit.now)
        if after != before:
            await store.hold(unit, organisation_id, after)
            for fact in _told(organisation_id, before, after, version.book, found.points):
                await unit.record(stream_of(organisation_id), fact)
        if given.marks or after.tier:
            await set_timer(unit, REVIEW, organisation_id, store.next_review(unit.now, after))
        return {}

    await market.perform(Actor.SYSTEM, REVIEW, step, stream=stream_of(organisation_id))


def _told(
    organisation_id: str, before: Held, after: Held, book: Rulebook, points: int
) -> list[TierRaised | TierDropAnnounced | TierDropAverted | TierDropped]:
    """Return what there is to tell; a book with fewer tiers shortens what was held."""
    last = len(book.tiers) - 1
    name = book.tiers[min(after.tier, last)].name
    told: list[TierRaised | TierDropAnnounced | TierDropAverted | TierDropped] = []
    if after.tier > before.tier:
        told.append(TierRaised(organisation_id, name, points))
    elif after.tier < before.tier:
        told.append(TierDropped(organisation_id, name, points))
    elif before.drop_at is not None and after.drop_at is None:
        told.append(TierDropAverted(organisation_id, name, points))
    if after.drop_at is not None and after.drop_to is not None:
        to, held = book.tiers[min(after.drop_to, last)], book.tiers[min(after.tier, last)]
        told.append(
            TierDropAnnounced(
                organisation_id,
                to.name,
                points,
                held.least,
                after.drop_at,
                tuple((name, getattr(held, name), getattr(to, name)) for name in PRIVILEGES),
            )
        )
    return told
