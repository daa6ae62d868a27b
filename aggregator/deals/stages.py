"""The states of a deal: the only writer of them, and what each waits for.

Every arrow is one act, journalled on `deal:<id>`. A state that waits for somebody has a
deadline; a timer of the kind `deals.<state>` rings then, and its rule in the table of
reactions says what happens when nobody acted:

- formed: the call is not paid, the deal lapses and the deposit goes to the seller;
- formed, funded: a seller's deposit that is not complete by then is a default;
- funded, shipping: nothing is delivered, the seller defaults and the buyer is refunded;
- delivered: silence is acceptance, as delivered;
- disputed: the operator has not decided, so title never passed and the buyer is refunded;
- accepted: the seller is reminded to invoice; only his own money waits.

What such a timer ends is over at its instant, however late it rings: acts ask `require_running`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from aggregator.deals.store import Deal, load, stream_of
from aggregator.errors import WrongState
from aggregator.market import Unit
from aggregator.scheduler.terms import check_running
from aggregator.scheduler.timers import clear_timer, set_timer

FORMED, FUNDED, SHIPPING, DELIVERED = "formed", "funded", "shipping", "delivered"
ACCEPTED, INVOICED, SETTLED, RETURNED = "accepted", "invoiced", "settled", "returned"
LAPSED, DISPUTED, DEFAULTED, CANCELLED = "lapsed", "disputed", "defaulted", "cancelled"

TRANSITIONS: Mapping[str, frozenset[str]] = {
    FORMED: frozenset({FUNDED, LAPSED, DEFAULTED, CANCELLED}),
    FUNDED: frozenset({SHIPPING, DEFAULTED, CANCELLED}),
    SHIPPING: frozenset({DELIVERED, DEFAULTED}),
    DELIVERED: frozenset({ACCEPTED, DISPUTED}),
    DISPUTED: frozenset({ACCEPTED, CANCELLED}),
    ACCEPTED: frozenset({INVOICED}),
    INVOICED: frozenset({SETTLED}),
    SETTLED: frozenset({RETURNED}),
}

DELIVERY_TIME = timedelta(days=14)
ACCEPTANCE_TIME = timedelta(days=3)
INVOICE_TIME = timedelta(days=5)
DISPUTE_TIME = timedelta(days=14)

ENDING = frozenset({FORMED, FUNDED, SHIPPING, DELIVERED, DISPUTED})
"""The states that a timer ends; in others it reminds."""

PROPOSAL, PERFORMANCE = "deals.proposal", "deals.performance"

_WRITABLE = frozenset(
    {
        "note",
        "dispute_reason",
        "cancel_until",
        "cancel_wanted_by",
        "claimed_lots",
        "forfeited_minor",
        "missing_minor",
        "performance_due_at",
        "performance_hold_id",
        "performance_minor",
        "shipped_lots",
        "delivered_lots",
        "accepted_lots",
        "returned_lots",
        "return_until",
    }
)


def require_state(deal: Deal, *allowed: str) -> None:
    """Raise WrongState unless the deal is in one of the `allowed` states."""
    if deal.state not in allowed:
        raise WrongState(deal.state, ", ".join(allowed))


def require_running(unit: Unit, deal: Deal, *allowed: str) -> None:
    """Raise unless the deal is in one of the `allowed` states, and its time is not over.

    Raises:
        WrongState: it is in another state.
        TermOver: the state has ended, or the time for the seller's deposit.

    """
    require_state(deal, *allowed)
    if deal.state in ENDING:
        check_running(unit, deal.due_at)
    if deal.state in (FORMED, FUNDED):
        check_running(unit, deal.performance_due_at)


async def advance(
    unit: Unit, deal: Deal, to: str, *facts: object, **columns: str | int | datetime | None
) -> Deal:
    """Move a locked deal to the state `to`, set the next deadline and journal `facts`.

    `columns` are written with it: quantities, the note, who wants to cancel.

    Raises:
        WrongState: there is no such arrow.

    """
    if to not in TRANSITIONS.get(deal.state, frozenset()):
        came_from = sorted(state for state, after in TRANSITIONS.items() if to in after)
        raise WrongState(deal.state, ", ".join(came_from))
    due_at = _deadline(unit, deal, to)
    await clear_timer(unit, _timer(deal.state), deal.id)
    if due_at is not None:
        await set_timer(unit, _timer(to), deal.id, due_at)
    settled_at = deal.settled_at
    if to == SETTLED:
        settled_at = unit.now
        columns = {**columns, "return_until": unit.now + timedelta(days=deal.return_days)}
    if to in (LAPSED, DEFAULTED, CANCELLED):
        await clear_timer(unit, PERFORMANCE, deal.id)
        columns = {**columns, "performance_due_at": None}
    if deal.cancel_wanted_by is not None:
        await clear_timer(unit, PROPOSAL, deal.id)
        columns = {**columns, "cancel_wanted_by": None, "cancel_until": None}
    await _write(
        unit, deal.id, {**columns, "state": to, "due_at": due_at, "settled_at": settled_at}
    )
    await unit.record(stream_of(deal.id), *facts)
    return await load(unit, deal.id)


async def annotate(
    unit: Unit, deal: Deal, *facts: object, **columns: str | int | datetime | None
) -> Deal:
    """Journal `facts` and write `columns` of a locked deal that keeps its state."""
    await _write(unit, deal.id, dict(columns))
    if facts:
        await unit.record(stream_of(deal.id), *facts)
    return await load(unit, deal.id)


async def postpone(unit: Unit, deal: Deal, until: datetime) -> Deal:
    """Let a locked deal wait for whom it waits until a later instant."""
    await set_timer(unit, _timer(deal.state), deal.id, until)
    await _write(unit, deal.id, {"due_at": until})
    return await load(unit, deal.id)


async def begin(unit: Unit, deal: Deal) -> None:
    """Set the first deadline of a fresh deal."""
    await set_timer(unit, _timer(FORMED), deal.id, deal.funding_due_at)


def _timer(state: str) -> str:
    return f"deals.{state}"


def _deadline(unit: Unit, deal: Deal, to: str) -> datetime | None:
    match to:
        case "funded":
            return deal.ship_due_at
        case "shipping":
            return max(deal.ship_due_at, unit.now) + DELIVERY_TIME
        case "delivered":
            return unit.now + ACCEPTANCE_TIME
        case "disputed":
            return unit.now + DISPUTE_TIME
        case "accepted":
            return unit.now + INVOICE_TIME
        case _:
            return None


async def _write(unit: Unit, deal_id: str, columns: dict[str, str | int | datetime | None]) -> None:
    assert columns.keys() <= _WRITABLE | {"state", "due_at", "settled_at"}, sorted(columns)
    names = sorted(columns)
    settings = ", ".join(f"{name} = ${i}" for i, name in enumerate(names, start=3))
    comma = ", " if names else ""
    await unit.execute(
        f"update deal set changed_at = $2{comma}{settings} where id = $1",
        deal_id,
        unit.now,
        *(columns[name] for name in names),
    )
