"""Playing an auction again from its journal: the same commands must tell the same facts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from typing import Any

from aggregator.auctions import rechecking, sealing, store
from aggregator.auctions.facts import AuctionAwarded, AuctionFailed
from aggregator.errors import NotFound
from aggregator.journal.appending import GENESIS, chain_hash
from aggregator.journal.reading import Entry, Pool, Reader, chained
from aggregator.laboratory.histories import OUTAGE
from matching.auctions import commands
from matching.auctions.engine import decide, evolve, initial
from matching.auctions.events import (
    EVENT_TYPES,
    BidPlaced,
    BidWithdrawn,
    Cancelled,
    Closed,
    CloseExtended,
    DemandPlaced,
    Opened,
    PackagePlaced,
    PackagesCleared,
    Paused,
    Resumed,
    RoundOpened,
    StandingSet,
)
from matching.auctions.state import State
from matching.clearing.form import GuaranteeBroken
from matching.errors import RuleViolation

_EVENTS = tuple(EVENT_TYPES.values())
_ALL = 10**7
Act = tuple[commands.Command, datetime]


@dataclass(frozen=True, slots=True)
class Replayed:
    """What playing an auction again showed; `difference` is empty if nothing differs.

    `checked` says of what was recorded that it was held to its claims, not computed again.
    """

    auction_id: str
    facts: int
    state: str
    difference: str = ""
    checked: str = ""


@dataclass(frozen=True, slots=True)
class Played:
    """Where a history ended, what differs in it, and what of it was only checked."""

    state: State
    difference: str = ""
    checked: str = ""


async def all_auctions(reader: Reader | None = None) -> list[str]:
    found = await (reader or Pool()).rows("select id from auction order by id")
    return [row["id"] for row in found]


async def replay(auction_id: str, reader: Reader | None = None) -> Replayed:
    """Play an auction again, and compare each fact, its hashes, its award and its row.

    Raises:
        NotFound: there is no such auction.

    """
    source = reader or Pool()
    links = await chained(source, store.stream_of(auction_id), limit=_ALL)
    found = [entry for entry, _ in links]
    rows = await source.rows("select state, closes_at from auction where id = $1", auction_id)
    if not found or not rows:
        raise NotFound("auction")
    opened = sealing.history(auction_id, found)
    again = played([one for one in opened if isinstance(one.fact, _EVENTS)])
    state = again.state
    difference = again.difference or _chain_difference(links) or _award_difference(found, state)
    phase = reduce(store.evolve, (one.fact for one in opened), store.Room()).phase
    if not difference and phase != rows[0]["state"]:
        difference = f"the row says {rows[0]['state']}, the journal {phase}"
    if not difference and state.closes_at != rows[0]["closes_at"]:
        difference = f"the row closes at {rows[0]['closes_at']}, the journal at {state.closes_at}"
    return Replayed(auction_id, len(found), state.phase, difference, again.checked)


def played(found: Sequence[Entry]) -> Played:
    """Decide the commands behind these facts again, and compare what they tell.

    A choice of packages that was recorded as unproved may be another one than is found today: then
    it is held to what it claims.
    """
    opened = found[0].fact
    assert isinstance(opened, Opened)
    state = initial(opened)
    place, checked = 1, ""
    while place < len(found):
        command, at = _act_of(found[place:], state)
        try:
            told = decide(state, command, at)
        except RuleViolation as refusal:
            return Played(state, f"entry {found[place].seq}: {refusal.code}")
        written = [entry.fact for entry in found[place : place + len(told)]]
        recorded = rechecking.unproved(written)
        if recorded is not None and told != written:
            try:
                checked = rechecking.verdict(recorded, told)
                told = rechecking.rechecked(state, recorded, told)
            except GuaranteeBroken as broken:
                return Played(state, f"entry {found[place].seq}: {broken}")
        if not told or told != written:
            return Played(state, f"entry {found[place].seq}: other facts follow from the rules")
        for event in told:
            state = evolve(state, event)
        place += len(told)
    return Played(state, "", checked)


def _act_of(rest: Sequence[Entry], state: State) -> Act:
    """Return the command behind the next facts; what standing orders answered is no command."""
    said = next((one for one in rest if not _is_automatic(one.fact)), None)
    if said is None:
        return commands.Begin(), rest[0].at
    match said.fact:
        case BidPlaced() as bid:
            placed = commands.PlaceBid(
                bid.bid_id, bid.bidder, bid.price_minor, bid.lots, bid.all_or_none, bid.attributes
            )
            return placed, bid.at
        case DemandPlaced() as asked:
            if state.rules.format == "clock":
                return commands.PlaceDemand(asked.bid_id, asked.bidder, asked.demand), asked.at
            assert state.clock is not None
            accepted = commands.PlaceBid(
                asked.bid_id, asked.bidder, state.clock.prices[0], asked.demand[0][1]
            )
            return accepted, asked.at
        case PackagePlaced() as said_of:
            package = commands.PlacePackage(
                said_of.bid_id,
                said_of.bidder,
                said_of.items,
                said_of.price_minor,
                said_of.xor,
                said_of.attributes,
            )
            return package, said_of.at
        case StandingSet() as order:
            set_by = commands.SetStanding(order.standing_id, order.bidder, order.limit_minor)
            return set_by, order.at
    return _act_of_the_market(said, rest)


def _act_of_the_market(said: Entry, rest: Sequence[Entry]) -> Act:
    match said.fact:
        case RoundOpened(at=at):
            return commands.EndRound(), at
        case Paused(reason=reason, since=since, at=at):
            if reason == OUTAGE and since is not None and said.at > since:
                return commands.RecordOutage(since), said.at
            return commands.Pause(reason), at
        case Resumed(at=at):
            return commands.Resume(), at
        case BidWithdrawn(at=at, seq=seq, reason=reason):
            return commands.WithdrawBid(seq, reason), at
        case Closed(at=at, result=result):
            return commands.Close(result.seed, result.beacon), at
        case Cancelled(at=at, reason=reason):
            return commands.Cancel(reason), at
    assert isinstance(said.fact, CloseExtended), said.fact
    return commands.Begin(), rest[0].at


def _is_automatic(fact: object) -> bool:
    """Say whether no command tells this first: standing orders' bids are named after them."""
    if isinstance(fact, CloseExtended | PackagesCleared):
        return True
    return isinstance(fact, BidPlaced) and "/" in fact.bid_id


def _chain_difference(links: Sequence[tuple[Entry, dict[str, Any]]]) -> str:
    head = GENESIS
    for entry, body in links:
        kind = type(entry.fact).__name__
        head = chain_hash(head, entry.stream, entry.seq, kind, body, entry.at)
        if head != entry.hash:
            return f"entry {entry.seq}: its hash does not follow"
    return ""


def _award_difference(found: Sequence[Entry], state: State) -> str:
    told = [one.fact for one in found if isinstance(one.fact, AuctionAwarded | AuctionFailed)]
    if state.phase == "closed":
        assert state.result is not None
        awards = told[0].awards if told and isinstance(told[0], AuctionAwarded) else ()
        if len(told) != 1 or awards != state.result.awards:
            return "other awards were told than the result holds"
    return ""
