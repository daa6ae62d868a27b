"""What a file would do, before it does anything.

A preview makes nothing and keeps nothing. Its digest is over the firm, the kind, the
bytes, what they mean and when the preview ends, so that what is imported is what was shown.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from aggregator.errors import InvalidField, MarketError
from aggregator.importing.columns import Fault, layout_of, values_of
from aggregator.importing.kinds import Item, Kind, RowRefused
from aggregator.importing.known import Known, known_to
from aggregator.importing.offers import Offers
from aggregator.importing.requests import Requests
from aggregator.journal.facts import canonical, stamp
from aggregator.journal.reading import Pool
from aggregator.market import Actor, Answer, Market, Unit
from aggregator.refusals import Refusal
from aggregator.spreadsheets.reading import read_table
from aggregator.spreadsheets.tables import FILE, Table

KINDS: Mapping[str, Kind] = {kind.name: kind for kind in (Requests(), Offers())}
LASTS = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Reading:
    """A file's meaning at an instant: what it would make, and every fault."""

    sheet: str
    rows: int
    items: Sequence[Item]
    faults: Sequence[Fault]


@dataclass(frozen=True, slots=True)
class Preview:
    """A reading that may be imported until `ends_at` under its `digest`, if it has no fault.

    `earlier` is the import of the same bytes that still stands, if there is one.
    """

    reading: Reading
    digest: str
    ends_at: datetime
    earlier: str | None


class _OnlyTried(MarketError):
    """Ends a trial, and with it its transaction."""


async def preview(market: Market, actor: Actor, kind: Kind, content: bytes) -> Preview:
    """Read a file and try what it would do.

    Raises:
        NotAllowed: the actor may not do by hand what the file does.
        InvalidField: the file as a whole cannot be read.

    """
    actor.require(kind.act)
    now = market.clock.now()
    found = await read(actor, kind, content, now)
    if kind.is_binding and not found.faults:
        fault = await _tried(market, actor, kind, found.items)
        if fault is not None:
            found = Reading(found.sheet, found.rows, found.items, [fault])
    ends_at = now.replace(microsecond=0) + LASTS
    return Preview(
        found,
        await digest_of(actor, kind, content, found.items, ends_at),
        ends_at,
        await standing_import(actor, kind, content),
    )


async def read(actor: Actor, kind: Kind, content: bytes, now: datetime) -> Reading:
    """Return what a file means, read beside the loop that serves everybody."""
    known = await known_to(actor, now)
    return await asyncio.to_thread(lambda: _read(kind, read_table(content), known, now))


def _read(kind: Kind, table: Table, known: Known, now: datetime) -> Reading:
    layout, faults = layout_of(table, kind.columns)
    if faults:
        return Reading(table.sheet, len(table.lines), [], faults)
    sound, found = [], list[Fault]()
    for values, wrong in values_of(table, layout, known):
        found += wrong
        if values.is_sound:
            sound.append(values)
    items, wrong_terms = kind.items(sound, layout, known, now)
    if len(items) > kind.max_items:
        raise InvalidField(FILE, f"at most {kind.max_items} items", len(items))
    faults = sorted([*found, *wrong_terms], key=lambda one: (one.row, len(one.column), one.column))
    return Reading(table.sheet, len(table.lines), items, faults)


async def digest_of(
    actor: Actor, kind: Kind, content: bytes, items: Sequence[Item], ends_at: datetime
) -> str:
    """Return the digest of a preview, as 64 hexadecimal digits, made beside the loop too."""
    shown = [
        actor.organisation_id,
        kind.name,
        sha256(content),
        [item.meaning for item in items],
        stamp(ends_at),
    ]
    return await asyncio.to_thread(lambda: hashlib.sha256(canonical(shown)).hexdigest())


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


async def standing_import(
    actor: Actor, kind: Kind, content: bytes, unit: Unit | None = None
) -> str | None:
    """Return the firm's import of the same bytes that still stands, if there is one."""
    found = await (unit or Pool()).rows(
        "select id from import where organisation_id = $1 and kind = $2 and sha256 = $3"
        " and state = 'standing'",
        actor.organisation_id,
        kind.name,
        sha256(content),
    )
    return found[0]["id"] if found else None


async def _tried(market: Market, actor: Actor, kind: Kind, items: Sequence[Item]) -> Fault | None:
    """Do it all in a transaction that is given up, and return what the market refuses."""

    async def step(unit: Unit) -> Answer:
        try:
            await kind.make(unit, items)
        except RowRefused as refused:
            found.append(refused)
        raise _OnlyTried

    found: list[RowRefused] = []
    with suppress(_OnlyTried):
        await market.perform(actor, kind.act, step)
    if not found:
        return None
    refusal: Refusal = found[-1].refusal
    return Fault(found[-1].row, "", "", refusal)
