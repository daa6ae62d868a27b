"""Rows of requests to values and back; the SQL that the acts on them share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aggregator.demand.terms import RequestTerms
from aggregator.errors import NotFound, WrongState
from aggregator.journal.reading import Pool, Reader
from aggregator.market import Unit

DRAFT, TEMPLATE, SENT, BOUGHT, WITHDRAWN = "draft", "template", "sent", "bought", "withdrawn"
STATES = (DRAFT, TEMPLATE, SENT, BOUGHT, WITHDRAWN)
ACT = "demand.request"

TERMS = tuple(RequestTerms.__dataclass_fields__)
COLUMNS = (
    f"r.id, r.organisation_id, r.state, r.{', r.'.join(TERMS)}, r.copied_from, r.pool_id,"
    " r.pledge_id, r.drafted_at, r.changed_at, p.every_months, p.lead_days, p.next_tenor,"
    " p.until_tenor"
)
FROM = "from request r left join request_repeat p on p.request_id = r.id"


@dataclass(frozen=True, slots=True)
class Repeat:
    """How a template comes again: next for `next_tenor`, `lead_days` before that month."""

    every_months: int
    next_tenor: str
    lead_days: int = 30
    until_tenor: str | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it stands; `pool_id` and `pledge_id` say where it was sent last."""

    id: str
    organisation_id: str
    state: str
    terms: RequestTerms
    copied_from: str | None
    pool_id: str | None
    pledge_id: str | None
    drafted_at: datetime
    changed_at: datetime
    repeat: Repeat | None


def stream_of(request_id: str) -> str:
    return f"request:{request_id}"


def request_of(row: Mapping[str, Any]) -> Request:
    repeat = None
    if row["every_months"] is not None:
        repeat = Repeat(
            row["every_months"], row["next_tenor"], row["lead_days"], row["until_tenor"]
        )
    return Request(
        id=row["id"],
        organisation_id=row["organisation_id"],
        state=row["state"],
        terms=RequestTerms(**{name: row[name] for name in TERMS}),
        copied_from=row["copied_from"],
        pool_id=row["pool_id"],
        pledge_id=row["pledge_id"],
        drafted_at=row["drafted_at"],
        changed_at=row["changed_at"],
        repeat=repeat,
    )


async def load(reader: Reader, request_id: str) -> Request:
    """Return the request, or raise NotFound."""
    found = await reader.rows(f"select {COLUMNS} {FROM} where r.id = $1", request_id)
    if not found:
        raise NotFound("request")
    return request_of(found[0])


async def own(organisation_id: str, request_id: str, reader: Reader | None = None) -> Request:
    """Return a request of this firm, or raise NotFound."""
    found = await load(reader or Pool(), request_id)
    if found.organisation_id != organisation_id:
        raise NotFound("request")
    return found


async def locked(unit: Unit, request_id: str, *states: str) -> Request:
    """Return the actor's own request for changing it, which is in one of `states`.

    Raises:
        NotFound: no such request of the actor's firm.
        WrongState: it is in another state.

    """
    await own(unit.actor.organisation_id, request_id, unit)
    await unit.lock(stream_of(request_id))
    found = await load(unit, request_id)
    if found.state not in states:
        raise WrongState(found.state, ", ".join(states))
    return found


async def insert(
    unit: Unit, organisation_id: str, terms: RequestTerms, state: str, copied_from: str | None
) -> str:
    """Write a new request and return its id."""
    return (await insert_all(unit, organisation_id, [terms], state, copied_from))[0]


async def insert_all(
    unit: Unit,
    organisation_id: str,
    wanted: Sequence[RequestTerms],
    state: str,
    copied_from: str | None = None,
) -> list[str]:
    """Write new requests at once and return their ids."""
    rows = [
        {
            "id": unit.new_id("req"),
            "organisation_id": organisation_id,
            "state": state,
            **values_of(terms),
            "copied_from": copied_from,
            "drafted_at": unit.now,
            "changed_at": unit.now,
        }
        for terms in wanted
    ]
    await unit.insert("request", list(rows[0]), [list(row.values()) for row in rows])
    return [row["id"] for row in rows]


async def write_terms(unit: Unit, request_id: str, terms: RequestTerms) -> None:
    settings = ", ".join(f"{name} = ${i}" for i, name in enumerate(TERMS, start=3))
    await unit.execute(
        f"update request set changed_at = $2, {settings} where id = $1",
        request_id,
        unit.now,
        *values_of(terms).values(),
    )


async def set_state(unit: Unit, request_id: str, state: str) -> None:
    await unit.execute(
        "update request set state = $2, changed_at = $3 where id = $1", request_id, state, unit.now
    )


def values_of(terms: RequestTerms) -> dict[str, Any]:
    return {name: getattr(terms, name) for name in TERMS}
