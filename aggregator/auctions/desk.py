"""The desk where bids are decided: every bid that waits, of all auctions, in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aggregator.auctions import awarding, deposits, sealing, store, tables
from aggregator.auctions.committing import commitment
from aggregator.auctions.errors import GroupAlreadyBids, KindNotAdmitted, RelatedToOwner
from aggregator.auctions.facts import BidderEntered
from aggregator.auctions.receipts import of_bid, receipt
from aggregator.auctions.store import Room
from aggregator.auctions.tables import Table
from aggregator.auctions.terms import ACT, ROLE_OF_BIDDER
from aggregator.db.calls import Call, texts
from aggregator.errors import Conflict, MarketError, NotAllowed, NotFound
from aggregator.ledger import accounts
from aggregator.ledger.covering import Covering, Held
from aggregator.mandates import checking
from aggregator.mandates.drawing import BY_ROLE, Allowed, Bounds, approval_of
from aggregator.market import Actor, Answer, Asked, Desk, Unit
from aggregator.parties.queries import OrganisationView, organisations_of
from aggregator.vault import KeyLost
from matching.auctions.commands import PlaceBid, PlaceDemand, PlacePackage, SetStanding
from matching.auctions.engine import decide
from matching.auctions.events import BidPlaced, DemandPlaced, PackagePlaced, StandingSet
from matching.auctions.refusals import AllOrNoneRefused
from matching.auctions.state import State
from matching.errors import RuleViolation
from matching.values import value

Spoken = PlaceBid | PlaceDemand | PlacePackage | SetStanding
# Tuples, because a union is made anew wherever it stands, and every bid asks.
_PRICED = (BidPlaced, PackagePlaced)
_NUMBERED = (BidPlaced, DemandPlaced, PackagePlaced)


@value
class BidWanted:
    """A bid as it is asked for: a price, or lots by item; all lots when `lots` is None.

    With `items` it is for all of these together; `xor` names its group of alternatives.
    A demand may be meant for one round alone, `only_round`.
    """

    auction_id: str
    price_minor: int
    lots: int | None
    all_or_none: bool
    demand: tuple[tuple[str, int], ...] = ()
    attributes: tuple[tuple[str, int], ...] = ()
    items: tuple[str, ...] = ()
    xor: str | None = None
    only_round: int | None = None

    @property
    def is_special(self) -> bool:
        """Whether it asks for more than lots at a price."""
        return bool(self.all_or_none or self.attributes or self.demand or self.items)


@dataclass(frozen=True, slots=True)
class StandingWanted:
    """A standing order up to a limit, for all lots; None takes it back."""

    auction_id: str
    limit_minor: int | None


class BidDesk(Desk):
    """See `market.Desk`."""

    def __init__(self, unit: Unit) -> None:
        super().__init__(unit)
        self._tables: dict[str, Table] = {}
        self._recalled: dict[str, Held] = {}
        self._asked: dict[tuple[str, str], None] = {}
        self._firms: dict[str, OrganisationView] = {}
        self._covering = Covering(unit)
        self._bounds = Bounds({}, {}, {})

    def recall(self, asked: Sequence[Asked], before: BidDesk | None) -> bool:
        """Take rooms and holds from memory; cash is for its account to refuse."""
        found = dict(self._tables)
        taken: dict[tuple[str, str], None] = {}
        for one in asked:
            auction_id, actor = one.content.auction_id, one.actor
            table = found.get(auction_id)
            if table is None:
                table = None if before is None else before._left(auction_id)
                table = table or tables.recalled(auction_id, self._unit.heads[one.stream].hash)
                if table is None:
                    return False
                found[auction_id] = table
            if actor.organisation_id not in table.known or approval_of(actor) is not None:
                return False
            taken[auction_id, actor.organisation_id] = None
        self._tables = found
        for auction_id, firm in [pair for pair in taken if pair not in self._asked]:
            table = found[auction_id]
            held = table.known[firm]
            if held is not None:
                table.holds[firm] = self._recalled[held.hold_id] = held
                listing, _ = table.before.opened
                self._covering.trust(held.account_id, listing.currency)
        self._asked |= taken
        return True

    def _left(self, auction_id: str) -> Table | None:
        """Return an auction's table as it will be once this transaction is durable."""
        table = self._tables.get(auction_id)
        if table is None:
            return None
        return Table(table.room, {**table.known, **table.holds})

    def claims(self) -> list[Call]:
        """The holds are what they were, and the firms still bound by roles alone."""
        firms = sorted({firm for _, firm in self._asked})
        calls: list[Call] = [("require_unbound", texts(firms))]
        if self._recalled:
            calls.append(self._covering.claim(self._recalled.values()))
        return calls

    def is_written(self) -> bool:
        """Whether no hold is new and no close has moved."""
        return self._covering.is_written() and not any(
            table.entered or store.has_moved(table.before, table.room)
            for table in self._tables.values()
            if table.last is not None
        )

    async def read(self, asked: Sequence[Asked]) -> None:
        """Read the rooms, the firms that are new there, their holds and their cash."""
        pairs: dict[tuple[str, str], None] = {}
        for one in asked:
            auction_id, firm = one.content.auction_id, one.actor.organisation_id
            pairs[auction_id, firm] = None
            self._asked[auction_id, firm] = None
            if auction_id not in self._tables:
                room = await store.locked(self._unit, auction_id)
                head = self._unit.heads[one.stream]
                self._tables[auction_id] = Table(room, tables.known_at(auction_id, head.hash))
        new = {
            firm for auction_id, firm in pairs if firm not in self._tables[auction_id].room.bidders
        }
        if new:
            found = await organisations_of(sorted(new), self._unit)
            self._firms = {firm.id: firm for firm in found}
        listings = [self._tables[one.content.auction_id].room.listing for one in asked]
        cells = {listing.cell for listing in listings if listing is not None}
        self._bounds = await checking.read(self._unit, [one.actor for one in asked], cells)
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
        """Decide one bid or standing order and return its receipt."""
        table = self._tables[asked.content.auction_id]
        taken = self._taken(table, asked)
        if taken is not None:
            return taken
        if table.room.listing is None:
            raise NotFound("auction")
        _, state = table.room.opened
        is_secret = state.rules.is_sealed or isinstance(asked.content, StandingWanted)
        if not is_secret:
            return self._decided(table, asked)
        try:
            return sealing.sealed_answer(self._decided(table, asked))
        except (RuleViolation, MarketError) as refusal:
            raise sealing.sealed_refusal(refusal) from refusal

    def _taken(self, table: Table, asked: Asked) -> Answer | None:
        """Return the receipt of a plainly good bid; None leaves it to the obvious way."""
        wanted, actor, unit, quick = asked.content, asked.actor, self._unit, table.quick
        if (
            quick is None
            or type(wanted) is not BidWanted
            or wanted.is_special
            or not quick.knows(actor)
            or self._bounds.binds(actor, ACT)
        ):
            return None
        firm, price_minor, lots = actor.organisation_id, wanted.price_minor, wanted.lots
        listing, bids = quick.listing, quick.bids
        if lots is None:
            lots = bids.rules.lots
        if not bids.takes(firm, price_minor, lots, unit.now):
            return None
        deposit_minor = deposits.deposit_minor(listing, price_minor * lots)
        if deposit_minor and firm not in table.holds:
            return None
        awarding.check_total(listing, price_minor, lots)
        self._hold(table, firm, deposit_minor)
        bid = bids.take(unit.new_id("bid"), firm, price_minor, lots, unit.now)
        [entry] = unit.note(asked.stream, (bid,))
        head = quick.note(bid, entry)
        place, closes_at = bids.place_of(bid), bids.closes_at
        return of_bid(listing, bids.book, closes_at, place, bid, head, deposit_minor)

    def _decided(self, table: Table, asked: Asked) -> Answer:
        unit, room = self._unit, table.room
        listing, state = room.opened
        if room.chain is None:
            raise KeyLost
        bidder = self._admitted(room, asked.actor)
        firm = bidder.organisation_id
        command = self._command(asked.content, firm, state)
        events: list[Any] = [*decide(state, command, unit.now)]
        said = _said(events, command)
        held = table.holds.get(firm)
        held_minor = 0 if held is None else held.amount_minor
        deposit_minor = deposits.needed_minor(listing, state, said, held_minor)
        for event in events:
            if isinstance(event, _PRICED):
                awarding.check_total(listing, event.price_minor, event.lots)
        allowed = BY_ROLE
        if self._bounds.binds(asked.actor, ACT):
            binding = commitment(listing, state, said, deposit_minor)
            allowed = self._bounds.check(asked.actor, binding, unit.now)
        # The last thing that may refuse; from here on the bid stands.
        self._cover(table, firm, deposit_minor, allowed)
        if firm not in room.bidders:
            table.entered.append(bidder)
            events.insert(0, bidder)
        entries = unit.note(asked.stream, _kept(room, events))
        head = b""
        for entry, event in zip(entries, events, strict=True):
            room = store.advance(room, entry, event)
            assert room.chain is not None
            if event is said:
                head = room.chain.head
        table.move(room, entries[-1])
        return receipt(room, said, head, deposit_minor)

    def _command(self, wanted: BidWanted | StandingWanted, bidder: str, state: State) -> Spoken:
        if isinstance(wanted, StandingWanted):
            return SetStanding(self._unit.new_id("std"), bidder, wanted.limit_minor)
        bid_id = self._unit.new_id("bid")
        if wanted.demand:
            if state.clock is not None and wanted.only_round not in (None, state.clock.round):
                raise Conflict("round_changed")
            return PlaceDemand(bid_id, bidder, wanted.demand)
        if wanted.items:
            return PlacePackage(
                bid_id, bidder, wanted.items, wanted.price_minor, wanted.xor, wanted.attributes
            )
        if wanted.all_or_none and state.rules.interval_s:
            raise AllOrNoneRefused(wanted.lots or state.rules.lots)
        return PlaceBid(
            bid_id,
            bidder,
            wanted.price_minor,
            wanted.lots,
            wanted.all_or_none,
            wanted.attributes,
        )

    async def write(self) -> None:
        """Write the holds, who entered, and what an extension moves."""
        await checking.write(self._unit, self._bounds)
        await self._covering.write()
        entered = [
            (auction_id, bidder, table.holds.get(bidder.organisation_id))
            for auction_id, table in self._tables.items()
            for bidder in table.entered
        ]
        if entered:
            await deposits.enter(self._unit, entered)
        for auction_id, table in self._tables.items():
            for firm, held in table.first_held.items():
                await deposits.attach(self._unit, auction_id, firm, held.hold_id)
            if table.last is not None:
                await store.follow(self._unit, auction_id, table.before, table.room)

    def keep(self) -> None:
        """Keep the rooms and the holds for the next bids."""
        bound = {firm for firm, _ in self._bounds.policies}
        for auction_id, firm in self._asked:
            table = self._tables[auction_id]
            held = table.holds.get(firm)
            listing = table.before.listing
            has_deposit = listing is None or listing.deposit_bps
            if firm in bound or (held is None and has_deposit):
                table.known.pop(firm, None)
            elif firm in table.room.bidders:
                table.known[firm] = held
        for auction_id, table in self._tables.items():
            if table.last is None:
                continue
            store.keep(table.last, table.room)
            tables.remember(auction_id, table)

    def _admitted(self, room: Room, actor: Actor) -> BidderEntered:
        """Return the actor's firm if it may bid at all; who has bid before may bid again."""
        listing, state = room.opened
        if ROLE_OF_BIDDER[state.rules.side] not in actor.roles:
            raise NotAllowed(ACT)
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
        return BidderEntered(bidder.id, bidder.owner_group, bidder.name, bidder.name_en)

    def _cover(
        self, table: Table, organisation_id: str, amount_minor: int, allowed: Allowed
    ) -> None:
        """Cover a bid, also with funds that were reserved for it."""
        if not allowed.freed_minor:
            self._hold(table, organisation_id, amount_minor)
        else:
            cash = _cash(table, organisation_id)
            with self._covering.lent(cash, allowed.freed_minor):
                self._hold(table, organisation_id, amount_minor)
        allowed.take()

    def _hold(self, table: Table, organisation_id: str, amount_minor: int) -> None:
        """Hold a deposit in place of what was held for an earlier bid."""
        listing, _ = table.before.opened
        held = table.holds.get(organisation_id)
        if amount_minor and held is None:
            cash = _cash(table, organisation_id)
            table.holds[organisation_id] = self._covering.place(
                cash, amount_minor, listing.currency, store.stream_of(listing.auction_id)
            )
            if organisation_id in table.room.bidders:
                # He came without a deposit: with no lots, or to take an order back.
                table.first_held[organisation_id] = table.holds[organisation_id]
        elif held is not None and amount_minor not in (0, held.amount_minor):
            changed = self._covering.change(held, amount_minor, listing.currency)
            table.holds[organisation_id] = changed


def _cash(table: Table, organisation_id: str) -> str:
    listing, _ = table.room.opened
    return accounts.account_id(accounts.CASH, organisation_id, listing.currency)


def _said(events: Sequence[Any], command: Spoken) -> deposits.Said:
    """Return what the bidder himself said; what standing orders answered comes beside it."""
    for event in events:
        if isinstance(command, SetStanding):
            if isinstance(event, StandingSet):
                return event
        elif isinstance(event, _NUMBERED) and event.bid_id == command.bid_id:
            return event
    raise AssertionError("a bid that is not refused is placed")


def _kept(room: Room, events: Sequence[Any]) -> Sequence[Any]:
    """Return events as the journal keeps them: in a box what nobody may read yet."""
    listing, state = room.opened
    secret = (StandingSet, *_PRICED) if state.rules.is_sealed else StandingSet
    return [
        sealing.sealed(room.key, listing.auction_id, event) if isinstance(event, secret) else event
        for event in events
    ]
