"""Agreed terms and the buyers: within his limit nobody is asked, beyond it each is.

Terms agreed with a mill are cleared once as if every limit reached them. An order that they
would serve above its limit waits for its buyer: his yes raises the limit, with mandate and
deposit as for a new order; his no, or his silence, leaves it as it was. Then the bundle is
cleared with the limits that stand, so nobody ever pays above what he agreed to.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from aggregator.catalogue.queries import instrument
from aggregator.errors import NotFound, WrongState
from aggregator.forwards import ordering, store, talks
from aggregator.forwards.certifying import certify
from aggregator.forwards.errors import TermsChanged
from aggregator.forwards.facts import TermsAnswered, TermsAsked
from aggregator.forwards.instance import gathered
from aggregator.forwards.store import Strip
from aggregator.market import Actor, Answer, Command, Market, Outcome, Unit

APPROVED, DECLINED, SILENT = "approved", "declined", "silent"


async def beyond(market: Market, strip: Strip, offer: Mapping[str, Any]) -> dict[str, int]:
    """Return the limit that each order needs which these terms would serve above its own."""
    async with market.reading() as unit:
        orders = await store.standing_orders(unit, strip.id)
        traded = await instrument(strip.instrument_id, unit)
        seller_id = talks.counter_terms(strip).seller_id
        dearest = max(price for steps in offer["steps"].values() for _, price in steps)
        lifted = [{**row, "limit_minor": max(row["limit_minor"], dearest)} for row in orders]
        row = {**offer, "id": "agreed", "organisation_id": seller_id, "seq": 1}
        instance = await gathered(unit, strip, lifted, [row])
    found = await certify(instance)
    if found.broken is not None:
        return {}
    needed = {}
    for order in orders:
        served = found.result["awards"].get(order["id"], {})
        limit = _needed(order["form"], served, found.result["prices_minor"], traded.tick_minor)
        if limit > order["limit_minor"]:
            needed[str(order["id"])] = limit
    return needed


async def ask(unit: Unit, strip: Strip, needed: Mapping[str, int], terms_sha256: str) -> None:
    """Ask the buyers of these orders; without any the bundle is cleared at once."""
    if not needed:
        return await talks.settle(unit, strip.id)
    until = unit.now + timedelta(minutes=talks.counter_terms(strip).answer_minutes)
    for row in await store.standing_orders(unit, strip.id):
        if row["id"] not in needed:
            continue
        limit_minor = needed[row["id"]]
        await unit.execute(
            "insert into strip_ask (order_id, strip_id, limit_minor, terms_sha256, state,"
            " asked_at) values ($1, $2, $3, $4, 'open', $5)",
            row["id"],
            strip.id,
            limit_minor,
            terms_sha256,
            unit.now,
        )
        fact = TermsAsked(
            strip.id, row["id"], row["organisation_id"], limit_minor, terms_sha256, until
        )
        await unit.record(store.stream_of(strip.id), fact)
    return await talks.wait_until(unit, strip.id, talks.ASKING, until)


async def approve(
    market: Market,
    actor: Actor,
    command: Command | None,
    strip_id: str,
    order_id: str,
    *,
    terms_sha256: str,
) -> Outcome:
    """Take agreed terms beyond one's limit: the order's limit rises to what they need.

    Raises:
        NotFound: the actor is not asked about such an order.
        WrongState: the time to answer is over.
        TermsChanged: the hash names other terms.
        BeyondMandate, InsufficientFunds: as for a new order.

    """

    async def step(unit: Unit) -> Answer:
        strip, asked = await _asked(unit, actor, strip_id, order_id)
        if asked["terms_sha256"] != terms_sha256:
            raise TermsChanged(asked["terms_sha256"])
        await ordering.raise_limit(unit, strip, order_id, asked["limit_minor"])
        await _answer(unit, strip, actor, order_id, APPROVED)
        return {"order_id": order_id, "state": APPROVED, "limit_minor": asked["limit_minor"]}

    return await market.perform(
        actor, "forwards.order", step, command=command, stream=store.stream_of(strip_id)
    )


async def decline(
    market: Market, actor: Actor, command: Command, strip_id: str, order_id: str
) -> Outcome:
    """Keep one's limit: the order stands as it was placed."""

    async def step(unit: Unit) -> Answer:
        strip, _ = await _asked(unit, actor, strip_id, order_id)
        await _answer(unit, strip, actor, order_id, DECLINED)
        return {"order_id": order_id, "state": DECLINED}

    return await market.perform(
        actor, "forwards.order", step, command=command, stream=store.stream_of(strip_id)
    )


async def end(unit: Unit, strip: Strip) -> None:
    """End the time to answer: silence leaves an order as it was."""
    await unit.execute(
        "update strip_ask set state = $2, answered_at = $3 where strip_id = $1 and state = 'open'",
        strip.id,
        SILENT,
        unit.now,
    )
    await talks.settle(unit, strip.id)


def _needed(form: str, served: Mapping[str, int], prices: Mapping[str, int], tick: int) -> int:
    """Return the limit, on tick, at which an order takes what it is served."""
    if not served:
        return 0
    if form != "block":
        return max(prices[tenor] for tenor in served)
    value = sum(prices[tenor] * lots for tenor, lots in served.items())
    return -(-value // (sum(served.values()) * tick)) * tick


async def _asked(
    unit: Unit, actor: Actor, strip_id: str, order_id: str
) -> tuple[Strip, Mapping[str, Any]]:
    strip = await store.load(unit, strip_id)
    row = await unit.row(
        "select a.limit_minor, a.terms_sha256, a.state from strip_ask a"
        " join strip_order o on o.id = a.order_id"
        " where a.order_id = $1 and a.strip_id = $2 and o.organisation_id = $3",
        order_id,
        strip_id,
        actor.organisation_id,
    )
    if row is None:
        raise NotFound("order")
    if row["state"] != talks.OPEN:
        raise WrongState(row["state"], talks.OPEN)
    is_late = strip.talks_until is not None and unit.now >= strip.talks_until
    if strip.state != talks.ASKING or is_late:
        raise WrongState("round_over", talks.ASKING)
    return strip, row


async def _answer(unit: Unit, strip: Strip, actor: Actor, order_id: str, state: str) -> None:
    await unit.execute(
        "update strip_ask set state = $2, answered_at = $3 where order_id = $1",
        order_id,
        state,
        unit.now,
    )
    fact = TermsAnswered(strip.id, order_id, actor.organisation_id, state)
    await unit.record(store.stream_of(strip.id), fact)
    left = await unit.rows(
        "select 1 from strip_ask where strip_id = $1 and state = 'open' limit 1", strip.id
    )
    if not left:
        await talks.settle(unit, strip.id)
