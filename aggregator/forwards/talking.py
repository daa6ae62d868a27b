"""When a window's gathering ends, its rounds begin; when a round's time is over, what follows."""

from __future__ import annotations

from datetime import timedelta

from aggregator.forwards import asking, clocking, store, talks
from aggregator.forwards.facts import TalksBegan
from aggregator.forwards.lapsing import lapse
from aggregator.forwards.store import Strip
from aggregator.forwards.topic import ENOUGH_GROUPS
from aggregator.journal.reading import Pool
from aggregator.market import Actor, Answer, Market, Unit
from aggregator.parties.queries import owner_groups

TOO_FEW, SILENCE = "too_few_firms", "talks_expired"


async def begin(market: Market, strip_id: str) -> None:
    """Begin the rounds of a window that is over. Beginning again changes nothing.

    With fewer than three owner groups nothing begins: a mill would learn what one of them wants.
    """

    async def step(unit: Unit) -> Answer:
        strip = await store.load(unit, strip_id)
        if strip.state != "gathering" or unit.now < strip.closes_at:
            return {}
        orders = await store.standing_orders(unit, strip_id)
        firms = sorted({row["organisation_id"] for row in orders})
        groups = set((await owner_groups(firms, unit)).values())
        if len(groups) < ENOUGH_GROUPS:
            await lapse(unit, strip, orders, (), TOO_FEW if groups else "no_orders")
            return {"state": "lapsed"}
        if strip.rounds == talks.COUNTER:
            await _begin_counter(unit, strip)
        else:
            await _record(unit, strip, "")
            await clocking.first_round(unit, strip)
        return {"state": talks.TALKING}

    await market.perform(Actor.SYSTEM, talks.ROUND_TIMER, step, stream=store.stream_of(strip_id))


async def on_round(market: Market, strip_id: str) -> None:
    """Ring when a round, or the time to answer, is over."""
    found = await store.load(Pool(), strip_id)
    if found.state not in (talks.TALKING, talks.ASKING):
        return

    async def step(unit: Unit) -> Answer:
        strip = await store.load(unit, strip_id)
        if strip.talks_until is None or unit.now < strip.talks_until:
            return {}
        if strip.state == talks.ASKING:
            await asking.end(unit, strip)
        elif strip.state == talks.TALKING and strip.rounds == talks.CLOCK:
            await clocking.advance(unit, strip)
        elif strip.state == talks.TALKING:
            await _give_up(unit, strip)
        return {"strip_id": strip_id}

    await market.perform(Actor.SYSTEM, talks.ROUND_TIMER, step, stream=store.stream_of(strip_id))


async def _begin_counter(unit: Unit, strip: Strip) -> None:
    rules = talks.counter_terms(strip)
    until = unit.now + timedelta(minutes=rules.answer_minutes)
    await talks.wait_until(unit, strip.id, talks.TALKING, until)
    await _record(unit, strip, rules.seller_id)


async def _record(unit: Unit, strip: Strip, seller_id: str) -> None:
    await unit.record(store.stream_of(strip.id), TalksBegan(strip.id, strip.rounds, seller_id))


async def _give_up(unit: Unit, strip: Strip) -> None:
    """End talks in which one side was silent for too long."""
    rounds = await talks.load(unit, strip.id)
    if rounds and rounds[-1].state == talks.OPEN:
        await talks.end_round(unit, strip.id, rounds[-1], talks.EXPIRED)
    orders = await store.standing_orders(unit, strip.id)
    offers = await store.standing_offers(unit, strip.id)
    await lapse(unit, strip, orders, offers, SILENCE)
