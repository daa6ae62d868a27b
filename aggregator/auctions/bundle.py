"""The verification bundle of an auction that is over: what its rules let a reader check.

The records are the same for everybody; which of them are opened follows from the disclosure
rule and from whose eyes the bundle is for. A standing order's limit opens for its bidder only.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aggregator.auctions import checkpoints, queries, sealing, store, views
from aggregator.auctions.keys import key_of
from aggregator.auctions.records import Chain, Record, mark_of, mark_salt
from aggregator.errors import NotFound, WrongState
from aggregator.journal.facts import canonical
from aggregator.journal.reading import Entry, Reader, entries
from aggregator.laboratory import plain
from aggregator.laboratory.bundle import FORMAT
from aggregator.laboratory.bundle_sight import (
    AUDITOR,
    BIDDER,
    KINDS,
    OPERATOR,
    OWNER,
    PUBLIC,
    shown_kinds,
)
from aggregator.market import Actor
from aggregator.vault import KeyLost, vault
from matching.auctions.events import (
    BidPlaced,
    Cancelled,
    Closed,
    DemandPlaced,
    Opened,
    PackagePlaced,
    StandingSet,
)

__all__ = [
    "AUDITOR",
    "BIDDER",
    "OPERATOR",
    "OWNER",
    "PUBLIC",
    "Reading",
    "bundle",
    "bundle_for",
    "document",
    "publish_checkpoint",
    "record_of",
]

_ALL = 10**7


@dataclass(frozen=True, slots=True)
class Reading:
    """Whose eyes a bundle is for; a bidder's are those of `organisation_id`."""

    audience: str
    organisation_id: str | None = None


async def bundle_for(actor: Actor | None, auction_id: str) -> bytes:
    """Return the bundle for whoever asks.

    Raises:
        NotFound: no such auction, or not for these eyes.
        WrongState: the auction is not over.

    """
    if actor is not None and "auditor" in actor.roles:
        return await bundle(auction_id, Reading(AUDITOR))
    await queries.require_visible(actor, auction_id)
    audience = await views.audience_of(await store.read(None, auction_id), actor)
    if audience is None:
        raise NotFound("auction")
    organisation_id = audience.organisation_id
    if audience.kind == views.MEMBER:
        return await bundle(auction_id, Reading(BIDDER, organisation_id))
    return await bundle(auction_id, Reading(audience.kind, organisation_id))


async def bundle(auction_id: str, reading: Reading, reader: Reader | None = None) -> bytes:
    """Return the bundle of an auction that is over, as its bytes are published.

    Raises:
        NotFound: there is no such auction.
        WrongState: the auction is not over.

    """
    found = await entries(reader, store.stream_of(auction_id), limit=_ALL)
    if not found:
        raise NotFound("auction")
    end = next((one for one in found if isinstance(one.fact, Closed | Cancelled)), None)
    if end is None:
        raise WrongState("open", "closed, cancelled")
    return document(auction_id, found, reading)


async def publish_checkpoint(auction_id: str) -> None:
    """Sign where the record of an auction that has just ended stands, outside the database.

    Raises:
        KeyLost: another installation's keys opened the auction.

    """
    room = await store.read(None, auction_id)
    _, state = room.opened
    if room.chain is None:
        raise KeyLost
    at = plain.instant(state.at)
    await asyncio.to_thread(checkpoints.publish, auction_id, room.chain, at)


def document(auction_id: str, found: Sequence[Entry], reading: Reading) -> bytes:
    """Return the bundle of a whole history."""
    key = key_of(auction_id, (one.fact for one in found))
    found = sealing.history(auction_id, found)
    chain, records = record_of(auction_id, key, found)
    rules = next(one.fact.rules for one in found if isinstance(one.fact, Opened))
    is_cancelled = records[-1].kind == "cancelled"
    mark = None if reading.organisation_id is None else mark_of(key, reading.organisation_id)
    shown = shown_kinds(rules, reading.audience, is_cancelled=is_cancelled)
    assert {record.kind for record in records} <= KINDS
    opened = [
        record
        for record in records
        if record.kind in shown or (mark is not None and record.content.get("bidder") == mark)
    ]
    said: dict[str, Any] = {
        "format": FORMAT,
        "auction_id": auction_id,
        "audience": reading.audience,
        "records": [record.shown for record in records],
        "head": chain.head.hex(),
        "openings": [
            {"n": record.n, "salt": record.salt.hex(), "content": record.content}
            for record in opened
        ],
        "bidders": _bidders(key, found, opened, reading),
        "checkpoint": checkpoints.of(auction_id, chain, records[-1].at),
    }
    value = vault().sign(canonical(said))
    signature = {"algorithm": "Ed25519", "key": vault().public_key, "value": value}
    return canonical({**said, "signature": signature}) + b"\n"


def record_of(auction_id: str, key: bytes, found: Sequence[Entry]) -> tuple[Chain, list[Record]]:
    """Return the chain of a history and every record in it."""
    chain, records = Chain.of(key, auction_id), []
    for entry in found:
        chain, made = chain.after(entry.fact, entry.at)
        records += made
    return chain, records


def _bidders(
    key: bytes, found: Sequence[Entry], opened: Sequence[Record], reading: Reading
) -> list[dict[str, str]]:
    """Return the firms whose names stand behind opened records, for whom the rules show them."""
    marks = {record.content.get("bidder") for record in opened}
    firms = {
        entry.fact.bidder
        for entry in found
        if isinstance(entry.fact, BidPlaced | DemandPlaced | PackagePlaced | StandingSet)
    }
    if reading.audience == PUBLIC:
        return []
    if reading.audience == BIDDER:
        firms &= {reading.organisation_id}
    named = [(firm, mark_of(key, firm)) for firm in sorted(firms)]
    return [
        {"mark": mark, "salt": mark_salt(key, firm).hex(), "organisation_id": firm}
        for firm, mark in named
        if mark in marks
    ]
