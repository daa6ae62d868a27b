"""The standing of firms: one's own, foreseen, a counterparty's tier, and the rulebook."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from pydantic import Field

from aggregator.amounts import decimal_text
from aggregator.journal.facts import stamp
from aggregator.market import Answer, Outcome
from aggregator.spreadsheets.separated import write_as_it_is
from aggregator.standing import queries, ruling
from matching.standing.foreseeing import Supposed
from matching.standing.rulebook import FIRST, document_of
from web.api.fields import Answers, Body, Id, Instant, Minor, Query
from web.api.routing import PUBLIC, Call, Download, route

MAX_EXPORT = 20_000
Count = Annotated[int, Field(ge=0, le=60)]
Points = Annotated[int, Field(ge=0, le=1_000)]
TierName = Annotated[str, Field(pattern="^[a-z][a-z_]{0,29}$")]


class SupposedQuery(Query):
    """What might come: deals kept, promises broken, months that pass before."""

    bought: Count = 0
    sold: Count = 0
    unpaid: Count = 0
    late: Count = 0
    claims: Count = 0
    referred: Count = 0
    months: Annotated[int, Field(ge=0, le=24)] = 0
    amount: Minor | None = None


class TierBody(Body):
    """A tier, its least score, how much less of a deposit and how many days more for returns.

    `early_hours`: how much earlier than the first tier it sees group buys that open with early
    sight. `own_pools`: how many of its own a firm may have open at a time.
    """

    name: TierName
    least: Points
    deposit_off_bps: Annotated[int, Field(ge=0, le=5_000)]
    return_days_more: Annotated[int, Field(ge=0, le=30)] = 0
    early_hours: Annotated[int, Field(ge=0, le=72)] = 0
    own_pools: Annotated[int, Field(ge=0, le=10)] = 0


class SizeBody(Body):
    """Firms up to a usual month; the last one has no end."""

    name: TierName
    most_monthly_lots: Annotated[int, Field(ge=1, le=1_000_000_000)] | None
    full: Minor


class RulebookBody(Body):
    """The next version of the rulebook; the points of its three parts sum to 1,000."""

    in_force_at: Instant
    effort: Points
    referrals: Points
    per_referral: Points
    turnover: Points
    weights: Annotated[dict[TierName, Points], Field(min_length=1, max_length=5)]
    penalty: Annotated[int, Field(ge=0, le=100)]
    full_deals: Annotated[int, Field(ge=1, le=1_000)]
    tiers: Annotated[list[TierBody], Field(min_length=1, max_length=9)]
    sizes: Annotated[list[SizeBody], Field(min_length=1, max_length=9)]
    own_pool_hours: Annotated[int, Field(ge=1, le=720)] = FIRST.own_pool_hours
    own_pool_days: Annotated[int, Field(ge=1, le=365)] = FIRST.own_pool_days


class ReferralBody(Body):
    """Which firm brought the other one here."""

    organisation: Id
    referred_by: Id


class Part(Answers):
    axis: str
    kept: int
    broken: int
    points: int
    most: int
    amount: str


class Tier(Answers):
    name: str
    least: int
    deposit_off_bps: int
    return_days_more: int
    early_hours: int
    own_pools: int


class Size(Answers):
    name: str
    most_monthly_lots: int | None
    full: str


class NextTier(Answers):
    tier: Tier
    missing: int
    deals_bought: int | None
    deals_sold: int | None


class Mark(Answers):
    axis: str
    subject: str
    is_kept: bool
    amount: str
    at: str


class OwnStanding(Answers):
    organisation_id: str
    rulebook: int
    kind: str
    size: Size
    tier: Tier
    points: int
    parts: list[Part]
    reviewed_axes: int
    drop_to: Tier | None
    drop_at: str | None
    missing_to_stay: int
    next_tier: NextTier | None
    marks: list[Mark]


class Foreseen(Answers):
    points: int
    tier: Tier
    parts: list[Part]


class Shown(Answers):
    organisation_id: str
    tier: str


class Rulebook(Answers):
    version: int
    in_force_at: str | None
    effort: int
    referrals: int
    per_referral: int
    turnover: int
    weights: dict[str, int]
    penalty: int
    full_deals: int
    tiers: list[Tier]
    sizes: list[Size]
    own_pool_hours: int
    own_pool_days: int


class Rulebooks(Answers):
    rulebooks: list[Rulebook]


class RulebookMade(Answers):
    version: int
    in_force_at: str


class Referred(Answers):
    organisation_id: str
    referred_by: str


@route("GET", "/standing", act="standing.read", out=OwnStanding)
async def own_standing(call: Call) -> Answer:
    """Show one's own firm's tier, score and all that it is made of."""
    found = await queries.own(call.actor, call.market.clock.now())
    return {
        "organisation_id": call.actor.organisation_id,
        "rulebook": found.version,
        "kind": found.kind,
        "size": asdict(found.size),
        "tier": asdict(found.held),
        "points": found.score.points,
        "parts": [asdict(part) for part in found.score.parts],
        "reviewed_axes": found.reviewed_axes,
        "drop_to": found.drop_to and asdict(found.drop_to),
        "drop_at": found.drop_at,
        "missing_to_stay": found.missing_to_stay,
        "next_tier": found.next_tier and asdict(found.next_tier),
        "marks": [asdict(mark) for mark in found.marks],
    }


@route("GET", "/standing/foreseen", act="standing.read", query=SupposedQuery, out=Foreseen)
async def foreseen_standing(call: Call) -> Answer:
    """Show the score that one's firm would have if this came; nothing is done."""
    asked: SupposedQuery = call.query
    given = asked.model_dump()
    supposed = Supposed(amount_minor=given.pop("amount") or 0, **given)
    found, tier = await queries.foreseen(call.actor, call.market.clock.now(), supposed)
    parts = [asdict(part) for part in found.parts]
    return {"points": found.points, "tier": asdict(tier), "parts": parts}


