"""Deposits: what a bidder has held always covers his standing bid, and only that."""

from __future__ import annotations

from aggregator.auctions.facts import AuctionListed, BidderEntered
from aggregator.ledger import accounts, holds
from aggregator.market import Unit
from matching.money import Rounding, scaled


def deposit_minor(listing: AuctionListed, total_minor: int) -> int:
    """Return the instrument's share of price × lots, rounded up."""
    return scaled(total_minor, listing.deposit_bps, 10_000, Rounding.UP)


async def enter(unit: Unit, listing: AuctionListed, bidder: BidderEntered) -> None:
    """Note a firm that bids for the first time; a second of its owner group has no place."""
    await unit.execute(
        "insert into auction_bidder (auction_id, organisation_id, owner_group) values ($1, $2, $3)",
        listing.auction_id,
        bidder.organisation_id,
        bidder.owner_group,
    )


async def cover(
    unit: Unit, listing: AuctionListed, organisation_id: str, amount_minor: int
) -> None:
    """Hold `amount_minor` of the bidder's cash in place of what was held for an earlier bid.

    Raises:
        InsufficientFunds: less than that is available.

    """
    row = await unit.row(
        "select hold_id from auction_bidder where auction_id = $1 and organisation_id = $2",
        listing.auction_id,
        organisation_id,
    )
    assert row is not None, "a bidder enters before a bid is covered"
    if row["hold_id"] is not None:
        await holds.void(unit, row["hold_id"])
    hold_id = None
    if amount_minor:
        cash = await accounts.ensure(unit, organisation_id, accounts.CASH, listing.currency)
        hold_id = await holds.place(unit, cash, amount_minor, f"auction:{listing.auction_id}")
    await unit.execute(
        "update auction_bidder set hold_id = $3 where auction_id = $1 and organisation_id = $2",
        listing.auction_id,
        organisation_id,
        hold_id,
    )


async def free(unit: Unit, auction_id: str) -> None:
    """Give every deposit of an auction back, in one order for all auctions."""
    found = await unit.rows(
        "select hold_id from auction_bidder where auction_id = $1 and hold_id is not null"
        " order by organisation_id",
        auction_id,
    )
    for row in found:
        await holds.void(unit, row["hold_id"])
