"""Mandates: a boss gives a clerk room, finance sets funds aside, either may end it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from aggregator.amounts import CURRENCY
from aggregator.errors import InvalidField, NotAllowed, NotFound, WrongState
from aggregator.ledger import accounts, holds
from aggregator.mandates.errors import OwnAct
from aggregator.mandates.facts import MandateEnded, MandateFunded, MandateGranted
from aggregator.mandates.policies import ACTS, MOST_BPS, stream_of
from aggregator.market import Actor, Answer, Command, Market, Outcome, Unit
from aggregator.parties.facts import PersonLeft
from aggregator.parties.permissions import FINANCE, OWNER
from aggregator.scheduler.timers import clear_timer, set_timer
from matching.money import MAX_TOTAL_MINOR

EXPIRE = "mandates.expire"
LONGEST = timedelta(days=366)
MAX_INSTRUMENTS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class MandateTerms:
    """What a person may commit his firm to until `ends_at`.

    `limit_minor` is the worst price per lot: the highest in buying, the lowest in selling.
    `index_bps` bounds it by the cell's last published price instead or too: so many 1/10,000 of
    that worse, or better where it is negative; without a published price there is no room.
    `max_lots` counts per delivery month. No instruments are all instruments. With
    `reserve_minor` the mandate opens when finance has set that much aside for deposits.
    """

    person_id: str
    acts: tuple[str, ...]
    per_act_minor: int
    total_minor: int
    ends_at: datetime
    instruments: tuple[str, ...] = ()
    limit_minor: int | None = None
    index_bps: int | None = None
    max_lots: int | None = None
    reserve_minor: int = 0


async def grant(market: Market, actor: Actor, command: Command, terms: MandateTerms) -> Outcome:
    """Give a colleague a mandate.

    Raises:
        NotFound: no such person in the firm.
        OwnAct: nobody gives a mandate to himself.
        InvalidField: an unknown act, a limit beyond the total, or an end in the past.

    """
    _check(terms)

    async def step(unit: Unit) -> Answer:
        firm = actor.organisation_id
        if not unit.now < terms.ends_at <= unit.now + LONGEST:
            raise InvalidField("/ends_at", "ahead, within a year", unit.stamp(terms.ends_at))
        if terms.person_id == actor.person_id:
            raise OwnAct("")
        if not await unit.row(
            "select 1 as one from membership where organisation_id = $1 and person_id = $2",
            firm,
            terms.person_id,
        ):
            raise NotFound("person")
        mandate_id = await _insert(unit, terms)
        await set_timer(unit, EXPIRE, mandate_id, terms.ends_at)
        fact = MandateGranted(firm, mandate_id, terms.person_id, terms.acts)
        await unit.record(stream_of(firm), fact)
        return {"mandate_id": mandate_id, "state": "unfunded" if terms.reserve_minor else "open"}

    return await market.perform(
        actor, "mandates.grant", step, command=command, stream=stream_of(actor.organisation_id)
    )


async def reserve(market: Market, actor: Actor, command: Command, mandate_id: str) -> Outcome:
    """Set the funds of a mandate aside, which opens it.

    Raises:
        NotFound: no such mandate of the firm.
        WrongState: it is open already, or has ended.
        InsufficientFunds: less than that is available.

    """

    async def step(unit: Unit) -> Answer:
        row = await _locked(unit, mandate_id)
        if row["state"] != "unfunded" or unit.now >= row["ends_at"]:
            raise WrongState(row["state"], "unfunded")
        firm = actor.organisation_id
        cash = await accounts.ensure(unit, firm, accounts.CASH, row["currency"])
        hold_id = await holds.place(unit, cash, row["reserve_minor"], f"mandate:{mandate_id}")
        await unit.execute(
            "update mandate set state = 'open', left_minor = reserve_minor, hold_id = $2"
            " where id = $1",
            mandate_id,
            hold_id,
        )
        await unit.record(stream_of(firm), MandateFunded(firm, mandate_id))
        return {"mandate_id": mandate_id, "state": "open"}

    return await market.perform(
        actor, "mandates.reserve", step, command=command, stream=stream_of(actor.organisation_id)
    )


async def revoke(market: Market, actor: Actor, command: Command, mandate_id: str) -> Outcome:
    """End a mandate now; what was committed under it stays bound, what is left is freed.

    Raises:
        NotFound: no such mandate of the firm.
        WrongState: it has ended.

    """

    async def step(unit: Unit) -> Answer:
        if not {OWNER, FINANCE} & actor.roles:
            raise NotAllowed("mandates.revoke")
        row = await _locked(unit, mandate_id)
        if row["state"] not in ("open", "unfunded"):
            raise WrongState(row["state"], "open, unfunded")
        await end_within(unit, row, "revoked")
        await clear_timer(unit, EXPIRE, mandate_id)
        return {"mandate_id": mandate_id, "state": "revoked"}

    return await market.perform(
        actor, "mandates.revoke", step, command=command, stream=stream_of(actor.organisation_id)
    )


async def on_person_left(unit: Unit, fact: PersonLeft) -> None:
    """End what a leaver held: his mandates, and whose place he took or who took his."""
    rows = await unit.rows(
        "select * from mandate where organisation_id = $1 and person_id = $2"
        " and state in ('open', 'unfunded') order by id for update",
        fact.organisation_id,
        fact.person_id,
    )
    for row in rows:
        await end_within(unit, row, "revoked")
        await clear_timer(unit, EXPIRE, row["id"])
    await unit.execute(
        "delete from mandate_substitute where organisation_id = $1"
        " and (person_id = $2 or substitute_id = $2)",
        fact.organisation_id,
        fact.person_id,
    )


async def expire(market: Market, mandate_id: str) -> None:
    """End a mandate whose time is over."""

    async def step(unit: Unit) -> Answer:
        row = await unit.row("select * from mandate where id = $1 for update", mandate_id)
        if row is not None and row["state"] in ("open", "unfunded") and unit.now >= row["ends_at"]:
            await end_within(unit, row, "expired")
        return {}

    await market.perform(Actor.SYSTEM, EXPIRE, step)


async def end_within(unit: Unit, row: Mapping[str, Any], state: str) -> None:
    """End a locked mandate in the caller's transaction."""
    if row["hold_id"] is not None:
        end = holds.expire if state == "expired" else holds.void
        await end(unit, row["hold_id"])
    await unit.execute(
        "update mandate set state = $2, left_minor = 0, hold_id = null where id = $1",
        row["id"],
        state,
    )
    firm = row["organisation_id"]
    await unit.record(stream_of(firm), MandateEnded(firm, row["id"], state))


