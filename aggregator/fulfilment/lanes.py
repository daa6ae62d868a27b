"""Lanes: how long goods take from region to region, and who is told before it is too late.

The market publishes a lane's time; what is published later counts for shipments that begin
later. A shipment on a lane is warned of when three quarters of its time have passed without a
receipt; when all of it has, the delay becomes a service ticket in the buyer's name, at every desk
concerned. The deal's own deadline, the promise, is another and later one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from aggregator.catalogue.queries import regions
from aggregator.deals import stages, store
from aggregator.deals.store import Deal
from aggregator.errors import InvalidField
from aggregator.fulfilment import tickets
from aggregator.fulfilment.facts import LaneAtRisk
from aggregator.fulfilment.ticket_rows import DELAY
from aggregator.journal.facts import stamp
from aggregator.journal.reading import Mechanism, Pool, Reader
from aggregator.market import Actor, Answer, Command, Market, Outcome, Unit
from aggregator.parties.queries import organisation
from aggregator.scheduler.timers import clear_timer, set_timer

ACT = "catalogue.define"
TIMER = "fulfilment.lane"
MAX_ROWS = 200
_WARN_AFTER = (3, 4)


@dataclass(frozen=True, slots=True)
class Lane:
    from_region: str
    to_region: str
    transit_hours: int


@dataclass(frozen=True, slots=True)
class ServiceLevel:
    """How a lane was kept by the shipments that the asker may count."""

    from_region: str
    to_region: str
    transit_hours: int
    arrived: int
    in_time: int
    on_the_way: int
    at_risk: int


async def publish(market: Market, actor: Actor, command: Command, lane: Lane) -> Outcome:
    """Publish a lane's time for shipments that begin later.

    Raises:
        NotAllowed: the actor may not define the catalogue.
        InvalidField: a region that does not exist.

    """

    async def step(unit: Unit) -> Answer:
        known = {region.code for region in await regions(unit)}
        for name in ("from_region", "to_region"):
            if getattr(lane, name) not in known:
                raise InvalidField(f"/{name}", "one_of", ", ".join(sorted(known)))
        await unit.execute(
            "insert into lane (from_region, to_region, transit_hours, published_at)"
            " values ($1, $2, $3, $4) on conflict do nothing",
            lane.from_region,
            lane.to_region,
            lane.transit_hours,
            unit.now,
        )
        return {
            "from_region": lane.from_region,
            "to_region": lane.to_region,
            "transit_hours": lane.transit_hours,
        }

    return await market.perform(actor, ACT, step, command=command)


async def start(unit: Unit, deal: Deal) -> None:
    """Begin a shipment's run where its lane has a time."""
    seller = await organisation(deal.seller_id, unit)
    lane = await unit.row(
        "select transit_hours from lane where from_region = $1 and to_region = $2"
        " order by published_at desc limit 1",
        seller.region,
        deal.region,
    )
    if lane is None:
        return
    time = timedelta(hours=lane["transit_hours"])
    parts, whole = _WARN_AFTER
    warn_at, due_at = unit.now + time * parts // whole, unit.now + time
    await unit.execute(
        "insert into lane_run (deal_id, from_region, to_region, started_at, warn_at, due_at)"
        " values ($1, $2, $3, $4, $5, $6)",
        deal.id,
        seller.region,
        deal.region,
        unit.now,
        warn_at,
        due_at,
    )
    await set_timer(unit, TIMER, deal.id, warn_at)


async def arrive(unit: Unit, deal: Deal) -> None:
    """End a shipment's run with its receipt."""
    await unit.execute("update lane_run set arrived_at = $2 where deal_id = $1", deal.id, unit.now)
    await clear_timer(unit, TIMER, deal.id)


async def wait_until(unit: Unit, deal_id: str, due_at: datetime) -> None:
    """Give a shipment on its way more time."""
    row = await unit.row(
        "update lane_run set due_at = $2 where deal_id = $1 returning warned_at", deal_id, due_at
    )
    if row is not None and row["warned_at"] is not None:
        await set_timer(unit, TIMER, deal_id, due_at)


async def on_time_passed(market: Market, deal_id: str) -> None:
    """Ring when a shipment should be warned of, and when its time is over."""

    async def step(unit: Unit) -> Answer:
        deal = await store.locked(unit, deal_id)
        run = await run_of(unit, deal_id)
        assert run is not None, deal_id
        if deal.state != stages.SHIPPING or unit.now < run["warn_at"]:
            return {}
        if run["warned_at"] is None:
            await unit.execute(
                "update lane_run set warned_at = $2 where deal_id = $1", deal_id, unit.now
            )
            fact = LaneAtRisk(deal.id, deal.buyer_id, deal.seller_id, run["due_at"])
            await unit.record(store.stream_of(deal.id), fact)
        if unit.now < run["due_at"]:
            await set_timer(unit, TIMER, deal_id, run["due_at"])
            return {}
        reason = f"{run['from_region']} → {run['to_region']}: {stamp(run['due_at'])}"
        await tickets.open_by_rule(unit, deal, matter=DELAY, reason=reason)
        return {"deal_id": deal_id}

    await market.perform(Actor.SYSTEM, TIMER, step, stream=store.stream_of(deal_id))


async def service_levels(actor: Actor, now: datetime) -> list[ServiceLevel]:
    """Return the lanes and how they were kept, by the actor's own deals.

    Who defines the catalogue counts everybody's.
    """
    actor.require("catalogue.read")
    whose = None if ACT in actor.grants else actor.organisation_id
    found = await (Mechanism() if whose is None else Pool()).rows(
        "select l.from_region, l.to_region, l.transit_hours, count(r.arrived_at) as arrived,"
        " count(*) filter (where r.arrived_at < r.due_at) as in_time,"
        " count(*) filter (where d.state = 'shipping') as on_the_way,"
        " count(*) filter (where d.state = 'shipping' and r.warn_at <= $2) as at_risk"
        " from (select distinct on (from_region, to_region) from_region, to_region, transit_hours"
        "   from lane order by from_region, to_region, published_at desc) l"
        " left join lane_run r on r.from_region = l.from_region and r.to_region = l.to_region"
        "   and exists (select from deal o where o.id = r.deal_id"
        "     and ($1::text is null or $1 in (o.buyer_id, o.seller_id)))"
        " left join deal d on d.id = r.deal_id"
        " group by l.from_region, l.to_region, l.transit_hours"
        " order by l.from_region, l.to_region limit $3",
        whose,
        now,
        MAX_ROWS,
    )
    return [ServiceLevel(**dict(row)) for row in found]


async def run_of(reader: Reader, deal_id: str) -> Mapping[str, Any] | None:
    """Return a shipment's run, None where its lane has no time."""
    found = await reader.rows(
        "select from_region, to_region, started_at, warn_at, due_at, warned_at, arrived_at"
        " from lane_run where deal_id = $1",
        deal_id,
    )
    return dict(found[0]) if found else None
