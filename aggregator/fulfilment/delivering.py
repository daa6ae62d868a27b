"""Delivering: the lots are received at the place, with a document that says so."""

from __future__ import annotations

from dataclasses import dataclass

from aggregator.catalogue.queries import instrument
from aggregator.deals import stages, terms
from aggregator.deals.access import as_seller, stream_for
from aggregator.deals.evidence import RECEIPT, record_evidence
from aggregator.deals.quantities import check_lots, check_weight
from aggregator.deals.store import Deal
from aggregator.fulfilment import lanes
from aggregator.fulfilment.facts import GoodsDelivered
from aggregator.market import Actor, Answer, Command, Market, Outcome, Unit
from aggregator.parties.names import checked_name

ACT = "fulfilment.deliver"


@dataclass(frozen=True, slots=True)
class Receipt:
    """A warehouse receipt or weighbridge ticket: `document` is its own number."""

    lots: int
    place: str
    document: str
    weight_kg: int | None = None


async def deliver(
    market: Market, actor: Actor, command: Command, deal_id: str, receipt: Receipt
) -> Outcome:
    """Record the receipt of shipped goods.

    Raises:
        NotFound: no such deal of the actor's.
        NotAllowed: the actor is of the buyer.
        WrongState: the goods are not on their way.
        TermOver: delivery was due by now.
        InvalidField: more lots than were shipped, or none.

    """
    place = checked_name(receipt.place, "/place")
    document = checked_name(receipt.document, "/document")
    check_weight(receipt.weight_kg)

    async def step(unit: Unit) -> Answer:
        deal = await as_seller(unit, deal_id, ACT)
        stages.require_running(unit, deal, stages.SHIPPING)
        lots = receipt.lots
        check_lots(lots, at_most=deal.shipped_lots)
        await unit.execute(
            "insert into receipt (deal_id, lots, place, document, weight_kg, delivered_at)"
            " values ($1, $2, $3, $4, $5, $6)",
            deal.id,
            lots,
            place,
            document,
            receipt.weight_kg,
            unit.now,
        )
        await record_evidence(unit, deal.id, RECEIPT, document, lots=lots)
        await terms.record_measures(unit, deal.id, await _measured(unit, deal, receipt, place))
        fact = GoodsDelivered(
            deal.id, deal.buyer_id, deal.seller_id, lots, unit.now + stages.ACCEPTANCE_TIME
        )
        deal = await stages.advance(unit, deal, stages.DELIVERED, fact, delivered_lots=lots)
        await lanes.arrive(unit, deal)
        return {
            "deal_id": deal.id,
            "state": deal.state,
            "lots": lots,
            "accept_by": unit.stamp(fact.accept_by),
        }

    stream = await stream_for(actor, ACT, deal_id)
    return await market.perform(actor, ACT, step, command=command, stream=stream)


async def _measured(unit: Unit, deal: Deal, receipt: Receipt, place: str) -> dict[str, str]:
    """Return what the receipt says of the promise; the buyer may say otherwise when he accepts."""
    traded = await instrument(deal.instrument_id, unit)
    weighed = "" if receipt.weight_kg is None else f" · {receipt.weight_kg} kg"
    quantity = f"{receipt.lots} × {traded.lot_text}{weighed}"
    return {
        "time": unit.stamp(unit.now),
        "place": place,
        "quantity": quantity[: terms.MAX_TEXT],
    }
