"""An auction as an instance of the laboratory: its rules and bids, and what the journal says.

An auditor clears the instance anew; the events and awards beside it are the journal's own.
"""

from __future__ import annotations

from typing import Any

from aggregator.auctions import sealing
from aggregator.auctions.records import told_by
from aggregator.auctions.store import stream_of
from aggregator.errors import NotFound
from aggregator.journal.reading import Entry, Reader, entries
from aggregator.laboratory import histories, plain
from aggregator.laboratory.clearing import canonical_json, clear_document
from matching.auctions.events import EVENT_TYPES, Cancelled, Closed, Opened, StandingSet

_EVENTS = tuple(EVENT_TYPES.values())


async def evidence(auction_id: str, reader: Reader | None = None) -> dict[str, Any]:
    """Return the instance and the journal's result of an auction that has ended.

    Raises:
        NotFound: there is no such auction, or it has not ended.

    """
    journal = await entries(reader, stream_of(auction_id))
    if not any(isinstance(entry.fact, Closed | Cancelled) for entry in journal):
        raise NotFound("evidence")
    opened = sealing.history(auction_id, journal)
    found = [entry for entry in opened if isinstance(entry.fact, _EVENTS)]
    instance = _instance(found)
    result = clear_document(canonical_json(instance).encode())
    said = [entry.fact for entry in found if not isinstance(entry.fact, StandingSet)]
    events = [plain.event(seq, fact) for seq, fact in enumerate(said, start=1)]
    result["events"] = [result["events"][0], *events[1:]]
    return {"instance": instance, "result": result}


def _instance(found: list[Entry]) -> dict[str, Any]:
    told: list[histories.Told] = []
    for entry in found:
        for kind, at, content in told_by(entry.fact, entry.at, None):
            told.append(histories.Told(len(told) + 1, plain.instant(at), kind, content))
    opened = found[0].fact
    assert isinstance(opened, Opened)
    return histories.instance_of(told, opened.rules.reserve_minor)
