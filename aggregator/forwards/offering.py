"""A supplier's sealed offer to the whole bundle."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aggregator.catalogue.queries import InstrumentView, instrument
from aggregator.errors import InvalidField
from aggregator.forwards import store
from aggregator.forwards.facts import StripOfferPlaced
from aggregator.forwards.instance import MAX_PRICE_MINOR, check_readable
from aggregator.forwards.store import Strip
from aggregator.market import Actor, Answer, Command, Market, Outcome, Unit

MAX_STEPS = 50
MAX_BREAKS = 50


@dataclass(frozen=True, slots=True)
class OfferTerms:
    """A schedule over the months: `steps` tenor → (lots, price per lot), cheapest first.

    `breaks` are (total lots, rebate per lot): from so many lots in all months together, the
    rebate counts for every lot of the offer.
    """

    steps: Mapping[str, Sequence[tuple[int, int]]]
    capacity: int
    min_total: int = 1
    breaks: Sequence[tuple[int, int]] = ()


async def place_offer(
    market: Market, actor: Actor, command: Command, strip_id: str, terms: OfferTerms
) -> Outcome:
    """Place a sealed offer, in place of one's earlier one.

    Raises:
        InvalidField: a step, capacity or break breaks its rule.
        WrongState: the window is not open.
        Conflict: the firm's owner group already orders in this strip.

    """

    async def step(unit: Unit) -> Answer:
        strip = await store.load(unit, strip_id)
        strip.require_open(unit.now)
        await store.require_one_side(unit, strip_id, actor.owner_group, "strip_order")
        traded = await instrument(strip.instrument_id, unit)
        _check(strip, traded, terms)
        check_readable(strip, traded.tick_minor, offers=[_row(actor, terms)])
        await unit.execute(
            "update strip_offer set state = 'withdrawn' where strip_id = $1"
            " and organisation_id = $2 and state = 'standing'",
            strip_id,
            actor.organisation_id,
        )
        offer_id = unit.new_id("off")
        seq = await store.next_seq(unit, "strip_offer", strip_id)
        await unit.execute(
            "insert into strip_offer (id, strip_id, organisation_id, steps, capacity, min_total,"
            " breaks, seq, state, placed_at)"
            " values ($1, $2, $3, $4::jsonb, $5, $6, $7::jsonb, $8, 'standing', $9)",
            offer_id,
            strip_id,
            actor.organisation_id,
            json.dumps({tenor: list(steps) for tenor, steps in sorted(terms.steps.items())}),
            terms.capacity,
            terms.min_total,
            json.dumps(list(terms.breaks)),
            seq,
            unit.now,
        )
        await unit.record(
            store.stream_of(strip_id),
            StripOfferPlaced(strip_id, offer_id, actor.organisation_id, seq),
        )
        return {"offer_id": offer_id, "strip_id": strip_id, "at": unit.stamp(unit.now)}

    return await market.perform(
        actor, "forwards.offer", step, command=command, stream=store.stream_of(strip_id)
    )


def _row(actor: Actor, terms: OfferTerms) -> dict[str, object]:
    return {
        "id": "new",
        "organisation_id": actor.organisation_id,
        "steps": terms.steps,
        "capacity": terms.capacity,
        "min_total": terms.min_total,
        "breaks": terms.breaks,
        "seq": 1,
    }


def _check(strip: Strip, traded: InstrumentView, terms: OfferTerms) -> None:
    if not terms.steps:
        raise InvalidField("/steps", "at least one month", 0)
    for tenor, steps in terms.steps.items():
        if tenor not in strip.tenors:
            raise InvalidField("/steps", f"one of {', '.join(strip.tenors)}", tenor[:20])
        if not 1 <= len(steps) <= MAX_STEPS:
            raise InvalidField(f"/steps/{tenor}", f"1 to {MAX_STEPS} steps", len(steps))
        for i, (lots, price_minor) in enumerate(steps):
            traded.check_lots(lots, f"/steps/{tenor}/{i}/lots")
            traded.check_price(price_minor, f"/steps/{tenor}/{i}/price")
            if price_minor > MAX_PRICE_MINOR:
                rule = f"at most {MAX_PRICE_MINOR}"
                raise InvalidField(f"/steps/{tenor}/{i}/price", rule, price_minor)
            if i and price_minor < steps[i - 1][1]:
                raise InvalidField(
                    f"/steps/{tenor}/{i}/price", "not below the step before", price_minor
                )
    traded.check_lots(terms.capacity, "/capacity")
    offered = sum(lots for steps in terms.steps.values() for lots, _ in steps)
    most = min(terms.capacity, offered)
    if not 1 <= terms.min_total <= most:
        raise InvalidField("/min_total", f"1 to the {most} lots offered", terms.min_total)
    _check_breaks(traded, terms)


def _check_breaks(traded: InstrumentView, terms: OfferTerms) -> None:
    if len(terms.breaks) > MAX_BREAKS:
        raise InvalidField("/breaks", f"at most {MAX_BREAKS}", len(terms.breaks))
    cheapest = min(steps[0][1] for steps in terms.steps.values())
    for i, (lots, rebate_minor) in enumerate(terms.breaks):
        traded.check_lots(lots, f"/breaks/{i}/lots")
        traded.check_price(rebate_minor, f"/breaks/{i}/rebate")
        if rebate_minor >= cheapest:
            raise InvalidField(f"/breaks/{i}/rebate", "less than every price", rebate_minor)
        if i and (lots <= terms.breaks[i - 1][0] or rebate_minor <= terms.breaks[i - 1][1]):
            raise InvalidField(f"/breaks/{i}", "rising lots and rebates", lots)
