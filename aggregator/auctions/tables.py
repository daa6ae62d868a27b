"""Tables: one auction each, while its bids are decided in one transaction."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from aggregator.auctions import store
from aggregator.auctions.facts import AuctionListed, BidderEntered
from aggregator.auctions.records import Chain
from aggregator.auctions.store import Room
from aggregator.auctions.terms import ROLE_OF_BIDDER
from aggregator.journal.reading import Entry
from aggregator.ledger.covering import Held
from aggregator.market import Actor
from matching.auctions.events import BidPlaced
from matching.auctions.plain_bids import PlainBids


class Quick:
    """The quick way at a table: plain bids, and the record of them, from a room on."""

    __slots__ = ("_bidders", "_chain", "_role", "_room", "bids", "last", "listing")

    def __init__(self, room: Room, listing: AuctionListed, chain: Chain, bids: PlainBids) -> None:
        self._room = room
        self._bidders = room.bidders
        self._role = ROLE_OF_BIDDER[bids.rules.side]
        self._chain = chain
        self.listing = listing
        self.bids = bids
        self.last: Entry | None = None

    @staticmethod
    def begun(room: Room) -> Quick | None:
        """Return the quick way from a room; None where it is not open."""
        listing, state, chain = room.listing, room.state, room.chain
        if listing is None or state is None or chain is None:
            return None
        bids = PlainBids.begun(state)
        return None if bids is None else Quick(room, listing, chain, bids)

    def knows(self, actor: Actor) -> bool:
        """Say whether the actor may bid, and his firm has bid before."""
        return actor.organisation_id in self._bidders and self._role in actor.roles

    def note(self, bid: BidPlaced, entry: Entry) -> bytes:
        """Put a bid on record and return the record's new end."""
        self._chain = self._chain.advanced(bid, entry.at)
        self.last = entry
        return self._chain.head

    def room(self) -> Room:
        """Return the room after the bids taken so far; more may follow."""
        if self.bids.last is not None:
            self._room = store.moved_to(self._room, self.bids.state(), self._chain)
        return self._room


class Table:
    """One auction: its room before, and as it is decided so far.

    `known` are the holds of firms that are bound by roles alone, None where there is no deposit;
    `holds` is what is held by now, `first_held` that of firms that came without a deposit. `quick`
    is None where the quick way is not open.
    """

    __slots__ = ("_last", "_room", "before", "entered", "first_held", "holds", "known", "quick")

    def __init__(self, room: Room, known: dict[str, Held | None]) -> None:
        self.before = self._room = room
        self.known = known
        self.holds: dict[str, Held] = {}
        self.entered: list[BidderEntered] = []
        self.first_held: dict[str, Held] = {}
        self._last: Entry | None = None
        self.quick = Quick.begun(room)

    @property
    def room(self) -> Room:
        """The room as it is decided so far."""
        return self._room if self.quick is None else self.quick.room()

    @property
    def last(self) -> Entry | None:
        """The last entry, None where nothing has happened."""
        return self._last if self.quick is None else self.quick.last or self._last

    def move(self, room: Room, last: Entry) -> None:
        """Go on from a room that was decided the obvious way."""
        self._room, self._last = room, last
        self.quick = Quick.begun(room)


@dataclass(frozen=True, slots=True)
class _Known:
    """A table as it was left: right while the stream's last hash is this one."""

    hash: bytes
    room: Room
    holds: dict[str, Held | None]


_KNOWN: OrderedDict[str, _Known] = OrderedDict()
_KEPT = 256


def remember(auction_id: str, table: Table) -> None:
    """Keep a table in which something has happened, as it is known to be durable."""
    if table.last is None:
        return
    _KNOWN[auction_id] = _Known(table.last.hash, table.room, table.known)
    _KNOWN.move_to_end(auction_id)
    while len(_KNOWN) > _KEPT:
        _KNOWN.popitem(last=False)


def recalled(auction_id: str, stream_hash: bytes) -> Table | None:
    """Return an auction's table as it was left here, if nothing has happened in it since."""
    known = _KNOWN.get(auction_id)
    if known is None or known.hash != stream_hash:
        return None
    return Table(known.room, known.holds)


def known_at(auction_id: str, stream_hash: bytes) -> dict[str, Held | None]:
    """Return the holds known of an auction, if nothing has happened in it since."""
    known = _KNOWN.get(auction_id)
    return known.holds if known is not None and known.hash == stream_hash else {}
