"""Reading deals: the own ones, one of them with all there is to know, and disputes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from aggregator.deals import stages, store
from aggregator.deals.access import party_deal
from aggregator.deals.claims import CONTESTED, Claim, claims_of
from aggregator.deals.evidence import KINDS, Evidence, evidences
from aggregator.deals.facts import (
    DEPOSIT,
    DealCancelled,
    DealDefaulted,
    DealExtended,
    DealLapsed,
    DealPartlyFunded,
    DealPaymentTakenBack,
    DepositAsked,
)
from aggregator.deals.lines import PLATFORM, Fee, Line, fees_by_flow
from aggregator.deals.matching import Match, matches
from aggregator.deals.store import Deal
from aggregator.deals.tasks import BUYER, Task, side_of, tasks
from aggregator.deals.terms import Term, terms_of
from aggregator.journal.reading import Pool, Reader, entries
from aggregator.ledger.queries import escrow_balance
from aggregator.market import Actor
from aggregator.settlement.queries import left_of

ACT = "deals.read"
MAX_PAGE = 200
DEAL_ON_DESK = (
    "d.id as deal_id, d.instrument_id, b.name as buyer, b.name_en as buyer_en, s.name as seller,"
    " s.name_en as seller_en"
)
PARTIES = "join organisation b on b.id = d.buyer_id join organisation s on s.id = d.seller_id"
_SAID_ALREADY = frozenset(
    {"deal_id", "buyer_id", "seller_id", "buyer_group", "seller_group", "cell", "source_id"}
)
_BUYERS_OWN = frozenset({"deposit_minor", "call_reference", "call_minor"})


@dataclass(frozen=True, slots=True)
class DealSummary:
    """A deal in a list. `counterparty` is the other side's name.

    The English name of a firm, here and below, is empty where it has none.
    """

    deal_id: str
    side: str
    counterparty_id: str
    counterparty: str
    counterparty_en: str
    source: str
    source_id: str
    instrument_id: str
    region: str
    tenor: str
    cell: str
    lots: int
    accepted_lots: int
    returned_lots: int
    currency: str
    goods_minor: int
    total_minor: int
    state: str
    note: str
    due_at: datetime | None
    formed_at: datetime
    settled_at: datetime | None
    tasks: tuple[Task, ...]


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One fact of a deal, with its figures."""

    seq: int
    at: datetime
    fact: str
    figures: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ClaimView:
    """Lots that did not come as promised, and what of the seller's deposit they cost him."""

    claim_id: str
    cause: str
    lots: int
    deposit_minor: int
    state: str
    fault_lots: int
    compensation_minor: int
    reason: str
    due_at: datetime | None
    opened_at: datetime
    discount_bps: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OnDesk:
    """What waits for the operator: a deal, quantities and reasons, no amounts."""

    deal_id: str
    instrument_id: str
    buyer: str
    buyer_en: str
    seller: str
    seller_en: str
    lots: int
    reason: str
    due_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimOnDesk(OnDesk):
    """A contested claim."""

    claim_id: str
    ordered_lots: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeView(OnDesk):
    """A dispute about all that was delivered."""

    region: str
    tenor: str
    delivered_lots: int


@dataclass(frozen=True, slots=True)
class DealView:
    """One deal for one of its parties; `evidences` names all five, None where it is missing.

    `fees` are the parts of the market's fee, by flow; they sum to the information line.

    How the buyer pays is his own: the seller sees no deposit, call or escrow of an unfunded
    deal, nor what comes back of it, which would tell him what cash the buyer has. So is what the
    seller has yet to deposit his: the buyer sees `performance_minor` as if nothing were missing.
    """

    summary: DealSummary
    buyer_id: str
    seller_id: str
    freight_minor: int
    deposit_minor: int | None
    call_reference: str | None
    call_minor: int | None
    left_minor: int | None
    funding_due_at: datetime
    ship_due_at: datetime
    escrow_minor: int | None
    delivered_lots: int
    dispute_reason: str
    cancel_wanted_by: str | None
    cancel_until: datetime | None
    return_days: int
    return_until: datetime | None
    lines: tuple[Line, ...]
    accepted_lines: tuple[Line, ...]
    fees: tuple[Fee, ...]
    terms: tuple[Term, ...]
    evidences: Mapping[str, Evidence | None]
    performance_minor: int
    missing_minor: int | None
    claims: tuple[ClaimView, ...]
    match: tuple[Match, ...]
    timeline: tuple[TimelineEntry, ...]


