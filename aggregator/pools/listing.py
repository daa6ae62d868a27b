"""Offers come and go while a pool is live: its members see the breaks that stand."""

from __future__ import annotations

from aggregator.market import Unit
from aggregator.pools import store
from aggregator.pools.errors import RelatedOffer
from aggregator.pools.facts import OfferListed, OfferUnlisted
from aggregator.supply.facts import OfferExpired, OfferPublished, OfferWithdrawn


async def on_offer_published(unit: Unit, fact: OfferPublished) -> None:
    """List the offer in the live pools of its cell.

    Raises:
        RelatedOffer: the supplier's owner group has a pledge in one of them.

    """
    for pool_id in await store.live_in(unit, fact.cell):
        stream = store.stream_of(pool_id)
        await unit.lock(stream)
        found = await unit.rows(
            "select id from pledge where pool_id = $1 and owner_group = $2"
            " and state = 'standing' limit 1",
            pool_id,
            fact.owner_group,
        )
        if found:
            raise RelatedOffer(fact.cell)
        listed = OfferListed(pool_id, fact.offer_id, fact.breaks, fact.is_public)
        await unit.record(stream, listed)


async def on_offer_gone(unit: Unit, fact: OfferWithdrawn | OfferExpired) -> None:
    """Take the offer off the live pools of its cell."""
    for pool_id in await store.live_in(unit, fact.cell):
        await unit.record(store.stream_of(pool_id), OfferUnlisted(pool_id, fact.offer_id))
