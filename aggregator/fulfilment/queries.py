"""Reading what happened to the goods of a deal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aggregator.deals.access import party_deal
from aggregator.fulfilment.lanes import run_of
from aggregator.fulfilment.reviewing import has_reviewed
from aggregator.fulfilment.ticket_queries import TicketView, tickets
from aggregator.journal.reading import Pool, Reader
from aggregator.market import Actor


@dataclass(frozen=True, slots=True)
class ReturnView:
    return_id: str
    lots: int
    reason: str
    disposition: str
    freight_by: str
    evidence: str
    returned_at: datetime


@dataclass(frozen=True, slots=True)
class PhotographView:
    """A photograph without its bytes."""

    photograph_id: str
    added_by: str
    step: str
    width: int
    height: int
    sha256: str
    added_at: datetime


@dataclass(frozen=True, slots=True)
class GoodsView:
    """Each step's own figures, None where it has not happened."""

    shipment: Mapping[str, Any] | None
    receipt: Mapping[str, Any] | None
    acceptance: Mapping[str, Any] | None
    returns: tuple[ReturnView, ...]
    lane: Mapping[str, Any] | None
    is_reviewed: bool
    photographs: tuple[PhotographView, ...]
    tickets: tuple[TicketView, ...]


async def goods(actor: Actor, deal_id: str, reader: Reader | None = None) -> GoodsView:
    """Return what happened to the goods of a deal of the actor's.

    Raises:
        NotAllowed: the actor's roles read no deals.
        NotFound: no such deal, or the actor is no party to it.

    """
    actor.require("deals.read")
    source = reader or Pool()
    deal = await party_deal(source, actor, deal_id)
    shipments = await source.rows(
        "select lots, carrier, vehicle, document, weight_kg, shipped_at from shipment"
        " where deal_id = $1",
        deal_id,
    )
    receipts = await source.rows(
        "select lots, place, document, weight_kg, delivered_at from receipt where deal_id = $1",
        deal_id,
    )
    acceptances = await source.rows(
        'select lots, is_within_tolerance, "by", accepted_at from acceptance where deal_id = $1',
        deal_id,
    )
    returns = await source.rows(
        "select id as return_id, lots, reason, disposition, freight_by, evidence, returned_at"
        " from goods_return where deal_id = $1 order by returned_at, id",
        deal_id,
    )
    photographs = await source.rows(
        "select id as photograph_id, added_by, step, width, height, sha256, added_at"
        " from photograph where deal_id = $1 order by added_at, id",
        deal_id,
    )
    return GoodsView(
        shipment=_only(shipments),
        receipt=_only(receipts),
        acceptance=_only(acceptances),
        returns=tuple(ReturnView(**dict(row)) for row in returns),
        lane=await run_of(source, deal_id),
        is_reviewed=await has_reviewed(source, deal, actor),
        photographs=tuple(PhotographView(**dict(row)) for row in photographs),
        tickets=tuple(await tickets(source, deal, actor)),
    )


def _only(rows: Any) -> Mapping[str, Any] | None:
    return dict(rows[0]) if rows else None