async def deals(
    actor: Actor,
    *,
    state: str | None = None,
    after: str | None = None,
    limit: int = 50,
    reader: Reader | None = None,
) -> list[DealSummary]:
    """Return the deals of the actor's organisation, newest first, behind the deal `after`."""
    actor.require(ACT)
    source = reader or Pool()
    columns = ", ".join(f"d.{name.strip()}" for name in store.COLUMNS.split(","))
    found = await source.rows(
        f"select {columns}, o.name, o.name_en from deal d join organisation o"
        " on o.id = case when d.buyer_id = $1 then d.seller_id else d.buyer_id end"
        " where (d.buyer_id = $1 or d.seller_id = $1) and ($2::text is null or d.state = $2)"
        " and ($3::text is null or (d.formed_at, d.id) < (select formed_at, id from deal"
        "   where id = $3 and (buyer_id = $1 or seller_id = $1)))"
        " order by d.formed_at desc, d.id desc limit $4",
        actor.organisation_id,
        state,
        after,
        min(limit, MAX_PAGE),
    )
    return [_summary(store.deal_of(row), row, actor) for row in found]


async def deal(actor: Actor, deal_id: str, reader: Reader | None = None) -> DealView:
    """Return a deal with its lines, terms, evidences, tasks and timeline.

    Raises:
        NotAllowed: the actor's roles read no deals.
        NotFound: no such deal, or the actor is no party to it.

    """
    actor.require(ACT)
    source = reader or Pool()
    found = await party_deal(source, actor, deal_id)
    other = found.seller_id if found.buyer_id == actor.organisation_id else found.buyer_id
    (party,) = await source.rows("select name, name_en from organisation where id = $1", other)
    proofs = await evidences(source, deal_id)
    is_buyer = side_of(found, actor) == BUYER
    escrow_minor = await escrow_balance(deal_id, found.currency, source)
    return DealView(
        summary=_summary(found, party, actor),
        buyer_id=found.buyer_id,
        seller_id=found.seller_id,
        freight_minor=found.freight_minor,
        deposit_minor=found.deposit_minor if is_buyer else None,
        call_reference=found.call_reference if is_buyer else None,
        call_minor=found.call_minor if is_buyer else None,
        left_minor=await left_of(found.call_reference, source) if is_buyer else None,
        funding_due_at=found.funding_due_at,
        ship_due_at=found.ship_due_at,
        escrow_minor=escrow_minor if is_buyer or found.state != stages.FORMED else None,
        delivered_lots=found.delivered_lots,
        dispute_reason=found.dispute_reason,
        cancel_wanted_by=found.cancel_wanted_by,
        cancel_until=found.cancel_until,
        return_days=found.return_days,
        return_until=found.return_until,
        lines=tuple(await store.lines_of(source, deal_id, "agreed")),
        fees=fees_by_flow(found.rates, found.accepted_lots or found.lots),
        accepted_lines=tuple(await store.lines_of(source, deal_id, "accepted")),
        terms=tuple(await terms_of(source, deal_id)),
        evidences={kind: proofs.get(kind) for kind in KINDS},
        performance_minor=found.performance_minor + (found.missing_minor if is_buyer else 0),
        missing_minor=None if is_buyer else found.missing_minor,
        claims=tuple([_claim(claim) for claim in (await claims_of(source, deal_id)).values()]),
        match=tuple(await matches(source, found)),
        timeline=tuple(await _timeline(source, deal_id, is_buyer=is_buyer)),
    )


