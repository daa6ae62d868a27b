"""The outage rule for tickets and lanes: no desk is silent, no shipment late, because of it.

Whose time at a desk, or on a lane, ended in the outage or too soon after it has at least the lost
time and 60 seconds left after it, and never less than 2 minutes. A shipment's early warning is no
deadline and stays where it was.
"""

from __future__ import annotations

from datetime import datetime

from aggregator.deals import outage
from aggregator.deals.store import Deal
from aggregator.fulfilment import desks, lanes
from aggregator.market import Market, Unit

ACT = "fulfilment.extend"
_DESKS = (
    "ticket t join ticket_desk k on k.ticket_id = t.id"
    " where t.state = 'open' and k.state = 'waiting' and k.due_at > $1 and k.due_at < $2"
)
_LANES = (
    "lane_run r join deal d on d.id = r.deal_id"
    " where d.state = 'shipping' and r.due_at > $1 and r.due_at < $2"
)
_HIT = f"select t.deal_id as id from {_DESKS} union select r.deal_id from {_LANES} order by 1"


async def after_outage(market: Market, began_at: datetime, ended_at: datetime) -> None:
    """Move every clock of a desk or a lane that ended in [began_at, ended_at) or too soon after.

    Silences of up to 2 s, and an outage told twice, change nothing.
    """
    await outage.move_each(market, began_at, ended_at, act=ACT, hit=_HIT, move=_move)


async def _move(unit: Unit, deal: Deal, began_at: datetime, until: datetime) -> list[str]:
    window = (began_at, until, deal.id)
    moved = []
    if await unit.rows(f"select 1 from {_LANES} and d.id = $3", *window):
        await lanes.wait_until(unit, deal.id, until)
        moved.append("lane")
    waiting = await unit.rows(
        f"select t.id, k.desk from {_DESKS} and t.deal_id = $3 order by t.id, k.desk", *window
    )
    for row in waiting:
        await desks.wait_until(unit, row["id"], row["desk"], until)
    return [*moved, "ticket"] if waiting else moved
