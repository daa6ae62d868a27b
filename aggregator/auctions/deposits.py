"""Deposits: what a bidder has held always covers his standing bid, and only that."""

from __future__ import annotations

from collections.abc import Sequence

from aggregator.auctions.facts import AuctionListed, BidderEntered
from aggregator.errors import Conflict, InsufficientFunds
from aggregator.ledger import holds
from aggregator.ledger.covering import Held
from aggregator.market import Unit
from matching.auctions.events import BidPlaced, DemandPlaced, PackagePlaced, StandingSet
from matching.auctions.rules import Rules
from matching.auctions.state import State
from matching.money import Rounding, scaled

Said = BidPlaced | DemandPlaced | PackagePlaced | StandingSet


def deposit_minor(listing: AuctionListed, total_minor: int) -> int:
    """Return the instrument's share of price × lots, rounded up."""
    return scaled(total_minor, listing.deposit_bps, 10_000, Rounding.UP)


def needed_minor(listing: AuctionListed, state: State, said: Said, held_minor: int) -> int:
    """Return what must be held once a bidder has said this.

    In a sealed format it is the same for everybody, so that no hold tells a bid; a standing
    order is covered to a round figure beyond its limit, so that no hold tells that; where
    prices are announced, what was covered stays covered, because lots may come back.
    """
    rules = state.rules
    if rules.is_sealed:
        assert rules.start_worth_minor is not None
        return deposit_minor(listing, rules.start_worth_minor)
    match said:
        case BidPlaced():
            return deposit_minor(listing, _covered_minor(state, said))
        case PackagePlaced():
            raise AssertionError("packages are sealed")
        case DemandPlaced(demand=demand):
            assert state.clock is not None
            prices = dict(zip(state.clock.items, state.clock.prices, strict=True))
            worth = sum(lots * prices[item] for item, lots in demand)
            return max(held_minor, deposit_minor(listing, worth))
        case StandingSet(bidder=bidder, limit_minor=limit_minor):
            mine = state.book.of(bidder)
            worth = 0 if mine is None else mine.price_minor * mine.lots
            if limit_minor:
                worth = max(worth, rounded_worth_minor(rules, limit_minor * rules.lots))
            return deposit_minor(listing, worth)


def _covered_minor(state: State, said: BidPlaced) -> int:
    """Return the worth of a bid and of what its bidder said beside it."""
    rules, bidder, worth = state.rules, said.bidder, said.price_minor * said.lots
    if rules.format == "dutch":
        worth += sum(bid.price_minor * bid.lots for bid in state.book if bid.bidder == bidder)
    elif state.orders:
        limits = [order.limit_minor for order in state.orders if order.bidder == bidder]
        covered = [rounded_worth_minor(rules, limit * rules.lots) for limit in limits if limit]
        worth = max([worth, *covered])
    return worth


def rounded_worth_minor(rules: Rules, worth_minor: int) -> int:
    """Return what a secret worth counts for in rows that others may read.

    All lots at the ceiling; or at the floor and as many quarters of it as are needed. Without
    a start price there is no such figure, and the worth itself counts.
    """
    start_minor = rules.start_worth_minor
    if not start_minor:
        return worth_minor
    quarter = -(-start_minor // 4)
    return start_minor + max(0, -(-(worth_minor - start_minor) // quarter)) * quarter


async def holds_of(unit: Unit, bidders: Sequence[tuple[str, str]]) -> list[tuple[str, str, Held]]:
    """Return what is held for bidders' standing bids, by (auction, organisation)."""
    found = await unit.rows(
        "select b.auction_id, b.organisation_id, b.hold_id, h.account_id, h.amount_minor, h.state"
        " from unnest($1::text[], $2::text[]) as t (auction_id, organisation_id)"
        " join auction_bidder b"
        " on b.auction_id = t.auction_id and b.organisation_id = t.organisation_id"
        " join hold h on h.id = b.hold_id",
        [auction_id for auction_id, _ in bidders],
        [organisation_id for _, organisation_id in bidders],
    )
    return [
        (
            row["auction_id"],
            row["organisation_id"],
            Held(row["hold_id"], row["account_id"], row["amount_minor"]),
        )
        for row in found
        if row["state"] == "pending"
    ]


async def enter(unit: Unit, entered: Sequence[tuple[str, BidderEntered, Held | None]]) -> None:
    """Note firms that bid for the first time; a second of an owner group has no place."""
    await unit.execute(
        "insert into auction_bidder (auction_id, organisation_id, owner_group, hold_id)"
        " select * from unnest($1::text[], $2::text[], $3::text[], $4::text[])",
        [auction_id for auction_id, _, _ in entered],
        [bidder.organisation_id for _, bidder, _ in entered],
        [bidder.owner_group for _, bidder, _ in entered],
        [held.hold_id if held else None for _, _, held in entered],
    )


async def attach(unit: Unit, auction_id: str, organisation_id: str, hold_id: str) -> None:
    """Tie the first deposit of a firm that came without one to its place."""
    await unit.execute(
        "update auction_bidder set hold_id = $3 where auction_id = $1 and organisation_id = $2",
        auction_id,
        organisation_id,
        hold_id,
    )


async def refit(unit: Unit, listing: AuctionListed, state: State, bidder: str) -> None:
    """Let what is held for a bidder follow a bid that was taken out.

    Raises:
        Conflict: the bid that would stand again needs more than its bidder has free.

    """
    found = await holds_of(unit, [(listing.auction_id, bidder)])
    if not found:
        return
    _, _, held = found[0]
    mine = state.book.of(bidder)
    if mine is None:
        await holds.void(unit, held.hold_id)
        return
    needed = needed_minor(listing, state, mine, held.amount_minor)
    if needed != held.amount_minor:
        await holds.void(unit, held.hold_id)
        reference = f"auction:{listing.auction_id}"
        try:
            hold_id = await holds.place(unit, held.account_id, needed, reference)
        except InsufficientFunds as error:
            # Without the figures: what a firm has is nothing for who takes its bid out.
            raise Conflict("earlier_bid_not_covered") from error
        await attach(unit, listing.auction_id, bidder, hold_id)


async def free(unit: Unit, auction_id: str) -> None:
    """Give every deposit of an auction back, its buyer's too, in one order for all auctions."""
    found = await unit.rows(
        "select hold_id from (select organisation_id, hold_id from auction_bidder"
        " where auction_id = $1 union all select owner_id, owner_hold_id from auction"
        " where id = $1) held where hold_id is not null order by organisation_id",
        auction_id,
    )
    for row in found:
        await holds.void(unit, row["hold_id"])
