"""Closing a strip: clear once, check, then contracts with their slots, or lapse.

What the checker refuses awards nothing: the strip lapses and the operator is told.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from aggregator.forwards import store, talking, talks, wholes
from aggregator.forwards.certifying import Certified
from aggregator.forwards.contracts import Line, sign
from aggregator.forwards.facts import StripCleared, StripNotCertified
from aggregator.forwards.instance import Rows, gathered
from aggregator.forwards.lapsing import free_deposits, lapse
from aggregator.forwards.scheduling import kept, schedule_of
from aggregator.forwards.store import CLOSE_TIMER, Strip
from aggregator.journal.reading import Pool
from aggregator.market import Actor, Answer, Market, Unit
from aggregator.scheduler.timers import set_timer

NOT_CERTIFIED = "not_certified"


async def close(market: Market, strip_id: str) -> None:
    """Clear a strip whose window is over. Closing it again changes nothing.

    A bundle may take minutes, so it is cleared before the transaction that awards it. After
    the window nobody changes it; what came in at its last moment has it cleared again. Where
    rounds follow the gathering, they begin, and the clearing comes after them.
    """
    if (await store.load(Pool(), strip_id)).rounds != talks.SEALED:
        await talking.begin(market, strip_id)
    cleared = await _cleared(market, strip_id)

    async def step(unit: Unit) -> Answer:
        strip = await store.load(unit, strip_id)
        if not _is_due(strip, unit):
            return {}
        orders = await store.standing_orders(unit, strip_id)
        offers = await store.standing_offers(unit, strip_id)
        instance = await _instance(unit, strip, orders, offers)
        is_as_gathered = instance == (cleared.gathered if cleared else None)
        if not is_as_gathered or not await _is_payable(unit, strip, orders, offers, cleared):
            await set_timer(unit, CLOSE_TIMER, strip_id, unit.now)
            return {}
        return await _close(unit, strip, orders, offers, cleared)

    await market.perform(Actor.SYSTEM, CLOSE_TIMER, step, stream=store.stream_of(strip_id))


async def _is_payable(
    unit: Unit, strip: Strip, orders: Rows, offers: Rows, cleared: Certified | None
) -> bool:
    """Say whether what covered the lines is still there, not paid away meanwhile."""
    if cleared is None or cleared.broken is not None:
        return True
    return await wholes.is_covered(unit, strip, orders, offers, cleared.result)


async def _close(
    unit: Unit, strip: Strip, orders: Rows, offers: Rows, cleared: Certified | None
) -> Answer:
    """Award what was cleared, or lapse; every deposit is free again first."""
    lines: list[Line] = []
    if cleared is not None:
        await store.save_result(unit, strip.id, cleared.instance, cleared.result)
    if cleared is not None and cleared.broken is None:
        lines = schedule_of(orders, offers, cleared.result)
    if not lines:
        reason = "no_match" if orders and offers else "no_orders" if offers else "no_offers"
        if cleared is not None and cleared.broken is not None:
            reason = NOT_CERTIFIED
            operators = await store.operators(unit)
            fact = StripNotCertified(strip.id, strip.title, cleared.broken, operators)
            await unit.record(store.stream_of(strip.id), fact)
        await lapse(unit, strip, orders, offers, reason)
        return {"state": "lapsed"}
    assert cleared is not None, "only what was cleared has lines"
    await free_deposits(unit, orders, offers)
    await _settle_rows(unit, strip.id, lines)
    await _note_kept(unit, offers, cleared.result)
    await unit.execute(
        "update strip set state = 'cleared', awarded_pricing = $2 where id = $1",
        strip.id,
        cleared.instance["rules"]["pricing"],
    )
    await wholes.settle(unit, strip, wholes.lines_of(orders, offers, cleared.result))
    told = tuple(sorted({row["organisation_id"] for row in (*orders, *offers)}))
    await _award(unit, strip, lines, told)
    return {"state": "cleared"}


def _is_due(strip: Strip, unit: Unit) -> bool:
    if strip.state == talks.SETTLING:
        return True
    is_gathered = strip.state == "gathering" and unit.now >= strip.closes_at
    return is_gathered and strip.rounds == talks.SEALED


async def _cleared(market: Market, strip_id: str) -> Certified | None:
    """Clear the bundle of a strip that is due, with no transaction open."""
    async with market.reading() as unit:
        strip = await store.load(unit, strip_id)
        if not _is_due(strip, unit):
            return None
        orders = await store.standing_orders(unit, strip_id)
        offers = await store.standing_offers(unit, strip_id)
        instance = await _instance(unit, strip, orders, offers)
    if instance is None:
        return None
    return await wholes.certify_covered(market, strip, instance, orders, offers)


async def _instance(
    unit: Unit, strip: Strip, orders: Rows, offers: Rows
) -> Mapping[str, Any] | None:
    """Return the bundle to clear; None where one side is empty."""
    if not orders or not offers:
        return None
    return await gathered(unit, strip, orders, offers)


async def _settle_rows(unit: Unit, strip_id: str, lines: Sequence[Line]) -> None:
    served = sorted({line.order_id for line in lines if line.order_id})
    await unit.execute(
        "update strip_order set state = case when id = any($2::text[]) then 'awarded'"
        " else 'unfilled' end, hold_id = null where strip_id = $1 and state = 'standing'",
        strip_id,
        served,
    )
    sellers = sorted({line.seller_id for line in lines})
    await unit.execute(
        "update strip_offer set state = case when organisation_id = any($2::text[])"
        " then 'awarded' else 'unfilled' end where strip_id = $1 and state = 'standing'",
        strip_id,
        sellers,
    )


async def _note_kept(unit: Unit, offers: Rows, result: Mapping[str, Any]) -> None:
    for row in offers:
        if any(lots := kept(row, result)):
            await unit.execute(
                "update strip_offer set kept = $2::jsonb where id = $1", row["id"], json.dumps(lots)
            )


async def _award(unit: Unit, strip: Strip, lines: Sequence[Line], told: tuple[str, ...]) -> None:
    """Sign one contract with each supplier; every line of its schedule is a buyer's slot."""
    contracts = await sign(unit, strip, lines)
    await unit.record(
        store.stream_of(strip.id),
        StripCleared(
            strip.id,
            tuple(contract_id for contract_id, _ in contracts),
            tuple(seller_id for _, seller_id in contracts),
            tuple(sorted({line.buyer_id for line in lines})),
            told,
        ),
    )
