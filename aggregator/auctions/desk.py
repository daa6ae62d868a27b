"""The desk where bids are decided: every bid that waits, of all auctions, in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from aggregator.auctions import awarding, deposits, store
from aggregator.auctions.errors import GroupAlreadyBids, KindNotAdmitted, RelatedToOwner
from aggregator.auctions.facts import BidderEntered, ChainSalted
from aggregator.auctions.store import Room
from aggregator.errors import NotAllowed, NotFound
from aggregator.journal.reading import Entry
from aggregator.ledger import accounts
from aggregator.ledger.covering import Covering, Held
from aggregator.market import Actor, Answer, Asked, Unit
from aggregator.parties.queries import OrganisationView, organisations_of
from matching.auctions.commands import PlaceBid
from matching.auctions.disclosure import own_place
from matching.auctions.engine import decide
from matching.auctions.events import BidPlaced

ROLE_OF_BIDDER = {"buy": "seller", "sell": "buyer"}


@dataclass(frozen=True, slots=True)
class BidWanted:
    """A bid as it is asked for; all lots of the auction when `lots` is None."""

    auction_id: str
    price_minor: int
    lots: int | None
    all_or_none: bool


@dataclass(slots=True)
class _Table:
    """One auction while its bids are decided."""

    before: Room
    room: Room
    last: Entry | None = None
    holds: dict[str, Held] = field(default_factory=dict)
    entered: list[BidderEntered] = field(default_factory=list)


class BidDesk:
    """See `market.Desk`."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit
        self._tables: dict[str, _Table] = {}
        self._firms: dict[str, OrganisationView] = {}
        self._covering = Covering(unit)

    async def read(self, asked: Sequence[Asked]) -> None:
        """Read the rooms, the firms that are new there, their holds and their cash."""
        pairs: dict[tuple[str, str], None] = {}
        for one in asked:
            auction_id, firm = one.content.auction_id, one.actor.organisation_id
            pairs[auction_id, firm] = None
            if auction_id not in self._tables:
                room = await store.locked(self._unit, auction_id)
                self._tables[auction_id] = _Table(room, room)
        new = {
            firm for auction_id, firm in pairs if firm not in self._tables[auction_id].room.bidders
        }
        if new:
            found = await organisations_of(sorted(new), self._unit)
            self._firms = {firm.id: firm for firm in found}
        cash = {}
        for auction_id, firm in pairs:
            listing = self._tables[auction_id].room.listing
            if listing is not None and listing.deposit_bps:
                cash[auction_id, firm] = accounts.account_id(accounts.CASH, firm, listing.currency)
        if cash:
            await self._covering.lock(cash.values())
            for auction_id, firm, held in await deposits.holds_of(self._unit, list(cash)):
                self._tables[auction_id].holds[firm] = held

    def decide(self, asked: Asked) -> Answer:
        """Decide one bid and return its receipt."""
        unit, wanted, actor = self._unit, asked.content, asked.actor
        table = self._tables[wanted.auction_id]
        room = table.room
        if room.listing is None:
            raise NotFound("auction")
        listing, state = room.opened
        bidder = self._admitted(room, actor)
        bid = PlaceBid(
            unit.new_id("bid"),
            bidder.organisation_id,
            wanted.price_minor,
            wanted.lots,
            wanted.all_or_none,
        )
        events: list[Any] = list(decide(state, bid, unit.now))
        placed = _own(events, bid.bid_id)
        awarding.check_total(listing, placed.price_minor, placed.lots)
        deposit_minor = deposits.deposit_minor(listing, placed.price_minor * placed.lots)
        # The last thing that may refuse; from here on the bid stands.
        self._cover(table, bidder.organisation_id, deposit_minor)
        if bidder.organisation_id not in room.bidders:
            table.entered.append(bidder)
            events.insert(0, bidder)
        if state.rules.disclosure != "full":
            events.insert(0, ChainSalted(unit.new_id("salt")))
        entries = unit.note(asked.stream, events)
        for event in events:
            room = store.evolve(room, event)
        table.room, table.last = room, entries[-1]
        entry = next(entry for entry in entries if entry.fact is placed)
        return _receipt(unit, room, entry, deposit_minor)

    async def write(self) -> None:
        """Write the holds, who entered, and what an extension moves."""
        await self._covering.write()
        entered = [
            (auction_id, bidder, table.holds.get(bidder.organisation_id))
            for auction_id, table in self._tables.items()
            for bidder in table.entered
        ]
        if entered:
            await deposits.enter(self._unit, entered)
        for auction_id, table in self._tables.items():
            if table.last is not None:
                await store.follow(self._unit, auction_id, table.before, table.room)

    def keep(self) -> None:
        """Keep the rooms for the next bids."""
        for table in self._tables.values():
            if table.last is not None:
                store.keep(table.last, table.room)

    def _admitted(self, room: Room, actor: Actor) -> BidderEntered:
        """Return the actor's firm if it may bid at all; who has bid before may bid again."""
        listing, state = room.opened
        if ROLE_OF_BIDDER[state.rules.side] not in actor.roles:
            raise NotAllowed("auctions.bid")
        known = room.bidders.get(actor.organisation_id)
        if known is not None:
            return known
        bidder = self._firms.get(actor.organisation_id)
        if bidder is None:
            raise NotFound("organisation")
        if bidder.owner_group in listing.barred_groups:
            raise RelatedToOwner(listing.auction_id)
        if any(rival.owner_group == bidder.owner_group for rival in room.bidders.values()):
            raise GroupAlreadyBids(listing.auction_id)
        if listing.kinds and bidder.kind not in listing.kinds:
            raise KindNotAdmitted(bidder.kind, ", ".join(listing.kinds))
        return BidderEntered(bidder.id, bidder.owner_group, bidder.name)

    def _cover(self, table: _Table, organisation_id: str, amount_minor: int) -> None:
        """Hold a deposit in place of what was held for an earlier bid."""
        listing, _ = table.room.opened
        held = table.holds.get(organisation_id)
        if not amount_minor or (held is not None and held.amount_minor == amount_minor):
            return
        if held is None:
            table.holds[organisation_id] = self._covering.place(
                accounts.account_id(accounts.CASH, organisation_id, listing.currency),
                amount_minor,
                listing.currency,
                store.stream_of(listing.auction_id),
            )
        else:
            table.holds[organisation_id] = self._covering.change(
                held, amount_minor, listing.currency
            )


def _own(events: Sequence[Any], bid_id: str) -> BidPlaced:
    """Return the bid itself among what it set off."""
    for event in events:
        if isinstance(event, BidPlaced) and event.bid_id == bid_id:
            return event
    raise AssertionError("a bid that is not refused is placed")


def _receipt(unit: Unit, room: Room, entry: Entry, deposit_minor: int) -> Answer:
    listing, state = room.opened
    bid: BidPlaced = entry.fact
    is_leading, my_rank, next_allowed_minor = own_place(state, bid.bidder)
    return {
        "auction_id": listing.auction_id,
        "bid_id": bid.bid_id,
        "seq": state.book.count_of(bid.bidder),
        "at": unit.stamp(bid.at),
        "hash": entry.hash.hex(),
        "price_minor": bid.price_minor,
        "lots": bid.lots,
        "all_or_none": bid.all_or_none,
        "deposit_minor": deposit_minor,
        "currency": listing.currency,
        "closes_at": unit.stamp(state.closes_at),
        "is_leading": is_leading,
        "my_rank": my_rank,
        "next_allowed_minor": next_allowed_minor,
    }
