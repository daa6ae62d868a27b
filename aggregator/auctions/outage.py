"""The outage rule: time that the market lost is given back to every auction it hit."""

from __future__ import annotations

from datetime import datetime

from aggregator.auctions import store
from aggregator.journal.reading import Pool, entries
from aggregator.market import Actor, Answer, Market, Unit
from aggregator.scheduler.outages import TOLERATED
from matching.auctions.commands import RecordOutage
from matching.auctions.engine import decide
from matching.auctions.events import Paused

OUTAGE = "outage"


async def after_outage(market: Market, began_at: datetime, ended_at: datetime) -> None:
    """Record an outage of [began_at, ended_at) in every auction that was open in it.

    At least the lost time plus 60 s, and never less than 2 minutes, is left to bid; after
    more than 15 minutes an auction stays paused until a person resumes it. Silences of up
    to 2 s, and an outage told twice, change nothing.
    """
    if ended_at - began_at <= TOLERATED:
        return
    found = await Pool().rows(
        "select id from auction where state in ('scheduled', 'open') and opens_at < $2"
        " and closes_at > $1 order by id",
        began_at,
        ended_at,
    )
    for row in found:
        await _record(market, row["id"], began_at, ended_at)


async def _record(market: Market, auction_id: str, began_at: datetime, ended_at: datetime) -> None:
    stream = store.stream_of(auction_id)

    async def step(unit: Unit) -> Answer:
        room = await store.locked(unit, auction_id)
        _, state = room.opened
        hit_at = max(began_at, state.at, state.rules.opens_at)
        if state.phase != "open" or not hit_at < min(state.closes_at, unit.now):
            return {}
        if await _is_known(unit, stream, ended_at):
            return {}
        await store.record(unit, auction_id, room, *decide(state, RecordOutage(began_at), unit.now))
        return {}

    await market.perform(Actor.SYSTEM, "auctions.pause", step, stream=stream)


async def _is_known(unit: Unit, stream: str, ended_at: datetime) -> bool:
    """Tell whether another process has recorded an outage since this one ended."""
    return any(
        isinstance(entry.fact, Paused) and entry.fact.reason == OUTAGE and entry.at >= ended_at
        for entry in await entries(unit, stream)
    )
