"""A clock over a window's months: mills say how much they deliver at announced prices.

What a mill says is an offer that binds: its answers so far, as `matching.forwards.clocks` puts
them together, stand in place of its earlier ones, with the deposit and within the mandate that a
sealed offer needs. When the clock stops, the window is cleared with what stands.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from aggregator.errors import InvalidField, WrongState
from aggregator.forwards import offering, store, talks
from aggregator.forwards.facts import LotsOffered
from aggregator.forwards.instance import orders_of
from aggregator.forwards.offering import OfferTerms
from aggregator.forwards.store import Strip
from aggregator.forwards.talks import Round
from aggregator.journal.reading import Reader, decoded
from aggregator.market import Actor, Answer, Command, Market, Outcome, Unit
from matching.forwards import clocks
from matching.forwards.clocks import Answered

MAX_LOTS = 10**9


async def supply(
    market: Market,
    actor: Actor,
    command: Command | None,
    strip_id: str,
    lots: Mapping[str, int],
    *,
    only_round: int | None = None,
) -> Outcome:
    """Say how many lots one delivers by month at the prices of this round; the last word counts.

    With `only_round` it is said in that round or not at all.

    Raises:
        WrongState: no round is open, or another one than `only_round`.
        ActivityBroken: the total moves the wrong way.
        InvalidField: a month outside the window, or no lots at all.
        Conflict: the firm's owner group orders in this window.
        BeyondMandate, InsufficientFunds: as for a sealed offer.

    """

    async def step(unit: Unit) -> Answer:
        strip = await store.load(unit, strip_id)
        talks.require_talking(strip, talks.CLOCK, unit.now)
        said = _checked(strip, lots)
        rounds = await talks.load(unit, strip_id)
        number, rules = rounds[-1].number, talks.clock_terms(strip)
        if only_round not in (None, number):
            raise WrongState("round_over", talks.OPEN)
        answers = await _answers(unit, rounds, strip_id, actor.organisation_id)
        before = answers.get(number - 1, Answered({}, {})).lots if number > 1 else None
        clocks.check_activity(rules.direction, before, said)
        answers[number] = Answered(rounds[-1].terms["prices"], said)
        spoken = [answers[one] for one in sorted(answers)]
        capacity = clocks.capacity_of(spoken)
        if not capacity:
            raise InvalidField("/lots", "at least one lot", 0)
        await offering.stand(unit, strip, OfferTerms(clocks.steps_of(spoken), capacity))
        await _write(unit, strip_id, number, actor.organisation_id, said)
        fact = LotsOffered(strip_id, number, actor.organisation_id, tuple(sorted(said.items())))
        await unit.record(store.stream_of(strip_id), fact)
        return {"strip_id": strip_id, "round": number, "lots": said}

    return await market.perform(
        actor, "forwards.offer", step, command=command, stream=store.stream_of(strip_id)
    )


async def first_round(unit: Unit, strip: Strip) -> None:
    """Announce the prices that the clock begins with."""
    prices = dict(talks.clock_terms(strip).start_minor)
    await talks.open_round(unit, strip, talks.CLOCK, {"prices": prices})


async def advance(unit: Unit, strip: Strip) -> None:
    """End a round: move the prices that are to move, or stop the clock."""
    rules, rounds = talks.clock_terms(strip), await talks.load(unit, strip.id)
    last = rounds[-1]
    old: dict[str, int] = last.terms["prices"]
    offered = await _standing(unit, strip.id, last.number)
    orders = await orders_of(unit, strip, await store.standing_orders(unit, strip.id))
    new = clocks.moved(
        rules.direction,
        rules.step_minor,
        old,
        asked=clocks.wanted(orders, strip.tenors, old),
        offered={t: sum(said.get(t, 0) for said in offered.values()) for t in strip.tenors},
    )
    if new == old or last.number >= rules.max_rounds:
        await talks.end_round(unit, strip.id, last, talks.OVER)
        return await talks.settle(unit, strip.id)
    opened = await talks.open_round(unit, strip, talks.CLOCK, {"prices": new})
    for organisation_id, said in offered.items():
        left = clocks.kept(rules.direction, said, old, new)
        await _write(unit, strip.id, opened.number, organisation_id, left)
    return None


async def own_lots(reader: Reader, strip_id: str, organisation_id: str) -> dict[str, int]:
    """Return what stands of a firm in the last round."""
    found = await reader.rows(
        "select lots from strip_supply where strip_id = $1 and organisation_id = $2"
        " and number = (select max(number) from strip_round where strip_id = $1)",
        strip_id,
        organisation_id,
    )
    return dict(decoded(found[0]["lots"])) if found else {}


async def _answers(
    unit: Unit, rounds: Sequence[Round], strip_id: str, organisation_id: str
) -> dict[int, Answered]:
    """Return a firm's answers by round, those that were kept for it included."""
    found = await unit.rows(
        "select number, lots from strip_supply where strip_id = $1 and organisation_id = $2",
        strip_id,
        organisation_id,
    )
    prices = {one.number: one.terms["prices"] for one in rounds}
    return {
        row["number"]: Answered(prices[row["number"]], dict(decoded(row["lots"]))) for row in found
    }


async def _standing(unit: Unit, strip_id: str, number: int) -> dict[str, dict[str, int]]:
    found = await unit.rows(
        "select organisation_id, lots from strip_supply where strip_id = $1 and number = $2"
        " order by organisation_id",
        strip_id,
        number,
    )
    return {row["organisation_id"]: dict(decoded(row["lots"])) for row in found}


async def _write(
    unit: Unit, strip_id: str, number: int, organisation_id: str, lots: Mapping[str, int]
) -> None:
    await unit.execute(
        "insert into strip_supply (strip_id, number, organisation_id, lots, at)"
        " values ($1, $2, $3, $4::jsonb, $5) on conflict (strip_id, number, organisation_id)"
        " do update set lots = excluded.lots, at = excluded.at",
        strip_id,
        number,
        organisation_id,
        json.dumps(lots),
        unit.now,
    )


def _checked(strip: Strip, lots: Mapping[str, int]) -> dict[str, int]:
    for tenor, count in lots.items():
        if tenor not in strip.tenors:
            raise InvalidField("/lots", f"one of {', '.join(strip.tenors)}", tenor[:20])
        if not 0 <= count <= MAX_LOTS:
            raise InvalidField(f"/lots/{tenor}", f"0 to {MAX_LOTS}", count)
    return {tenor: count for tenor, count in sorted(lots.items()) if count}
