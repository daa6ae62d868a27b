"""Rows to values: a strip, its standing orders and offers, its next place in line."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aggregator.errors import Conflict, NotFound, WrongState
from aggregator.journal.reading import Reader, decoded
from aggregator.market import Unit

CLOSE_TIMER = "forwards.close"


@dataclass(frozen=True, slots=True)
class Strip:
    id: str
    title: str
    instrument_id: str
    region: str
    tenors: tuple[str, ...]
    pricing: str
    awarded_pricing: str | None
    opens_at: datetime
    closes_at: datetime
    state: str
    signing_bps: int | None
    month_bps: int
    index_reference_minor: int | None
    index_default_minor: int | None
    rounds: str
    talks: Mapping[str, Any] | None
    talks_until: datetime | None

    def phase(self, now: datetime) -> str:
        """Return scheduled, gathering, closing, talking, asking, cleared or lapsed."""
        if self.state == "settling":
            return "closing"
        if self.state != "gathering":
            return self.state
        if now < self.opens_at:
            return "scheduled"
        return "gathering" if now < self.closes_at else "closing"

    def require_open(self, now: datetime) -> None:
        """Raise WrongState unless orders and offers are taken at `now`."""
        phase = self.phase(now)
        if phase != "gathering":
            raise WrongState(phase, "gathering")


def stream_of(strip_id: str) -> str:
    return f"strip:{strip_id}"


async def load(reader: Reader, strip_id: str) -> Strip:
    """Return a strip, or raise NotFound."""
    found = await reader.rows(
        "select id, title, instrument_id, region, tenors, pricing, awarded_pricing, opens_at,"
        " closes_at, state, signing_bps, month_bps, index_reference_minor, index_default_minor,"
        " rounds, talks, talks_until from strip where id = $1",
        strip_id,
    )
    if not found:
        raise NotFound("strip")
    row = found[0]
    talks = decoded(row["talks"]) if row["talks"] is not None else None
    return Strip(**{**dict(row), "tenors": tuple(row["tenors"]), "talks": talks})


async def next_seq(unit: Unit, table: str, strip_id: str) -> int:
    """Return the next place in line; the strip's stream is locked by the caller."""
    row = await unit.row(
        f"select coalesce(max(seq), 0) + 1 as seq from {table} where strip_id = $1", strip_id
    )
    assert row is not None
    return int(row["seq"])


async def standing_orders(reader: Reader, strip_id: str) -> Sequence[Mapping[str, Any]]:
    found = await reader.rows(
        "select o.id, o.organisation_id, o.form, o.terms, o.total_lots, o.limit_minor, o.seq,"
        " o.hold_id, o.deposit_off_bps, coalesce(h.amount_minor, 0) as held_minor"
        " from strip_order o left join hold h on h.id = o.hold_id"
        " where o.strip_id = $1 and o.state = 'standing' order by o.seq",
        strip_id,
    )
    return [{**row, "terms": decoded(row["terms"])} for row in found]


async def standing_offers(reader: Reader, strip_id: str) -> Sequence[Mapping[str, Any]]:
    found = await reader.rows(
        "select o.id, o.organisation_id, o.steps, o.capacity, o.min_total, o.breaks, o.storage,"
        " o.seq, o.hold_id, coalesce(h.amount_minor, 0) as held_minor"
        " from strip_offer o left join hold h on h.id = o.hold_id"
        " where o.strip_id = $1 and o.state = 'standing' order by o.seq",
        strip_id,
    )
    return [
        {**row, **{name: decoded(row[name]) for name in ("steps", "breaks", "storage")}}
        for row in found
    ]


async def save_result(
    unit: Unit, strip_id: str, instance: Mapping[str, Any], result: Mapping[str, Any]
) -> None:
    await unit.execute(
        "insert into strip_result (strip_id, instance, result, at)"
        " values ($1, $2::jsonb, $3::jsonb, $4)",
        strip_id,
        json.dumps(instance),
        json.dumps(result),
        unit.now,
    )


async def require_one_side(unit: Unit, strip_id: str, owner_group: str, other: str) -> None:
    """Refuse an owner group that already stands on the other side of the strip."""
    row = await unit.row(
        f"select 1 as found from {other} t join organisation o on o.id = t.organisation_id"
        " where t.strip_id = $1 and t.state = 'standing' and o.owner_group = $2 limit 1",
        strip_id,
        owner_group,
    )
    if row is not None:
        raise Conflict("both_sides")


async def operators(reader: Reader) -> tuple[str, ...]:
    """Return the organisations that run the market."""
    found = await reader.rows("select id from organisation where kind = 'operator' order by id")
    return tuple(row["id"] for row in found)