async def _insert(unit: Unit, terms: MandateTerms) -> str:
    mandate_id = unit.new_id("mdt")
    await unit.execute(
        "insert into mandate (id, organisation_id, person_id, acts, instruments, limit_minor,"
        " max_lots, per_act_minor, total_minor, currency, reserve_minor, state, granted_by,"
        " granted_at, ends_at, index_bps) values ($1, $2, $3, $4::text[], $5::text[], $6, $7, $8,"
        " $9, $10, $11, $12, $13, $14, $15, $16)",
        mandate_id,
        unit.actor.organisation_id,
        terms.person_id,
        sorted(set(terms.acts)),
        sorted(set(terms.instruments)),
        terms.limit_minor,
        terms.max_lots,
        terms.per_act_minor,
        terms.total_minor,
        CURRENCY,
        terms.reserve_minor,
        "unfunded" if terms.reserve_minor else "open",
        unit.actor.person_id,
        unit.now,
        terms.ends_at,
        terms.index_bps,
    )
    return mandate_id


async def _locked(unit: Unit, mandate_id: str) -> Mapping[str, Any]:
    row = await unit.row(
        "select * from mandate where id = $1 and organisation_id = $2 for update",
        mandate_id,
        unit.actor.organisation_id,
    )
    if row is None:
        raise NotFound("mandate")
    return row


def _check(terms: MandateTerms) -> None:
    if not terms.acts or not set(terms.acts) <= set(ACTS):
        raise InvalidField("/acts", f"some of {', '.join(ACTS)}", ", ".join(terms.acts)[:60])
    if len(terms.instruments) > MAX_INSTRUMENTS:
        raise InvalidField("/instruments", f"at most {MAX_INSTRUMENTS}", len(terms.instruments))
    if not 1 <= terms.total_minor <= MAX_TOTAL_MINOR:
        raise InvalidField("/total", f"1 to {MAX_TOTAL_MINOR}", terms.total_minor)
    if not 1 <= terms.per_act_minor <= terms.total_minor:
        raise InvalidField("/per_act", "up to the total", terms.per_act_minor)
    if terms.index_bps is not None and abs(terms.index_bps) > MOST_BPS:
        raise InvalidField("/index_bps", f"-{MOST_BPS} to {MOST_BPS}", terms.index_bps)
    if not 0 <= terms.reserve_minor <= terms.total_minor:
        raise InvalidField("/reserve", "up to the total", terms.reserve_minor)
