"""The auction's room: everything its journal stream says, folded.

A stream's hash names its whole history, so a fold kept with the hash it ends in is right
wherever that hash is met again. Each process keeps the latest folds and catches up on what
others appended.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from aggregator.auctions import keys, sealing
from aggregator.auctions.facts import (
    ActSealed,
    AuctionAwarded,
    AuctionFailed,
    AuctionKeyed,
    AuctionListed,
    BidderEntered,
    BiddingBegan,
    Motion,
    StopApproved,
    StopProposed,
    WithdrawalProposed,
)
from aggregator.auctions.records import Chain
from aggregator.journal.reading import Entry, Reader, entries
from aggregator.market import Actor, Unit
from aggregator.scheduler.timers import clear_timer, set_timer
from aggregator.vault import KeyLost
from matching.auctions import engine
from matching.auctions.events import EVENT_TYPES, BidPlaced, Opened
from matching.auctions.state import State
from matching.values import value

BEGIN, CLOSE, ROUND = "auctions.begin", "auctions.close", "auctions.round"
CONCLUDE = "auctions.conclude"

_EVENTS = tuple(EVENT_TYPES.values())
_KEPT = 2048
_MOTIONS = 10
_PAGE = 10_000


@value
class Room:
    """An auction as its journal tells it; `state` is None before it opened.

    `is_told` once others have heard what came of it; `chain` is its record so far, where kept.
    """

    listing: AuctionListed | None = None
    state: State | None = None
    has_begun: bool = False
    bidders: Mapping[str, BidderEntered] = field(default_factory=dict)
    wrapped: str = ""
    is_told: bool = False
    motions: tuple[Motion, ...] = ()
    chain: Chain | None = field(default=None, compare=False)

    @property
    def key(self) -> bytes:
        """The auction's own key, from which salts, marks and seals follow."""
        assert self.listing is not None
        return keys.unwrapped(self.wrapped, self.listing.auction_id)

    @property
    def opened(self) -> tuple[AuctionListed, State]:
        """The listing and the state of an auction that has been opened."""
        assert self.listing is not None
        assert self.state is not None
        return self.listing, self.state

    @property
    def phase(self) -> str:
        """`scheduled` until the window was opened by a fact, then the engine's phase."""
        _, state = self.opened
        return "scheduled" if state.phase == "open" and not self.has_begun else state.phase


@dataclass(frozen=True, slots=True)
class _Fold:
    seq: int
    hash: bytes
    room: Room


_FOLDS: OrderedDict[str, _Fold] = OrderedDict()


def stream_of(auction_id: str) -> str:
    return f"auction:{auction_id}"


def auction_of(stream: str) -> str:
    return stream.removeprefix("auction:")


def is_known_open_to(actor: Actor, auction_id: str) -> bool:
    """Say whether a room kept here shows that the auction exists and that the actor may see it."""
    known = _FOLDS.get(stream_of(auction_id))
    listing = None if known is None else known.room.listing
    return listing is not None and (
        not listing.invited or actor.organisation_id in (*listing.invited, listing.owner_id)
    )


def evolve(room: Room, fact: Any) -> Room:
    """Return the room after a fact. What came of an auction changes nothing in it."""
    match fact:
        case BidPlaced():
            return _moved_on(room, fact, room.chain)
        case ActSealed():
            listing, _ = room.opened
            return evolve(room, sealing.opened(room.key, listing.auction_id, fact))
        case AuctionKeyed():
            return replace(room, wrapped=fact.wrapped)
        case StopProposed() | WithdrawalProposed():
            return replace(room, motions=(*room.motions, fact)[-_MOTIONS:])
        case StopApproved():
            left = tuple(one for one in room.motions if one.motion_id != fact.motion_id)
            return replace(room, motions=left)
        case AuctionAwarded() | AuctionFailed():
            return replace(room, is_told=True)
        case AuctionListed():
            return replace(room, listing=fact)
        case Opened():
            has_begun = fact.at >= fact.rules.opens_at
            return replace(room, state=engine.initial(fact), has_begun=has_begun)
        case BiddingBegan():
            return replace(room, has_begun=True)
        case BidderEntered():
            return replace(room, bidders={**room.bidders, fact.organisation_id: fact})
    if isinstance(fact, _EVENTS):
        _, state = room.opened
        return replace(room, state=engine.evolve(state, fact))
    return room


def advance(room: Room, entry: Entry, fact: Any = None) -> Room:
    """Return the room after an entry, its record too; `fact` is what its box holds, if known."""
    if fact is None:
        fact = unsealed(room, entry)
    if type(fact) is BidPlaced and room.chain is not None:
        return _moved_on(room, fact, room.chain.advanced(fact, entry.at))
    after = evolve(room, fact)
    chain = after.chain
    if chain is None:
        if not isinstance(fact, AuctionListed):
            return after
        try:
            chain = Chain.of(after.key, fact.auction_id)
        except KeyLost:
            # Without the installation's keys an auction can be shown, not carried on.
            return after
    return replace(after, chain=chain.advanced(fact, entry.at))


def unsealed(room: Room, entry: Entry) -> Any:
    """Return an entry's fact, out of its box if it was in one."""
    fact = entry.fact
    if isinstance(fact, ActSealed):
        return sealing.opened(room.key, auction_of(entry.stream), fact)
    return fact


