"""Shipping: the seller hands the lots to a carrier."""

from __future__ import annotations

from dataclasses import dataclass

from aggregator.deals import stages
from aggregator.deals.access import as_seller, stream_for
from aggregator.deals.performance import complete
from aggregator.deals.quantities import check_lots, check_weight
from aggregator.deals.reducing import lots_to_ship
from aggregator.fulfilment import lanes
from aggregator.fulfilment.facts import GoodsShipped
from aggregator.market import Actor, Answer, Command, Market, Outcome, Unit
from aggregator.parties.names import checked_name

ACT = "fulfilment.ship"


@dataclass(frozen=True, slots=True)
class CarrierReceipt:
    """What the carrier signed for: the number of his document, and what was weighed in."""

    document: str = ""
    weight_kg: int | None = None


NO_RECEIPT = CarrierReceipt()


async def ship(
    market: Market,
    actor: Actor,
    command: Command,
    deal_id: str,
    *,
    lots: int,
    carrier: str,
    vehicle: str = "",
    receipt: CarrierReceipt = NO_RECEIPT,
) -> Outcome:
    """Ship a funded deal, in one shipment.

    Raises:
        NotFound: no such deal of the actor's.
        NotAllowed: the actor is of the buyer.
        WrongState: the deal is not funded, or is on its way already.
        TermOver: shipping, or the seller's deposit, was due by now.
        InvalidField: more lots than were sold and not given up, or none.
        InsufficientFunds: the seller's deposit is not complete, and he has not the rest.

    """
    carrier = checked_name(carrier, "/carrier")
    vehicle = checked_name(vehicle, "/vehicle", at_least=0)
    document = checked_name(receipt.document, "/document", at_least=0)
    check_weight(receipt.weight_kg)

    async def step(unit: Unit) -> Answer:
        deal = await as_seller(unit, deal_id, ACT)
        stages.require_running(unit, deal, stages.FUNDED)
        check_lots(lots, at_most=await lots_to_ship(unit, deal))
        deal = await complete(unit, deal)
        await unit.execute(
            "insert into shipment (deal_id, lots, carrier, vehicle, shipped_at, document,"
            " weight_kg) values ($1, $2, $3, $4, $5, $6, $7)",
            deal.id,
            lots,
            carrier,
            vehicle,
            unit.now,
            document,
            receipt.weight_kg,
        )
        fact = GoodsShipped(deal.id, deal.buyer_id, deal.seller_id, lots)
        deal = await stages.advance(unit, deal, stages.SHIPPING, fact, shipped_lots=lots)
        await lanes.start(unit, deal)
        return {"deal_id": deal.id, "state": deal.state, "lots": lots}

    stream = await stream_for(actor, ACT, deal_id)
    return await market.perform(actor, ACT, step, command=command, stream=stream)
