"""Reading what a firm has imported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aggregator.importing.kinds import Kind
from aggregator.journal.reading import Pool
from aggregator.market import Actor

MAX_SHOWN = 50


async def imports(actor: Actor, kind: Kind) -> Sequence[Mapping[str, Any]]:
    """Return the firm's newest imports of a kind."""
    actor.require(kind.act)
    found = await Pool().rows(
        "select i.id as import_id, i.kind, i.rows, cardinality(i.made) as made, i.state,"
        " i.imported_at, i.person_id, p.name as person from import i"
        " join person p on p.id = i.person_id where i.organisation_id = $1"
        " and i.kind = $2 order by i.id desc limit $3",
        actor.organisation_id,
        kind.name,
        MAX_SHOWN,
    )
    return [dict(row) for row in found]