async def disputes(actor: Actor, reader: Reader | None = None) -> list[DisputeView]:
    """Return the disputes that wait for the operator, most urgent first."""
    actor.require("fulfilment.resolve")
    found = await (reader or Pool()).rows(
        f"select {DEAL_ON_DESK}, d.region, d.tenor, d.lots, d.delivered_lots,"
        f" d.dispute_reason as reason, d.due_at from deal d {PARTIES}"
        " where d.state = $1 order by d.due_at, d.id limit $2",
        stages.DISPUTED,
        MAX_PAGE,
    )
    return [DisputeView(**dict(row)) for row in found]


async def contested(actor: Actor, reader: Reader | None = None) -> list[ClaimOnDesk]:
    """Return the claims that wait for the operator, most urgent first."""
    actor.require("deals.decide_claim")
    found = await (reader or Pool()).rows(
        f"select {DEAL_ON_DESK}, c.id as claim_id, d.lots as ordered_lots, c.lots, c.reason,"
        f" c.due_at from deal_claim c join deal d on d.id = c.deal_id {PARTIES}"
        " where c.state = $1 order by c.due_at, c.id limit $2",
        CONTESTED,
        MAX_PAGE,
    )
    return [ClaimOnDesk(**dict(row)) for row in found]


def _claim(claim: Claim) -> ClaimView:
    known = {field.name: getattr(claim, field.name) for field in fields(claim)}
    known["claim_id"] = claim.id
    return ClaimView(**{name: known[name] for name in ClaimView.__dataclass_fields__})


async def _timeline(reader: Reader, deal_id: str, *, is_buyer: bool) -> list[TimelineEntry]:
    """Return what happened, numbered for the asker: what he may not see leaves no gap."""
    seen = [
        entry
        for entry in await entries(reader, store.stream_of(deal_id))
        if not _is_others(entry.fact, is_buyer=is_buyer)
    ]
    return [
        TimelineEntry(
            seq=seq,
            at=entry.at,
            fact=type(entry.fact).__name__,
            figures={
                field.name: getattr(entry.fact, field.name)
                for field in fields(entry.fact)
                if field.name not in _hidden(entry.fact, is_buyer=is_buyer)
            },
        )
        for seq, entry in enumerate(seen, start=1)
    ]


def _hidden(fact: object, *, is_buyer: bool) -> frozenset[str]:
    """Return the fields of a fact that are said already, or are the buyer's own."""
    if is_buyer:
        return _SAID_ALREADY
    is_end = isinstance(fact, DealCancelled | DealDefaulted | DealLapsed)
    return _SAID_ALREADY | _BUYERS_OWN | ({"refunded_minor"} if is_end else frozenset())


def _is_others(fact: object, *, is_buyer: bool) -> bool:
    """Tell whether a fact is the other side's own affair: its fee, or what cash it has."""
    if is_buyer:
        is_deposits = isinstance(fact, DealExtended) and fact.what == DEPOSIT
        return is_deposits or isinstance(fact, DepositAsked)
    return (
        isinstance(fact, DealPartlyFunded | DealPaymentTakenBack)
        or getattr(fact, "issuer", None) == PLATFORM
    )


def _summary(found: Deal, party: Mapping[str, Any], actor: Actor) -> DealSummary:
    side = side_of(found, actor)
    return DealSummary(
        deal_id=found.id,
        side=side,
        counterparty_id=found.seller_id if side == BUYER else found.buyer_id,
        counterparty=party["name"],
        counterparty_en=party["name_en"],
        source=found.source,
        source_id=found.source_id,
        instrument_id=found.instrument_id,
        region=found.region,
        tenor=found.tenor,
        cell=found.cell,
        lots=found.lots,
        accepted_lots=found.accepted_lots,
        returned_lots=found.returned_lots,
        currency=found.currency,
        goods_minor=found.goods_minor,
        total_minor=found.total_minor,
        state=found.state,
        note=found.note,
        due_at=found.due_at,
        formed_at=found.formed_at,
        settled_at=found.settled_at,
        tasks=tuple(tasks(found, actor)),
    )
