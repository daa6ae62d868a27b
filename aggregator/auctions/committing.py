"""What a bidder's word binds his firm to, as mandates weigh it."""

from __future__ import annotations

from aggregator.auctions.deposits import Said, rounded_worth_minor
from aggregator.auctions.facts import AuctionListed
from aggregator.auctions.terms import ACT
from aggregator.mandates.drawing import BUY, SELL, Commitment
from matching.auctions import package_bids
from matching.auctions.events import BidPlaced, DemandPlaced, PackagePlaced, StandingSet
from matching.auctions.rules import Rules
from matching.auctions.state import State


def commitment(listing: AuctionListed, state: State, said: Said, deposit_minor: int) -> Commitment:
    """Return all that stands of the bidder in the auction once he has said this."""
    lots, price_minor, worth_minor = _worth(state, said)
    amount_minor = worth_minor
    if state.rules.is_sealed:
        lots, amount_minor = state.rules.lots, _counted(state.rules, amount_minor)
    elif any(order.bidder == said.bidder for order in (*state.orders, *_orders(said))):
        amount_minor = rounded_worth_minor(state.rules, amount_minor)
    return Commitment(
        act=ACT,
        subject=f"auction:{listing.auction_id}",
        instrument_id=listing.instrument_id,
        counterparty_id=listing.owner_id,
        region=listing.region,
        tenor=listing.tenor,
        side=BUY if state.rules.side == "sell" else SELL,
        lots=lots,
        price_minor=price_minor,
        amount_minor=amount_minor,
        deposit_minor=deposit_minor,
        worth_minor=worth_minor,
        alone_minor=_alone_minor(state.rules, said),
    )


def _alone_minor(rules: Rules, said: Said) -> int | None:
    """Return what a word binds to by itself; None for one that takes an earlier one's place."""
    match said:
        case BidPlaced() | PackagePlaced():
            return said.price_minor * said.lots
        case StandingSet(limit_minor=int(limit_minor)):
            return limit_minor * rules.lots
    return None


def _orders(said: Said) -> list[StandingSet]:
    return [said] if isinstance(said, StandingSet) else []


def _counted(rules: Rules, amount_minor: int) -> int:
    """Return what a sealed bid counts for: a round figure, since uses of mandates are rows.

    All lots at the ceiling, or at double the floor; doubled again only for a bid beyond that.
    """
    assert rules.start_worth_minor is not None
    counted = max(1, rules.start_worth_minor * (1 if rules.side == "buy" else 2))
    while counted < amount_minor:
        counted *= 2
    return counted


def _worth(state: State, said: Said) -> tuple[int, int, int]:
    """Return lots, the worst price, and the amount; a standing order counts to its limit."""
    rules = state.rules
    match said:
        case DemandPlaced(demand=demand):
            assert state.clock is not None
            prices = dict(zip(state.clock.items, state.clock.prices, strict=True))
            asked = [(lots, prices[item]) for item, lots in demand if lots]
            total = sum(lots * price for lots, price in asked)
            worst = max((price for _, price in asked), default=0)
            return sum(lots for lots, _ in asked), worst, total
        case PackagePlaced(bidder=bidder):
            packages = [bid for bid in state.packages if bid.bidder == bidder]
            stands_for = package_bids.standing([*packages, said])
            worst = (max if rules.side == "sell" else min)(bid.price_minor for bid in stands_for)
            most: dict[str, int] = {}
            for bid in stands_for:
                own = bid.bid_id if bid.xor is None else f"xor {bid.xor}"
                most[own] = max(most.get(own, 0), bid.price_minor * bid.lots)
            return rules.lots, worst, sum(most.values())
        case StandingSet(bidder=bidder, limit_minor=limit_minor):
            stands = [(rules.lots, limit_minor)] if limit_minor else []
            mine = state.book.of(bidder)
            if mine is not None:
                stands.append((mine.lots, mine.price_minor))
        case BidPlaced(bidder=bidder):
            stands = [(said.lots, said.price_minor)]
            if rules.format == "dutch":
                taken = [bid for bid in state.book if bid.bidder == bidder]
                lots = said.lots + sum(bid.lots for bid in taken)
                worth = sum(bid.price_minor * bid.lots for bid in taken)
                return lots, said.price_minor, worth + said.price_minor * said.lots
            limits = [order.limit_minor for order in state.orders if order.bidder == bidder]
            stands += [(rules.lots, limit) for limit in limits if limit]
    if not stands:
        return 0, 0, 0
    lots, price = max(stands, key=lambda one: (one[0] * one[1], one))
    return lots, price, lots * price
