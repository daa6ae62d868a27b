"""Call-offs as rows and values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from aggregator.errors import NotFound
from aggregator.journal.reading import Reader


@dataclass(frozen=True, slots=True)
class CallOff:
    id: str
    slot_id: str
    lots: int
    delivery_on: date
    by: str
    confirmed_by: str | None
    state: str
    confirm_by: datetime
    deal_id: str | None
    nominated_at: datetime


_SELECT = (
    'select id, slot_id, lots, delivery_on, "by", confirmed_by, state, confirm_by, deal_id,'
    " nominated_at from call_off"
)


async def load(reader: Reader, call_off_id: str) -> CallOff:
    """Return a call-off, or raise NotFound."""
    found = await reader.rows(f"{_SELECT} where id = $1", call_off_id)
    if not found:
        raise NotFound("call_off")
    return CallOff(**dict(found[0]))


async def of_slots(reader: Reader, slot_ids: Sequence[str]) -> Sequence[CallOff]:
    found = await reader.rows(
        f"{_SELECT} where slot_id = any($1::text[]) order by nominated_at, id", list(slot_ids)
    )
    return [CallOff(**dict(row)) for row in found]


async def nominated_lots(reader: Reader, slot_id: str) -> int:
    """Return the lots that wait for the seller's word."""
    found = await reader.rows(
        "select coalesce(sum(lots), 0)::bigint as lots from call_off"
        " where slot_id = $1 and state = 'nominated'",
        slot_id,
    )
    return int(found[0]["lots"])


def view(call_off: CallOff) -> Mapping[str, Any]:
    """Return a call-off as an answer shows it."""
    return {
        "call_off_id": call_off.id,
        "lots": call_off.lots,
        "delivery_on": call_off.delivery_on,
        "by": call_off.by,
        "confirmed_by": call_off.confirmed_by,
        "state": call_off.state,
        "confirm_by": call_off.confirm_by,
        "deal_id": call_off.deal_id,
        "nominated_at": call_off.nominated_at,
    }
