"""An auction as an instance of the laboratory: its rules and bids, and what the journal says.

An auditor clears the instance anew; the events and awards beside it are the journal's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from aggregator.auctions.store import stream_of
from aggregator.errors import NotFound
from aggregator.journal.reading import Entry, Reader, entries
from aggregator.laboratory import plain
from aggregator.laboratory.clearing import canonical_json, clear_document
from matching.auctions.events import (
    EVENT_TYPES,
    BidPlaced,
    Cancelled,
    Closed,
    Opened,
    Paused,
    Resumed,
)
from matching.auctions.rules import Rules

_EVENTS = tuple(EVENT_TYPES.values())
_NOT_IN_RULES = {"side", "format", "draw_commitment"}


async def evidence(auction_id: str, reader: Reader | None = None) -> dict[str, Any]:
    """Return the instance and the journal's result of an auction that has ended.

    Raises:
        NotFound: there is no such auction, or it has not ended.

    """
    found = [
        entry
        for entry in await entries(reader, stream_of(auction_id))
        if isinstance(entry.fact, _EVENTS)
    ]
    if not found or not isinstance(found[-1].fact, Closed | Cancelled):
        raise NotFound("evidence")
    opened = found[0].fact
    assert isinstance(opened, Opened)
    instance = {
        "kind": "auction",
        "side": opened.rules.side,
        "format": opened.rules.format,
        "rules": _rules(opened.rules),
        "commands": [command for entry in found[1:] for command in _commands(entry)],
    }
    result = clear_document(canonical_json(instance).encode())
    result["events"] = [result["events"][0], *_events(found[1:])]
    return {"instance": instance, "result": result}


def _rules(rules: Rules) -> dict[str, Any]:
    given = {}
    for item in fields(rules):
        value = getattr(rules, item.name)
        if item.name in _NOT_IN_RULES or value in (None, (), "auto"):
            continue
        given[item.name] = plain.value(value)
    return given


def _commands(entry: Entry) -> list[dict[str, Any]]:
    at = plain.value(entry.fact.at)
    match entry.fact:
        case BidPlaced() as bid:
            return [
                {
                    "at": at,
                    "by": bid.bidder,
                    "cmd": "bid",
                    "bid_id": bid.bid_id,
                    "price_minor": bid.price_minor,
                    "lots": bid.lots,
                    "all_or_none": bid.all_or_none,
                }
            ]
        case Paused(reason=reason):
            return [{"at": at, "cmd": "pause", "reason": reason}]
        case Resumed():
            return [{"at": at, "cmd": "resume"}]
        case Cancelled(reason=reason):
            return [{"at": at, "cmd": "cancel", "reason": reason}]
        case Closed():
            return [{"at": at, "cmd": "close"}]
        case _:
            return []


def _events(found: Sequence[Entry]) -> list[Any]:
    return [plain.event(seq, entry.fact) for seq, entry in enumerate(found, start=2)]
