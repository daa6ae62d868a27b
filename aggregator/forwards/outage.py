"""The outage rule for windows and contracts: nobody loses a deadline because the market was away.

A window that gathers or talks, a deposit before the month, a call-off to be nominated or to be
confirmed, a proposal to be answered: whoever had time in the outage has at least the lost time
and 60 seconds left after it, and never less than 2 minutes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from aggregator.forwards import calling, proposing, slots, store, talks
from aggregator.forwards.contract_facts import DeadlineMoved
from aggregator.forwards.facts import StripExtended
from aggregator.journal.reading import Pool
from aggregator.market import Actor, Answer, Market, Unit
from aggregator.scheduler.outages import left_after
from aggregator.scheduler.timers import set_timer
from aggregator.settlement import calls

ACT = "forwards.extend"


async def after_outage(market: Market, began_at: datetime, ended_at: datetime) -> None:
    """Move every deadline that lay in [began_at, ended_at) or too soon after it.

    Silences of up to 2 s, and an outage told twice, change nothing.
    """
    left = left_after(began_at, ended_at)
    if not left:
        return
    until = ended_at + left
    windows = await Pool().rows(
        "select id from strip where (state = 'gathering' and closes_at > $1 and closes_at < $2"
        " or state in ('talking', 'asking') and talks_until > $1 and talks_until < $2)"
        " and opens_at < $3 order by id",
        began_at,
        until,
        ended_at,
    )
    for row in windows:
        await _extend_window(market, row["id"], began_at, until)
    hit = " union ".join(f"({moved.select('c.strip_id')})" for moved in _MOVED)
    strips = await Pool().rows(f"select strip_id from ({hit}) t order by 1", began_at, until)
    for row in strips:
        await _extend_contracts(market, row["strip_id"], began_at, until)


@dataclass(frozen=True, slots=True)
class _Moved:
    """A deadline of contracts: where it stands, while what counts, and which timer rings."""

    what: str
    table: str
    column: str
    state: str
    timer: str
    slot_id: str = "d.slot_id"

    def select(self, wanted: str) -> str:
        return (
            f"select {wanted} from {self.table} d join contract_slot s on s.id = {self.slot_id}"
            f" join strip_contract c on c.id = s.contract_id where {self.state}"
            f" and d.{self.column} > $1 and d.{self.column} < $2"
        )


_MOVED = (
    _Moved(
        "stage",
        "contract_slot",
        "stage_due_at",
        "d.state = 'open' and d.stage = 'called'",
        slots.STAGE_TIMER,
        "d.id",
    ),
    _Moved(
        "nominate",
        "contract_slot",
        "nominate_by",
        "d.state = 'open'",
        slots.NOMINATE_TIMER,
        "d.id",
    ),
    _Moved("confirm", "call_off", "confirm_by", "d.state = 'nominated'", calling.CONFIRM_TIMER),
    _Moved("proposal", "contract_proposal", "expires_at", "d.state = 'open'", proposing.TIMER),
)


async def _extend_window(
    market: Market, strip_id: str, began_at: datetime, until: datetime
) -> None:
    async def step(unit: Unit) -> Answer:
        strip = await store.load(unit, strip_id)
        is_talking = strip.state in (talks.TALKING, talks.ASKING)
        ends_at = strip.talks_until if is_talking else strip.closes_at
        is_live = is_talking or strip.state == "gathering"
        if ends_at is None or not is_live or not began_at < ends_at < until:
            return {}
        if is_talking:
            await talks.wait_until(unit, strip_id, strip.state, until)
            await unit.execute(
                "update strip_round set ends_at = $2 where strip_id = $1 and state = 'open'",
                strip_id,
                until,
            )
            fact = StripExtended(strip_id, strip.closes_at, until)
        else:
            await unit.execute("update strip set closes_at = $2 where id = $1", strip_id, until)
            await set_timer(unit, store.CLOSE_TIMER, strip_id, until)
            fact = StripExtended(strip_id, until, None)
        await unit.record(store.stream_of(strip_id), fact)
        return {}

    await market.perform(Actor.SYSTEM, ACT, step, stream=store.stream_of(strip_id))


async def _extend_contracts(
    market: Market, strip_id: str, began_at: datetime, until: datetime
) -> None:
    async def step(unit: Unit) -> Answer:
        await unit.lock(slots.stream_of(strip_id))
        for moved in _MOVED:
            wanted = "d.id, s.id as slot_id, s.contract_id, s.tenor, s.buyer_id, c.seller_id"
            found = await unit.rows(
                f"{moved.select(wanted)} and c.strip_id = $3 order by d.id",
                began_at,
                until,
                strip_id,
            )
            for row in found:
                await unit.execute(
                    f"update {moved.table} set {moved.column} = $2 where id = $1", row["id"], until
                )
                await set_timer(unit, moved.timer, row["id"], until)
                if moved.timer == slots.STAGE_TIMER:
                    await calls.move_due(unit, calls.reference_of(row["id"]), until)
                parties = (row["buyer_id"], row["seller_id"])
                fact = DeadlineMoved(
                    row["slot_id"], row["contract_id"], parties, row["tenor"], moved.what, until
                )
                await unit.record(slots.stream_of(strip_id), fact)
        return {}

    await market.perform(Actor.SYSTEM, ACT, step, stream=slots.stream_of(strip_id))
