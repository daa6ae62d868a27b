"""Placing a bid: binding, covered by a deposit in the same act, and answered by a receipt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aggregator.auctions import queries, sealing, store
from aggregator.auctions.desk import BidDesk, BidWanted, StandingWanted
from aggregator.auctions.sealing import SealedRefusal
from aggregator.auctions.terms import ACT
from aggregator.errors import RecordedRefusal
from aggregator.market import Actor, Command, Market, Outcome


async def place_bid(
    market: Market,
    actor: Actor,
    command: Command | None,
    auction_id: str,
    *,
    price_minor: int,
    lots: int | None = None,
    all_or_none: bool = False,
    attributes: Mapping[str, int] | None = None,
) -> Outcome:
    """Bid `price_minor` per lot for `lots`, all of them when absent.

    In a Dutch auction the bid takes lots at the clock's price, if that is no worse; in a
    Japanese one it accepts the price of the round. `attributes` are the values of the scored
    terms, by name. The answer is the receipt: `seq` counts the
    firm's own bids, `hash` is where the bid stands in the auction's record. What the rules hide
    from bidders is None.

    Raises:
        NotFound: no such auction, or not for this firm's eyes.
        NotAllowed: suppliers bid with the role seller, buyers with the role buyer.
        RelatedToOwner, GroupAlreadyBids, KindNotAdmitted: the firm may not bid here.
        InsufficientFunds: the deposit is not available; an earlier bid keeps its own.
        RuleViolation: a rule of the auction refuses the bid.

    """
    # Without names, which take twice as long: every bid passes here.
    wanted = BidWanted(auction_id, price_minor, lots, all_or_none, (), _scored(attributes))
    return await _at_the_desk(market, actor, command, wanted)


async def place_demand(
    market: Market,
    actor: Actor,
    command: Command | None,
    auction_id: str,
    demand: Mapping[str, int],
    *,
    only_round: int | None = None,
) -> Outcome:
    """Say how many lots of each item to take at the prices of this round of a clock auction.

    With `only_round` it is said in that round or not at all.

    Raises:
        NotFound, NotAllowed, RelatedToOwner, GroupAlreadyBids, KindNotAdmitted,
        InsufficientFunds, RuleViolation: as in `place_bid`.

    """
    wanted = BidWanted(
        auction_id,
        0,
        None,
        all_or_none=False,
        demand=tuple(sorted(demand.items())),
        only_round=only_round,
    )
    return await _at_the_desk(market, actor, command, wanted)


async def place_package(
    market: Market,
    actor: Actor,
    command: Command | None,
    auction_id: str,
    *,
    items: Sequence[str],
    price_minor: int,
    xor: str | None = None,
    attributes: Mapping[str, int] | None = None,
) -> Outcome:
    """Bid `price_minor` per lot for all of `items` or none of them.

    Of the packages in one group `xor` at most one wins; those without a group may all win.
    `attributes` are as in `place_bid`.

    Raises:
        NotFound, NotAllowed, RelatedToOwner, GroupAlreadyBids, KindNotAdmitted,
        InsufficientFunds, RuleViolation: as in `place_bid`.

    """
    wanted = BidWanted(
        auction_id,
        price_minor,
        None,
        all_or_none=True,
        attributes=_scored(attributes),
        items=tuple(items),
        xor=xor or None,
    )
    return await _at_the_desk(market, actor, command, wanted)


async def set_standing(
    market: Market,
    actor: Actor,
    command: Command | None,
    auction_id: str,
    *,
    limit_minor: int | None,
) -> Outcome:
    """Let the market bid for the firm up to a secret limit; None takes the order back.

    Raises:
        NotFound, NotAllowed, RelatedToOwner, GroupAlreadyBids, KindNotAdmitted,
        InsufficientFunds, RuleViolation: as in `place_bid`.

    """
    return await _at_the_desk(market, actor, command, StandingWanted(auction_id, limit_minor))


def _scored(attributes: Mapping[str, int] | None) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(attributes.items())) if attributes else ()


async def _at_the_desk(
    market: Market, actor: Actor, command: Command | None, wanted: BidWanted | StandingWanted
) -> Outcome:
    actor.require(ACT)
    auction_id = wanted.auction_id
    if not store.is_known_open_to(actor, auction_id):
        await queries.require_visible(actor, auction_id)
    try:
        outcome = await market.perform_at(
            BidDesk,
            actor,
            ACT,
            wanted,
            command=None if command is None else sealing.fingerprinted(command),
            stream=store.stream_of(auction_id),
        )
    except SealedRefusal as sealed:
        raise sealed.refusal from None
    except RecordedRefusal as again:
        raise sealing.readable_refusal(again) from None
    answer = sealing.readable(outcome.answer)
    return outcome if answer is outcome.answer else Outcome(answer, outcome.replayed)
