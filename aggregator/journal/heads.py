"""How far streams have grown, and which journal this is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aggregator.journal.facts import stamp
from aggregator.journal.reading import Pool


async def heads(streams: Sequence[str]) -> Mapping[str, int]:
    """Return the seq of the last entry of each stream that has one."""
    found = await Pool().rows(
        "select stream, seq from stream_head where stream = any($1::text[]) order by stream",
        list(streams),
    )
    return {row["stream"]: row["seq"] for row in found}


async def origin() -> str:
    """Return what tells this journal from any other: when its database was first laid out."""
    found = await Pool().rows("select applied_at from schema_version order by version limit 1")
    return stamp(found[0]["applied_at"])
