"""Placing a bid: binding, covered by a deposit in the same act, and answered by a receipt."""

from __future__ import annotations

from aggregator.auctions import queries, store
from aggregator.auctions.desk import BidDesk, BidWanted
from aggregator.market import Actor, Command, Market, Outcome


async def place_bid(
    market: Market,
    actor: Actor,
    command: Command,
    auction_id: str,
    *,
    price_minor: int,
    lots: int | None = None,
    all_or_none: bool = False,
) -> Outcome:
    """Bid `price_minor` per lot for `lots`, all of them when absent.

    The answer is the receipt: `seq` counts the firm's own bids, `hash` is the bid's place in
    the auction's journal. What the rules hide from bidders is None.

    Raises:
        NotFound: no such auction, or not for this firm's eyes.
        NotAllowed: suppliers bid with the role seller, buyers with the role buyer.
        RelatedToOwner, GroupAlreadyBids, KindNotAdmitted: the firm may not bid here.
        InsufficientFunds: the deposit is not available; an earlier bid keeps its own.
        RuleViolation: a rule of the auction refuses the bid.

    """
    actor.require("auctions.bid")
    if not store.is_known_open_to(actor, auction_id):
        await queries.require_visible(actor, auction_id)
    return await market.perform_at(
        BidDesk,
        actor,
        "auctions.bid",
        BidWanted(auction_id, price_minor, lots, all_or_none),
        command=command,
        stream=store.stream_of(auction_id),
    )
