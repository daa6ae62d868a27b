"""What a mandate stands behind has ended: lost and withdrawn frees it, won stays bound."""

from __future__ import annotations

from aggregator.auctions.facts import AuctionAwarded, AuctionFailed
from aggregator.forwards.facts import OrderCancelled, StripCleared, StripLapsed
from aggregator.forwards.scheduling import served_orders
from aggregator.mandates.drawing import Spread
from aggregator.mandates.freeing import WHOLE, settle
from aggregator.market import Unit
from aggregator.pools.facts import (
    PledgesLeftOut,
    PledgeWithdrawn,
    PoolAwarded,
    PoolLapsed,
    SubstituteAwarded,
)
from aggregator.supply.facts import OfferExpired, OfferWithdrawn


async def on_auction_awarded(unit: Unit, fact: AuctionAwarded) -> None:
    kept: dict[str, tuple[int, int] | None] = {}
    for award in fact.awards:
        # Who opened it never bids in it; if he buys, all that is awarded binds him.
        owner = [fact.owner_id] if fact.side == "buy" and fact.owner_id else []
        for firm in (award.bidder, *owner):
            lots, amount_minor = kept.get(firm) or (0, 0)
            total_minor = amount_minor + award.price_minor * award.lots
            kept[firm] = lots + award.lots, total_minor
    await settle(unit, f"auction:{fact.auction_id}", kept)


async def on_auction_failed(unit: Unit, fact: AuctionFailed) -> None:
    await settle(unit, f"auction:{fact.auction_id}", {})


async def on_pledge_withdrawn(unit: Unit, fact: PledgeWithdrawn) -> None:
    await settle(unit, f"pool:{fact.pool_id}", {}, firms=[fact.organisation_id])


async def on_left_out(unit: Unit, fact: PledgesLeftOut | PoolLapsed) -> None:
    firms = [one.organisation_id for one in fact.left_out]
    await settle(unit, f"pool:{fact.pool_id}", {}, firms=firms)


async def on_pool_awarded(unit: Unit, fact: PoolAwarded) -> None:
    kept = {
        award.organisation_id: (award.lots, award.landed_minor * award.lots)
        for award in fact.awards
    }
    await settle(unit, f"pool:{fact.pool_id}", kept, firms=kept.keys())


async def on_substitute_awarded(unit: Unit, fact: SubstituteAwarded) -> None:
    won = fact.award
    kept = {won.organisation_id: (won.lots, won.landed_minor * won.lots)}
    await settle(unit, f"pool:{fact.pool_id}", kept, firms=kept.keys())


async def on_order_cancelled(unit: Unit, fact: OrderCancelled) -> None:
    await settle(unit, f"strip:{fact.strip_id}", {}, own=fact.order_id)


async def on_strip_cleared(unit: Unit, fact: StripCleared) -> None:
    """Keep what each order was served in each month, and all that suppliers with a deal offered."""
    subject = f"strip:{fact.strip_id}"
    kept: dict[str, tuple[int, int] | None] = dict.fromkeys(fact.seller_ids, WHOLE)
    spreads: dict[str, Spread] = {}
    for served in await served_orders(unit, fact.strip_id):
        reference = f"{subject}/{served.order_id}"
        kept[reference] = served.lots, served.amount_minor
        spreads[reference] = served.months
    await settle(unit, subject, kept, spreads=spreads)


async def on_strip_lapsed(unit: Unit, fact: StripLapsed) -> None:
    await settle(unit, f"strip:{fact.strip_id}", {})


async def on_offer_gone(unit: Unit, fact: OfferWithdrawn | OfferExpired) -> None:
    await settle(unit, f"offer:{fact.offer_id}", {})
