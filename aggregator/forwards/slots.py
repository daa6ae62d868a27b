"""Slots: what a buyer takes from a seller in one month, as rows and values.

A slot stems from a line of a contract's schedule. Its price, month, lots and buyer never
change in place: a change ends it and opens its successors, which name it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from aggregator.errors import NotFound, WrongState
from aggregator.forwards.contract_facts import SlotEnded
from aggregator.journal.reading import Reader
from aggregator.market import Actor, Unit
from aggregator.scheduler.timers import clear_timer

OPEN, CALLED, REPLACED, LAPSED, CANCELLED = "open", "called", "replaced", "lapsed", "cancelled"
NONE, LATER, ASKED, PAID = "none", "later", "called", "paid"
AHEAD_TIMER, STAGE_TIMER = "forwards.ahead", "forwards.stage"
NOMINATE_TIMER = "forwards.nominate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """A slot as it stands, with what it inherits of its contract and window.

    Prices are minor units per lot; `deposit_minor` is what its escrow holds, `deposit_off_bps` how
    much less its buyer's tier asked for at signing, which no other buyer of it inherits.
    """

    id: str
    contract_id: str
    line: int
    replaces: str | None
    buyer_id: str
    tenor: str
    lots: int
    base_lots: int
    called_lots: int
    price_minor: int
    freight_minor: int
    is_fixed: bool
    index_minor: int | None
    place_id: str | None
    deposit_minor: int
    deposit_off_bps: int
    performance_hold_id: str | None
    stage: str
    stage_minor: int
    ahead_at: datetime
    stage_due_at: datetime
    nominate_by: datetime
    state: str
    opened_at: datetime
    ended_at: datetime | None
    strip_id: str
    seller_id: str
    instrument_id: str
    region: str

    @property
    def open_lots(self) -> int:
        """Return the lots that are not called off yet."""
        return self.lots - self.called_lots

    @property
    def party_ids(self) -> tuple[str, ...]:
        return (self.buyer_id, self.seller_id)

    def require_open(self) -> None:
        """Raise WrongState once the slot has ended."""
        if self.state != OPEN:
            raise WrongState(self.state, OPEN)


OWN_COLUMNS = tuple(f.name for f in fields(Slot))[:-4]
_SELECT = (
    f"select {', '.join(f's.{name}' for name in OWN_COLUMNS)},"
    " c.strip_id, c.seller_id, t.instrument_id, t.region from contract_slot s"
    " join strip_contract c on c.id = s.contract_id join strip t on t.id = c.strip_id"
)


def stream_of(strip_id: str) -> str:
    """Return the stream of all contracts of a window: slots move between them."""
    return f"contracts:{strip_id}"


async def load(reader: Reader, slot_id: str) -> Slot:
    """Return a slot, or raise NotFound."""
    found = await reader.rows(f"{_SELECT} where s.id = $1", slot_id)
    if not found:
        raise NotFound("slot")
    return Slot(**dict(found[0]))


async def of_contract(reader: Reader, contract_id: str) -> Sequence[Slot]:
    found = await reader.rows(
        f"{_SELECT} where s.contract_id = $1"
        " order by s.line, s.opened_at, s.replaces is not null, s.id",
        contract_id,
    )
    return [Slot(**dict(row)) for row in found]


async def locked(unit: Unit, slot_id: str) -> Slot:
    """Return a slot for changing it; its stream stays locked until the transaction ends."""
    found = await load(unit, slot_id)
    await unit.lock(stream_of(found.strip_id))
    return await load(unit, slot_id)


async def stream_for(
    reader: Reader, actor: Actor, act: str, slot_id: str, *, what: str = "slot"
) -> str:
    """Return the stream of a slot that the actor is a party to; `what` was asked for.

    Raises:
        NotAllowed: the actor's roles do not hold `act`.
        NotFound: no such slot, or the actor is no party to it.

    """
    actor.require(act)
    found = await load(reader, slot_id)
    check_party(found, actor, what)
    return stream_of(found.strip_id)


def check_party(slot: Slot, actor: Actor, what: str = "slot") -> None:
    """Raise NotFound unless the actor is of one side, or the market itself."""
    if actor is not Actor.SYSTEM and actor.organisation_id not in slot.party_ids:
        raise NotFound(what)


async def write(unit: Unit, slot_id: str, **columns: Any) -> Slot:
    """Change columns of a locked slot and return it."""
    names = sorted(columns)
    settings = ", ".join(f"{name} = ${i}" for i, name in enumerate(names, start=2))
    await unit.execute(
        f"update contract_slot set {settings} where id = $1",
        slot_id,
        *(columns[name] for name in names),
    )
    return await load(unit, slot_id)


async def end(unit: Unit, slot: Slot, state: str, *, forfeited_minor: int = 0) -> None:
    """End an open slot in `state`; nothing rings for it any more."""
    slot.require_open()
    for kind in (AHEAD_TIMER, STAGE_TIMER, NOMINATE_TIMER):
        await clear_timer(unit, kind, slot.id)
    lots = slot.lots if state == CALLED else slot.open_lots
    await write(unit, slot.id, state=state, ended_at=unit.now)
    await unit.record(
        stream_of(slot.strip_id),
        SlotEnded(
            slot.id, slot.contract_id, slot.party_ids, slot.tenor, lots, state, forfeited_minor
        ),
    )
