"""The beacon: 32 bytes from outside, published after the close, that order drawn ties.

No market has to have one. Where one is installed, an auction names it before its opening and waits
ten minutes for it; if it does not come, or the market has another one by then, the committed seed
counts alone, and the result says so by its empty beacon.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from aggregator.auctions import store
from matching.auctions.rounds import stands_still
from matching.auctions.state import State

PATIENCE = timedelta(minutes=10)
PAUSE = timedelta(seconds=15)


class Beacon(Protocol):
    """Where a public random value comes from; `source` names it for readers of the record."""

    @property
    def source(self) -> str: ...

    async def value(self, after: datetime) -> bytes | None:
        """Return the first 32 bytes published at or after an instant, None if not yet there."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """The value in hexadecimal, or whether it is worth waiting for."""

    value: str | None = None
    is_awaited: bool = False


_INSTALLED: list[Beacon] = []


def install(beacon: Beacon | None) -> None:
    """Use a beacon in this process from now on, or none."""
    _INSTALLED[:] = [] if beacon is None else [beacon]


def source() -> str:
    """Return what auctions that open now draw with, empty for the seed alone."""
    return _INSTALLED[0].source if _INSTALLED else ""


async def drawn_for(auction_id: str, now: datetime) -> Drawn:
    """Return what orders the ties of an auction that may close now."""
    if not _INSTALLED:
        return Drawn()
    room = await store.read(None, auction_id)
    listing, state = room.opened
    if (
        listing.beacon != source()
        or state.rules.tie != "draw"
        or state.phase != "open"
        or now < (closing_at := _closing_at(state))
    ):
        return Drawn()
    found = await _INSTALLED[0].value(closing_at)
    if found is not None:
        assert len(found) == 32
        return Drawn(found.hex())
    return Drawn(is_awaited=now < closing_at + PATIENCE)


def _closing_at(state: State) -> datetime:
    """Return when an auction closes; one of announced prices with the round that is the last."""
    if state.clock is not None and stands_still(state):
        return state.clock.ends_at
    return state.closes_at
