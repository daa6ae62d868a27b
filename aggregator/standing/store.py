"""Rows of standing: marks, tiers held, announced drops, versions of the rulebook."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from aggregator.fulfilment import reviewing
from aggregator.journal.reading import Reader, decoded
from aggregator.market import Unit
from matching.money import Rounding, scaled
from matching.standing.moving import Held
from matching.standing.rulebook import FIRST, Rulebook, rulebook_of
from matching.standing.scoring import YEAR, Mark

MOST_MARKS = 20_000
_MONTHS = 12


@dataclass(frozen=True, slots=True)
class Version:
    """A version of the rulebook; the first has been in force from the beginning."""

    version: int
    book: Rulebook
    in_force_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Inputs:
    """All that a firm's score is made of."""

    marks: tuple[Mark, ...]
    monthly_lots: int
    review_tenths: int | None
    reviewed_axes: int


async def in_force(reader: Reader, now: datetime) -> Version:
    """Return the version of the rulebook that counts at an instant."""
    return (await versions(reader, now))[-1]


async def versions(reader: Reader, until: datetime | None = None) -> list[Version]:
    """Return the versions in order of coming into force, up to an instant if one is given."""
    found = await reader.rows(
        "select version, document, in_force_at from standing_rulebook"
        " where $1::timestamptz is null or in_force_at <= $1 order by in_force_at, version",
        until,
    )
    later = [
        Version(row["version"], rulebook_of(decoded(row["document"])), row["in_force_at"])
        for row in found
    ]
    return [Version(1, FIRST), *later]


async def inputs(reader: Reader, organisation_id: str, now: datetime) -> Inputs:
    """Return what a firm's score is made of at an instant: the newest marks of a year."""
    found = await mark_rows(reader, organisation_id, now, limit=MOST_MARKS)
    marks = tuple(
        Mark(row["axis"], row["is_kept"], row["at"], row["amount_minor"]) for row in found
    )
    axes = await reviewing.means(organisation_id)
    tenths = sum(axis.mark_tenths for axis in axes)
    return Inputs(
        marks,
        await _monthly_lots(reader, organisation_id, found),
        scaled(tenths, 1, len(axes), Rounding.DOWN) if axes else None,
        len(axes),
    )


async def mark_rows(
    reader: Reader, organisation_id: str, now: datetime, *, limit: int
) -> Sequence[Mapping[str, Any]]:
    """Return the rows of the marks that still weigh something, the newest first."""
    return await reader.rows(
        "select axis, subject, is_kept, amount_minor, lots, at from standing_mark"
        " where organisation_id = $1 and at > $2 order by at desc, axis, subject, is_kept"
        " limit $3",
        organisation_id,
        now - YEAR,
        limit,
    )


async def _monthly_lots(
    reader: Reader, organisation_id: str, found: Sequence[Mapping[str, Any]]
) -> int:
    """Return the usual month: what was declared, or what was traded where that is more."""
    rows = await reader.rows("select monthly_lots from organisation where id = $1", organisation_id)
    traded = sum(row["lots"] for row in found if row["is_kept"])
    return max(rows[0]["monthly_lots"] if rows else 0, scaled(traded, 1, _MONTHS, Rounding.UP))


async def held(reader: Reader, organisation_id: str) -> Held:
    """Return the tier that a firm holds, and the drop that was announced to it."""
    found = await reader.rows(
        "select t.tier, d.tier as drop_to, d.drop_at from standing_tier t"
        " left join standing_drop d using (organisation_id) where t.organisation_id = $1",
        organisation_id,
    )
    return Held(**dict(found[0])) if found else Held()


async def note_month(unit: Unit, organisation_id: str, lots: int) -> None:
    """Keep a firm's usual month, which says of which class of size it is."""
    await unit.execute(
        "insert into standing_month (organisation_id, lots) values ($1, $2)"
        " on conflict (organisation_id) do update set lots = excluded.lots",
        organisation_id,
        lots,
    )


async def hold(unit: Unit, organisation_id: str, now_held: Held) -> None:
    """Keep what a firm holds from now on."""
    await unit.execute(
        "insert into standing_tier (organisation_id, tier, since) values ($1, $2, $3)"
        " on conflict (organisation_id) do update set tier = excluded.tier, since = case"
        " when standing_tier.tier = excluded.tier then standing_tier.since else excluded.since end",
        organisation_id,
        now_held.tier,
        unit.now,
    )
    await unit.execute("delete from standing_drop where organisation_id = $1", organisation_id)
    if now_held.drop_at is not None:
        await unit.execute(
            "insert into standing_drop (organisation_id, tier, drop_at) values ($1, $2, $3)",
            organisation_id,
            now_held.drop_to,
            now_held.drop_at,
        )


async def mark(
    unit: Unit,
    organisation_id: str,
    axis: str,
    subject: str,
    *,
    is_kept: bool,
    amount_minor: int = 0,
    lots: int = 0,
) -> None:
    """Note once that a promise was kept or broken. A broken one is never told as kept."""
    await unit.execute(
        "insert into standing_mark (organisation_id, axis, subject, is_kept, amount_minor, lots,"
        " at) select $1::text, $2::text, $3::text, $4::boolean, $5::bigint, $6::bigint,"
        " $7::timestamptz where not $4 or not exists (select from standing_mark"
        " where organisation_id = $1 and axis = $2 and subject = $3 and not is_kept)"
        " on conflict do nothing",
        organisation_id,
        axis,
        subject,
        is_kept,
        amount_minor,
        lots,
        unit.now,
    )


def next_review(now: datetime, now_held: Held) -> datetime:
    """Return when a score that falls by itself is looked at again."""
    again_at = now + timedelta(days=30)
    return again_at if now_held.drop_at is None else min(again_at, max(now_held.drop_at, now))