@route("GET", "/standing/marks.csv", act="standing.read", gives=("text/csv",))
async def standing_csv(call: Call) -> Download:
    """Export every input of one's firm's score."""
    rows = [["at", "axis", "subject", "kept", "amount"]]
    now = call.market.clock.now()
    for mark in await queries.lines(call.actor, now, limit=MAX_EXPORT):
        amount, kept = decimal_text(mark.amount_minor), "yes" if mark.is_kept else "no"
        rows.append([stamp(mark.at), mark.axis, mark.subject, kept, amount])
    return Download(write_as_it_is(rows), "text/csv; charset=utf-8", "standing.csv")


@route("GET", "/standings/{organisation_id}", act="parties.read", out=Shown)
async def tier_of(call: Call) -> Answer:
    """Show the tier of a firm that one has a deal with: nothing of its score and inputs."""
    organisation_id = call.path["organisation_id"]
    tier = await queries.tier_of(call.actor, organisation_id, call.market.clock.now())
    return {"organisation_id": organisation_id, "tier": tier.name}


@route("GET", "/standing/rulebooks", act=PUBLIC, out=Rulebooks)
async def rulebooks(_: Call) -> Answer:
    """Show every version of the rulebook, also those yet to come into force."""
    return {
        "rulebooks": [
            {"version": one.version, "in_force_at": one.in_force_at, **document_of(one.book)}
            for one in await queries.rulebooks()
        ]
    }


@route(
    "POST",
    "/standing/rulebooks",
    act="standing.rule",
    body=RulebookBody,
    out=RulebookMade,
    status=201,
)
async def publish_rulebook(call: Call) -> Outcome:
    """Publish the next version of the rulebook, 90 days or more ahead."""
    body: RulebookBody = call.body
    document = body.model_dump(exclude={"in_force_at"})
    for size in document["sizes"]:
        size["full_minor"] = size.pop("full")
    return await ruling.publish(
        call.market, call.actor, call.command, document, in_force_at=body.in_force_at
    )


@route("POST", "/referrals", act="standing.rule", body=ReferralBody, out=Referred, status=201)
async def refer(call: Call) -> Outcome:
    """Note which firm brought another here, before that one has traded."""
    body: ReferralBody = call.body
    return await ruling.refer(
        call.market, call.actor, call.command, body.organisation, referred_by=body.referred_by
    )
