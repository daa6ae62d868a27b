"""The outage rule for tickets and lanes: no desk is silent, no shipment late, because of it.

Whose time at a desk, or on a lane, ended in the outage or too soon after it has at least the lost
time and 60 seconds left after it, and never less than 2 minutes. A shipment's early warning is no
deadline and stays where it was.
"""

from __future__ import annotations

from datetime import datetime

from aggregator.deals import store
from aggregator.deals.facts import DealExtended
from aggregator.fulfilment import desks, lanes
from aggregator.journal.reading import Pool
from aggregator.market import Actor, Answer, Market, Unit
from aggregator.scheduler.outages import left_after

ACT = "fulfilment.extend"
_DESKS = (
    "ticket t join ticket_desk k on k.ticket_id = t.id"
    " where t.state = 'open' and k.state = 'waiting' and k.due_at > $1 and k.due_at < $2"
)
_LANES = (
    "lane_run r join deal d on d.id = r.deal_id"
    " where d.state = 'shipping' and r.due_at > $1 and r.due_at < $2"
)
_HIT = f"select t.deal_id from {_DESKS} union select r.deal_id from {_LANES} order by 1"


async def after_outage(market: Market, began_at: datetime, ended_at: datetime) -> None:
    """Move every clock of a desk or a lane that ended in [began_at, ended_at) or too soon after.

    Silences of up to 2 s, and an outage told twice, change nothing.
    """
    left = left_after(began_at, ended_at)
    if not left:
        return
    until = ended_at + left
    for row in await Pool().rows(_HIT, began_at, until):
        await _extend(market, row["deal_id"], began_at, until)


async def _extend(market: Market, deal_id: str, began_at: datetime, until: datetime) -> None:
    async def step(unit: Unit) -> Answer:
        deal = await store.locked(unit, deal_id)
        window = (began_at, until, deal_id)
        moved = set[str]()
        for row in await unit.rows(
            f"select t.id, k.desk from {_DESKS} and t.deal_id = $3 order by t.id, k.desk", *window
        ):
            await desks.wait_until(unit, row["id"], row["desk"], until)
            moved.add("ticket")
        if await unit.rows(f"select 1 from {_LANES} and d.id = $3", *window):
            await lanes.wait_until(unit, deal_id, until)
            moved.add("lane")
        facts = [
            DealExtended(deal.id, deal.buyer_id, deal.seller_id, one, until)
            for one in sorted(moved)
        ]
        if facts:
            await unit.record(store.stream_of(deal.id), *facts)
        return {}

    await market.perform(Actor.SYSTEM, ACT, step, stream=store.stream_of(deal_id))