def _moved_on(room: Room, bid: BidPlaced, chain: Chain | None) -> Room:
    _, state = room.opened
    return moved_to(room, engine.evolve(state, bid), chain)


def moved_to(room: Room, state: State, chain: Chain | None) -> Room:
    """Return the room after acts that changed its auction's state and record alone."""
    # Many times as fast as `replace`, and every bid passes here.
    return Room(
        room.listing,
        state,
        room.has_begun,
        room.bidders,
        room.wrapped,
        room.is_told,
        room.motions,
        chain,
    )


def kept(auction_id: str) -> Room | None:
    """Return a room as it was when this process last looked, if it did."""
    known = _FOLDS.get(stream_of(auction_id))
    return None if known is None else known.room


async def locked(unit: Unit, auction_id: str) -> Room:
    """Return the room as of the stream's head, which is locked until the unit ends."""
    stream = stream_of(auction_id)
    head = await unit.lock(stream)
    known = _FOLDS.get(stream)
    if known is not None and (known.seq, known.hash) == (head.seq, head.hash):
        return known.room
    return await read(unit, auction_id)


async def read(reader: Reader | None, auction_id: str) -> Room:
    """Return the room as far as the journal goes; an absent auction has no listing."""
    stream = stream_of(auction_id)
    known = _FOLDS.get(stream)
    fold = None if known is None else await _caught_up(reader, stream, known)
    if fold is None:
        fold = await _whole(reader, stream)
    _keep(stream, fold)
    return fold.room


async def record(
    unit: Unit, auction_id: str, room: Room, *facts: object
) -> tuple[Room, list[Entry]]:
    """Journal facts of an auction; its row and its closing timer follow."""
    after, made = await journal(unit, auction_id, room, *facts)
    await follow(unit, auction_id, room, after)
    return after, made


async def journal(
    unit: Unit, auction_id: str, room: Room, *facts: object
) -> tuple[Room, list[Entry]]:
    """Journal facts of an auction, whose row and timers the caller lets follow."""
    made = await unit.record(stream_of(auction_id), *facts)
    after = room
    for entry in made:
        after = advance(after, entry)
    if made:
        keep(made[-1], after)
    return after, made


def keep(last: Entry, room: Room) -> None:
    """Keep a room for the next who asks; it ends in the entry `last`."""
    _keep(last.stream, _Fold(last.seq, last.hash, room))


async def follow(unit: Unit, auction_id: str, before: Room, after: Room) -> None:
    """Let the auction's row and its timers say what its facts have made of it."""
    _, state = after.opened
    if not has_moved(before, after):
        return
    await unit.execute(
        "update auction set state = $2, closes_at = $3 where id = $1",
        auction_id,
        after.phase,
        state.closes_at,
    )
    if state.phase == "open":
        await set_timer(unit, CLOSE, auction_id, state.closes_at)
    else:
        await clear_timer(unit, CLOSE, auction_id)
    if state.phase == "closed" and not after.is_told:
        # A Dutch clock's last taker closed it; what comes of it is told at once.
        await set_timer(unit, CONCLUDE, auction_id, unit.now)
    elif state.phase == "closed":
        await clear_timer(unit, CONCLUDE, auction_id)
    if after.phase == "scheduled":
        await set_timer(unit, BEGIN, auction_id, state.rules.opens_at)
    else:
        await clear_timer(unit, BEGIN, auction_id)
    if state.phase == "open" and state.clock is not None:
        await set_timer(unit, ROUND, auction_id, state.clock.ends_at)
    elif state.clock is not None:
        await clear_timer(unit, ROUND, auction_id)


def has_moved(before: Room, after: Room) -> bool:
    """Say whether the auction's row and timers have something to follow."""
    return before.state is None or _stands(before) != _stands(after)


def _stands(room: Room) -> tuple[object, ...]:
    """Return what the row and the timers follow."""
    _, state = room.opened
    ends_at = None if state.clock is None else state.clock.ends_at
    return room.phase, state.closes_at, ends_at, room.is_told


async def _caught_up(reader: Reader | None, stream: str, known: _Fold) -> _Fold | None:
    """Return the kept fold and what came after it, or None where the history is another."""
    if known.seq == 0:
        return None
    found = await entries(reader, stream, after=known.seq - 1, limit=_PAGE)
    if not found or found[0].hash != known.hash:
        return None
    return await _rest(reader, stream, known, found[1:])


async def _whole(reader: Reader | None, stream: str) -> _Fold:
    found = await entries(reader, stream, limit=_PAGE)
    return await _rest(reader, stream, _Fold(0, bytes(32), Room()), found)


async def _rest(reader: Reader | None, stream: str, fold: _Fold, found: list[Entry]) -> _Fold:
    while found:
        room = fold.room
        for entry in found:
            room = advance(room, entry)
        fold = _Fold(found[-1].seq, found[-1].hash, room)
        found = await entries(reader, stream, after=fold.seq, limit=_PAGE)
    return fold


def _keep(stream: str, fold: _Fold) -> None:
    if fold.seq == 0:
        return
    _FOLDS[stream] = fold
    _FOLDS.move_to_end(stream)
    while len(_FOLDS) > _KEPT:
        _FOLDS.popitem(last=False)
