"""A firm's own purchase by auction: weighed and covered as it opens, like a bid.

Whatever suppliers bid within the ceiling is bought, so the opening binds the firm to the ceiling
of all lots. Its mandates bear that, and the deposit of it is held until the auction has ended.
"""

from __future__ import annotations

from collections import Counter

from aggregator.auctions import awarding, deposits, store
from aggregator.auctions.facts import AuctionListed
from aggregator.errors import InvalidField
from aggregator.ledger import accounts, holds
from aggregator.mandates import checking
from aggregator.mandates.drawing import BUY, Commitment
from aggregator.market import Unit
from matching.auctions.rules import Rules


async def cover(unit: Unit, auction_id: str) -> None:
    """Bind the owner of a purchase that has just opened to its ceiling.

    Raises:
        InvalidField: the terms have no ceiling.
        TotalTooLarge: the ceiling is beyond what the market carries.
        BeyondMandate: the firm's policy binds purchases, and no mandate of the person covers it.
        InsufficientFunds: the deposit is not available.

    """
    room = await store.locked(unit, auction_id)
    listing, state = room.opened
    assert listing.owner_id is not None
    bound = _commitment(listing, state.rules)
    awarding.check_total(listing, bound.price_minor, bound.lots)
    await checking.require(unit, bound)
    if not bound.deposit_minor:
        return
    account = await accounts.ensure(unit, listing.owner_id, accounts.CASH, listing.currency)
    hold_id = await holds.place(unit, account, bound.deposit_minor, store.stream_of(auction_id))
    await unit.execute("update auction set owner_hold_id = $2 where id = $1", auction_id, hold_id)


def _commitment(listing: AuctionListed, rules: Rules) -> Commitment:
    price_minor, worth_minor = _ceiling(rules)
    months = Counter[str]()
    for item in rules.items:
        months[item.id.partition("/")[0]] += item.lots
    return Commitment(
        act="auctions.bid",
        subject=store.stream_of(listing.auction_id),
        instrument_id=listing.instrument_id,
        region=listing.region,
        tenor=listing.tenor,
        side=BUY,
        lots=rules.lots,
        price_minor=price_minor,
        amount_minor=worth_minor,
        deposit_minor=deposits.deposit_minor(listing, worth_minor),
        spread=tuple(sorted(months.items())),
    )


def _ceiling(rules: Rules) -> tuple[int, int]:
    """Return the highest price per lot that may have to be paid, and what all lots come to."""
    if rules.items:
        worth_minor = sum(item.lots * item.start_minor for item in rules.items)
        return max(item.start_minor for item in rules.items), worth_minor
    # A rising clock starts low: where it stops is what may have to be paid.
    is_rising = rules.format == "dutch"
    price_minor = rules.reserve_minor if is_rising else rules.start_minor
    if price_minor is None:
        pointer = "/reserve" if is_rising else "/start"
        raise InvalidField(pointer, "needed where a firm buys: the most that it pays")
    return price_minor, price_minor * rules.lots
