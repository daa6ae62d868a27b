"""Templates that come again: a draft for the next month, in time before it begins."""

from __future__ import annotations

from datetime import timedelta

from aggregator.catalogue.tenors import after_month, checked_tenor, first_day
from aggregator.demand import store
from aggregator.demand.drafting import draft_within, moved, own_stream
from aggregator.demand.facts import RepeatSet, RequestRepeated
from aggregator.demand.store import Repeat, Request
from aggregator.demand.terms import months_later
from aggregator.errors import InvalidField
from aggregator.journal.reading import Pool
from aggregator.market import Actor, Answer, Command, Market, Outcome, Unit
from aggregator.scheduler.timers import clear_timer, set_timer

TIMER = "demand.repeat"
MAX_EVERY_MONTHS, MAX_LEAD_DAYS = 12, 180


async def repeat(
    market: Market, actor: Actor, command: Command, request_id: str, wanted: Repeat
) -> Outcome:
    """Let a template come again, in place of how it came before.

    Raises:
        NotFound: no such template of the actor's firm.
        WrongState: it is not a template.
        InvalidField: a term breaks its rule.

    """

    async def step(unit: Unit) -> Answer:
        found = await store.locked(unit, request_id, store.TEMPLATE)
        _check(unit, wanted)
        await unit.execute(
            "insert into request_repeat (request_id, every_months, lead_days, next_tenor,"
            " until_tenor) values ($1, $2, $3, $4, $5) on conflict (request_id) do update set"
            " every_months = excluded.every_months, lead_days = excluded.lead_days,"
            " next_tenor = excluded.next_tenor, until_tenor = excluded.until_tenor",
            request_id,
            wanted.every_months,
            wanted.lead_days,
            wanted.next_tenor,
            wanted.until_tenor,
        )
        await _set_timer(unit, request_id, wanted)
        await _record(unit, found, wanted)
        return {"request_id": request_id, "state": found.state}

    stream = await own_stream(actor, request_id)
    return await market.perform(actor, store.ACT, step, command=command, stream=stream)


async def stop_repeat(market: Market, actor: Actor, command: Command, request_id: str) -> Outcome:
    """Let a template come no more; raises as `repeat` does."""

    async def step(unit: Unit) -> Answer:
        found = await store.locked(unit, request_id, store.TEMPLATE)
        await stop(unit, found)
        return {"request_id": request_id, "state": found.state}

    stream = await own_stream(actor, request_id)
    return await market.perform(actor, store.ACT, step, command=command, stream=stream)


async def stop(unit: Unit, found: Request) -> None:
    """End the repeat of a locked template, if it has one."""
    if found.repeat is None:
        return
    await unit.execute("delete from request_repeat where request_id = $1", found.id)
    await clear_timer(unit, TIMER, found.id)
    await _record(unit, found, None)


async def on_timer(market: Market, request_id: str) -> None:
    """Draft the next request of a template; ringing again before its time changes nothing."""

    async def step(unit: Unit) -> Answer:
        await unit.lock(store.stream_of(request_id))
        found = await store.load(unit, request_id)
        if found.repeat is None or not _is_due(unit, found.repeat):
            return {}
        after = _next_to_come(unit, found.repeat)
        if not _is_over(after):
            await _draft_next(unit, found, after.next_tenor)
            after = _stepped(after)
        if _is_over(after):
            await stop(unit, found)
            return {}
        await unit.execute(
            "update request_repeat set next_tenor = $2 where request_id = $1",
            request_id,
            after.next_tenor,
        )
        await _set_timer(unit, request_id, after)
        return {}

    await store.load(Pool(), request_id)
    stream = store.stream_of(request_id)
    await market.perform(Actor.SYSTEM, TIMER, step, stream=stream)


async def _draft_next(unit: Unit, template: Request, tenor: str) -> None:
    firm = template.organisation_id
    terms = moved(template.terms, tenor)
    made = await draft_within(unit, firm, terms, store.DRAFT, copied_from=template.id)
    fact = RequestRepeated(template.id, made["request_id"], firm, tenor, terms.lots)
    await unit.record(store.stream_of(template.id), fact)


async def _set_timer(unit: Unit, request_id: str, wanted: Repeat) -> None:
    due_at = first_day(wanted.next_tenor) - timedelta(days=wanted.lead_days)
    await set_timer(unit, TIMER, request_id, due_at)


async def _record(unit: Unit, found: Request, wanted: Repeat | None) -> None:
    fact = RepeatSet(
        found.id,
        found.organisation_id,
        wanted.every_months if wanted else None,
        wanted.lead_days if wanted else None,
        wanted.next_tenor if wanted else None,
        wanted.until_tenor if wanted else None,
    )
    await unit.record(store.stream_of(found.id), fact)


def _check(unit: Unit, wanted: Repeat) -> None:
    if not 1 <= wanted.every_months <= MAX_EVERY_MONTHS:
        raise InvalidField("/every_months", f"1 to {MAX_EVERY_MONTHS}", wanted.every_months)
    if not 1 <= wanted.lead_days <= MAX_LEAD_DAYS:
        raise InvalidField("/lead_days", f"1 to {MAX_LEAD_DAYS}", wanted.lead_days)
    checked_tenor(wanted.next_tenor, "/next_tenor")
    if after_month(wanted.next_tenor) <= unit.now:
        raise InvalidField("/next_tenor", "a delivery month that is not over", wanted.next_tenor)
    if wanted.until_tenor is not None:
        checked_tenor(wanted.until_tenor, "/until_tenor")
        if wanted.until_tenor < wanted.next_tenor:
            raise InvalidField("/until_tenor", "a month not before the next", wanted.until_tenor)


def _is_due(unit: Unit, wanted: Repeat) -> bool:
    return unit.now >= first_day(wanted.next_tenor) - timedelta(days=wanted.lead_days)


def _next_to_come(unit: Unit, wanted: Repeat) -> Repeat:
    """Pass over the months that ended while the market was down."""
    while after_month(wanted.next_tenor) <= unit.now:
        wanted = _stepped(wanted)
    return wanted


def _stepped(wanted: Repeat) -> Repeat:
    tenor = months_later(wanted.next_tenor, wanted.every_months)
    return Repeat(wanted.every_months, tenor, wanted.lead_days, wanted.until_tenor)


def _is_over(wanted: Repeat) -> bool:
    return wanted.until_tenor is not None and wanted.next_tenor > wanted.until_tenor
