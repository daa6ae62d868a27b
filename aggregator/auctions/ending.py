"""The desk where auctions end: all whose time is over, in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aggregator.auctions import beacon, store
from aggregator.auctions.beacon import Drawn
from aggregator.auctions.facts import SealsOpened
from aggregator.auctions.keys import sealing_key, seed_of
from aggregator.auctions.store import Room
from aggregator.journal.reading import Entry
from aggregator.market import Answer, Asked, Desk, Unit
from aggregator.scheduler.timers import clear_timers, set_timer, set_timers
from matching.auctions.commands import Close
from matching.auctions.engine import decide


@dataclass(frozen=True, slots=True)
class Ending:
    """An auction that may end, with what orders its ties."""

    auction_id: str
    drawn: Drawn


def ending(room: Room, beacon_hex: str | None, now: datetime) -> list[Any]:
    """Return the facts by which an auction ends at `now`."""
    _, state = room.opened
    is_drawn = state.rules.tie == "draw"
    asked = Close(seed_of(room.key).hex(), beacon_hex) if is_drawn else Close()
    facts: list[Any] = list(decide(state, asked, now))
    if state.rules.is_sealed:
        facts.insert(0, SealsOpened(sealing_key(room.key).hex()))
    return facts


class EndDesk(Desk):
    """See `market.Desk`."""

    def __init__(self, unit: Unit) -> None:
        super().__init__(unit)
        self._rooms: dict[str, Room] = {}
        self._last: dict[str, Entry] = {}
        self._untold: dict[str, None] = {}
        self._again: dict[str, datetime] = {}

    async def read(self, asked: Sequence[Asked]) -> None:
        """Read the rooms."""
        for one in asked:
            auction_id = one.content.auction_id
            self._rooms[auction_id] = await store.locked(self._unit, auction_id)

    def decide(self, asked: Asked) -> Answer:
        """End the auction, or say when to come again."""
        unit, wanted = self._unit, asked.content
        room = self._rooms[wanted.auction_id]
        _, state = room.opened
        if state.phase == "closed" and not room.is_told:
            self._untold[wanted.auction_id] = None
        if state.phase != "open":
            return {}
        if unit.now < state.closes_at:
            self._again[wanted.auction_id] = state.closes_at
            return {}
        if wanted.drawn.is_awaited:
            self._again[wanted.auction_id] = unit.now + beacon.PAUSE
            return {}
        for entry in unit.note(asked.stream, ending(room, wanted.drawn.value, unit.now)):
            room = store.advance(room, entry)
            self._last[wanted.auction_id] = entry
        self._rooms[wanted.auction_id] = room
        self._untold[wanted.auction_id] = None
        return {"is_closed": True}

    async def write(self) -> None:
        """Let rows and timers follow; what ended is to be told soon."""
        for auction_id, due_at in self._again.items():
            await set_timer(self._unit, store.CLOSE, auction_id, due_at)
        if not self._untold:
            return
        ids = sorted(self._untold)
        await self._unit.execute("update auction set state = 'closed' where id = any($1)", ids)
        await clear_timers(self._unit, (store.BEGIN, store.CLOSE, store.ROUND), ids)
        await set_timers(self._unit, store.CONCLUDE, ids, self._unit.now)

    def keep(self) -> None:
        """Keep the rooms for who looks."""
        for auction_id, entry in self._last.items():
            store.keep(entry, self._rooms[auction_id])
