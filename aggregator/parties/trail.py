"""The trail of a firm: every act that its people asked for or tried, and every fact about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aggregator.journal.facts import stamp
from aggregator.journal.reading import Pool
from aggregator.parties.registering import stream_of
from aggregator.spreadsheets.separated import write_separated

MAX_LINES = 10_000
_TRAIL = """
select * from (
  select c.at, c.person_id, 'act' as kind, c.act as name, c.outcome,
    coalesce(c.answer ->> 'code', '') as detail
  from command c where c.organisation_id = $1
  union all
  select j.at, j.actor, 'fact', j.kind, 'recorded', j.body::text
  from journal j where j.stream = $2
  union all
  select a.at, a.person_id, 'act', a.act, 'refused', a.code
  from refused_attempt a where a.organisation_id = $1
) t order by at desc, kind, name, detail limit $3
"""


async def trail(organisation_id: str, *, limit: int) -> Sequence[Mapping[str, Any]]:
    """Return the newest lines; `person` is empty for the machine and for who is not known."""
    found = await Pool().rows(_TRAIL, organisation_id, stream_of(organisation_id), limit)
    names = await _names(sorted({row["person_id"] for row in found}))
    return [{**row, "person": names.get(row["person_id"], "")} for row in found]


async def trail_csv(organisation_id: str) -> bytes:
    """Return the trail as CSV; what a spreadsheet would run is quoted as text."""
    columns = ("person_id", "person", "kind", "name", "outcome", "detail")
    lines = await trail(organisation_id, limit=MAX_LINES)
    rows = [[stamp(line["at"]), *(str(line[name]) for name in columns)] for line in lines]
    return write_separated([("at", *columns), *rows])


async def _names(person_ids: Sequence[str]) -> Mapping[str, str]:
    rows = await Pool().rows(
        "select id, name from person where id = any($1::text[])", list(person_ids)
    )
    return {row["id"]: row["name"] for row in rows}
