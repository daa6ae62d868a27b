"""Reading standing: one's own with its inputs, another's tier, and what would move one's own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from aggregator.deals.access import check_counterparty
from aggregator.journal.reading import Pool
from aggregator.market import Actor
from aggregator.parties.queries import organisation
from aggregator.standing import store
from aggregator.standing.privileges import tier_held
from aggregator.standing.store import Inputs, Version
from matching.standing.foreseeing import Supposed, deals_to, supposing
from matching.standing.moving import Held
from matching.standing.rulebook import SizeClass, Tier
from matching.standing.scoring import Score, score

MAX_LINES = 200


@dataclass(frozen=True, slots=True)
class MarkView:
    """One input, traceable to the deal, return or referred firm that it is about."""

    axis: str
    subject: str
    is_kept: bool
    amount_minor: int
    at: datetime


@dataclass(frozen=True, slots=True)
class NextTier:
    """The tier above, and the deals settled without fault that would reach it; None beyond 60."""

    tier: Tier
    missing: int
    deals_bought: int | None
    deals_sold: int | None


@dataclass(frozen=True, slots=True)
class Standing:
    """A firm's standing for its own eyes."""

    version: int
    kind: str
    size: SizeClass
    held: Tier
    score: Score
    reviewed_axes: int
    drop_to: Tier | None
    drop_at: datetime | None
    missing_to_stay: int
    next_tier: NextTier | None
    marks: tuple[MarkView, ...]


async def own(actor: Actor, now: datetime) -> Standing:
    """Return the actor's firm's standing with its newest inputs."""
    firm = await organisation(actor.organisation_id)
    version, given, held = await _all_of(actor, now)
    found = _scored(given, version, now)
    tiers = version.book.tiers
    tier = min(held.tier, len(tiers) - 1)
    drop_to = None if held.drop_to is None else tiers[min(held.drop_to, tier)]
    return Standing(
        version=version.version,
        kind=firm.kind,
        size=version.book.size_of(given.monthly_lots),
        held=tiers[tier],
        score=found,
        reviewed_axes=given.reviewed_axes,
        drop_to=drop_to,
        drop_at=held.drop_at,
        missing_to_stay=max(tiers[tier].least - found.points, 0),
        next_tier=_next(given, version, now, found.points, above=tier + 1),
        marks=await lines(actor, now, limit=MAX_LINES),
    )


async def foreseen(actor: Actor, now: datetime, supposed: Supposed) -> tuple[Score, Tier]:
    """Return the score of the actor's firm if this came, and the tier that it would reach."""
    version, given, _ = await _all_of(actor, now)
    found = supposing(
        given.marks,
        version.book,
        now,
        supposed,
        monthly_lots=given.monthly_lots,
        review_tenths=given.review_tenths,
    )
    return found, version.book.tiers[found.tier]


async def lines(actor: Actor, now: datetime, *, limit: int) -> tuple[MarkView, ...]:
    """Return the inputs that still weigh something, the newest first."""
    found = await store.mark_rows(Pool(), actor.organisation_id, now, limit=limit)
    return tuple(
        MarkView(row["axis"], row["subject"], row["is_kept"], row["amount_minor"], row["at"])
        for row in found
    )


async def tier_of(actor: Actor, organisation_id: str, now: datetime) -> Tier:
    """Return the tier of the actor's firm or of one that it has a deal with.

    Raises:
        NotFound: there is no such firm among them.

    """
    if organisation_id != actor.organisation_id:
        await check_counterparty(actor, organisation_id)
    return await tier_held(organisation_id, now)


async def rulebooks() -> list[Version]:
    """Return every version of the rulebook, also those that are yet to come into force."""
    return await store.versions(Pool())


async def _all_of(actor: Actor, now: datetime) -> tuple[Version, Inputs, Held]:
    version = await store.in_force(Pool(), now)
    given = await store.inputs(Pool(), actor.organisation_id, now)
    return version, given, await store.held(Pool(), actor.organisation_id)


def _scored(given: Inputs, version: Version, now: datetime) -> Score:
    return score(
        given.marks,
        version.book,
        now,
        monthly_lots=given.monthly_lots,
        review_tenths=given.review_tenths,
    )


def _next(
    given: Inputs, version: Version, now: datetime, points: int, *, above: int
) -> NextTier | None:
    if above >= len(version.book.tiers):
        return None
    tier = version.book.tiers[above]

    def deals(*, is_seller: bool) -> int | None:
        return deals_to(
            given.marks,
            version.book,
            now,
            tier.least,
            is_seller=is_seller,
            monthly_lots=given.monthly_lots,
            review_tenths=given.review_tenths,
        )

    missing = max(tier.least - points, 0)
    return NextTier(tier, missing, deals(is_seller=False), deals(is_seller=True))
