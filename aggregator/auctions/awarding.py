"""What an award binds: an owner's own auction makes one deal with each winner.

Where something above stands behind the volume, it hears of the award and makes the deals.
"""

from __future__ import annotations

from dataclasses import replace

from aggregator.auctions.facts import AuctionFailed, AuctionListed
from aggregator.auctions.store import Room
from aggregator.catalogue.fees import Fees
from aggregator.deals.formation import DealTerms, form_deal
from aggregator.deals.lines import BPS, Rates, lines_of, total
from aggregator.market import Unit
from aggregator.standing.privileges import tier_held
from matching.auctions.events import Award
from matching.auctions.refusals import TotalTooLarge
from matching.money import MAX_TOTAL_MINOR

SOURCE = "auction"


async def form_own_deals(unit: Unit, room: Room) -> None:
    """Form the deals of an auction that nothing above has opened."""
    listing, state = room.opened
    if listing.reference or listing.owner_id is None or state.result is None:
        return
    for won in state.result.awards:
        buyer_id, seller_id = listing.owner_id, won.bidder
        if state.rules.side == "sell":
            buyer_id, seller_id = seller_id, buyer_id
        terms = _terms(listing, won, buyer_id=buyer_id, seller_id=seller_id)
        tier = await tier_held(buyer_id, unit.now, unit)
        granted = replace(
            terms,
            deposit_off_bps=tier.deposit_off_bps,
            return_days_more=tier.return_days_more,
        )
        await form_deal(unit, granted)


def failed(room: Room, outcome: str) -> AuctionFailed:
    """Return what tells that nobody won."""
    listing, state = room.opened
    return AuctionFailed(
        auction_id=listing.auction_id,
        reference=listing.reference,
        side=state.rules.side,
        cell=listing.cell,
        owner_id=listing.owner_id,
        lots=state.rules.lots,
        outcome=outcome,
    )


def check_total(listing: AuctionListed, price_minor: int, lots: int) -> None:
    """Refuse a bid whose deal, with tax and fee, would be beyond what the market carries.

    Raises:
        TotalTooLarge: with the total that the deal would have.

    """
    bps = (listing.fee_bps, listing.tax_bps, listing.service_tax_bps)
    most_minor = 4 * price_minor * lots + 4 + 2 * listing.lot_fee_minor * lots
    if max(bps) <= BPS and most_minor <= MAX_TOTAL_MINOR:
        # Fee, tax and tax on the fee are each at most the goods: the exact sum is not needed.
        return
    rates = Rates(
        goods_minor=price_minor,
        freight_minor=0,
        capital_minor=0,
        fee_minor=None,
        fees=Fees(listing.fee_bps, lot_minor=listing.lot_fee_minor),
        tax_bps=listing.tax_bps,
        service_tax_bps=listing.service_tax_bps,
    )
    total_minor = total(lines_of(rates, lots, seller_id=""))
    if total_minor > MAX_TOTAL_MINOR:
        raise TotalTooLarge(total_minor, MAX_TOTAL_MINOR)


def _terms(listing: AuctionListed, won: Award, *, buyer_id: str, seller_id: str) -> DealTerms:
    return DealTerms(
        source=SOURCE,
        source_id=listing.auction_id,
        instrument_id=listing.instrument_id,
        region=listing.region,
        tenor=won.item.partition("/")[0] or listing.tenor,
        buyer_id=buyer_id,
        seller_id=seller_id,
        lots=won.lots,
        goods_minor=won.price_minor,
    )
