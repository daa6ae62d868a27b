"""What an auditor reads of a published price: the batch as it was cleared, and what came of it.

`aggregator check` takes the two as files, with none of the code that published the price.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from aggregator.catalogue.queries import instrument
from aggregator.catalogue.tenors import Cell
from aggregator.errors import NotFound
from aggregator.journal.reading import Pool
from aggregator.laboratory.clearing import canonical_json, clear_document
from aggregator.prices.verifying import active_at, deals_of


async def evidence(cell: Cell, number: int) -> Mapping[str, Any]:
    """Return the instance of a cell's publication, cleared again; or raise NotFound."""
    found = await Pool().rows(
        "select id from price_publication where cell = $1 and number = $2", str(cell), number
    )
    if not found:
        raise NotFound("publication")
    (publication,) = found
    excluded = await Pool().rows(
        "select distinct deal_id from price_exclusion where publication_id = $1 order by deal_id",
        publication["id"],
    )
    terms = await instrument(cell.instrument_id)
    active = await active_at(str(cell), number)
    instance = {
        "kind": "index",
        "cell": str(cell),
        "rules": {"step_minor": terms.step_minor},
        "deals": [{**asdict(one), "state": "settled"} for one in await deals_of(publication["id"])],
        "excluded": [row["deal_id"] for row in excluded],
        **({} if active is None else {"active": asdict(active)}),
    }
    return {"instance": instance, "result": clear_document(canonical_json(instance).encode())}
