"""Marks from the facts of deals: what was kept counts once it is settled, what was broken at once.

Deals of one owner group, and deals that the circular-trade screen parked, leave no kept mark.
"""

from __future__ import annotations

from aggregator.deals.facts import (
    ClaimEnded,
    DealDefaulted,
    DealLapsed,
    DealReduced,
    DealSettled,
    LotsReturned,
)
from aggregator.deals.store import stream_of
from aggregator.fulfilment import lanes
from aggregator.fulfilment.facts import TicketEnded
from aggregator.journal.reading import entries
from aggregator.market import Unit
from aggregator.parties.queries import owner_groups
from aggregator.prices.facts import ParkingDecided
from aggregator.prices.queries import is_parked_for_a_circle, lots_left
from aggregator.scheduler.timers import set_timer
from aggregator.standing.store import mark
from matching.standing.rulebook import CLAIMS, DELIVERY, FORECAST, PAYMENT, REFERRALS, TURNOVER

REVIEW = "standing.review"
_UNWANTED = "unwanted"


async def on_deal_settled(unit: Unit, settled: DealSettled) -> None:
    """Note what both sides kept, unless the deal is no trade between strangers."""
    if settled.buyer_group == settled.seller_group:
        return
    if await is_parked_for_a_circle(unit, settled.deal_id):
        return
    buyer, seller, deal = settled.buyer_id, settled.seller_id, settled.deal_id
    run = await lanes.run_of(unit, deal)
    is_late = run is not None and (run["arrived_at"] or run["due_at"]) > run["due_at"]
    for organisation_id, axis in ((buyer, PAYMENT), (buyer, FORECAST), (seller, FORECAST)):
        await mark(unit, organisation_id, axis, deal, is_kept=True)
    await mark(unit, seller, DELIVERY, deal, is_kept=not is_late)
    await mark(unit, seller, CLAIMS, deal, is_kept=True)
    for organisation_id in (buyer, seller):
        await mark(
            unit,
            organisation_id,
            TURNOVER,
            deal,
            is_kept=True,
            amount_minor=settled.price_minor * settled.lots,
            lots=settled.lots,
        )
        await _credit_referrer(unit, organisation_id)
    await _review(unit, buyer, seller)


async def on_parking_decided(unit: Unit, decided: ParkingDecided) -> None:
    """Note what a deal left that two persons found to be no circular trade.

    Turnover of one that they left out did not stand, where it had counted before its circle closed.
    """
    for entry in await entries(unit, stream_of(decided.deal_id)):
        if not isinstance(entry.fact, DealSettled):
            continue
        if decided.verdict == "release":
            await on_deal_settled(unit, entry.fact)
        else:
            await _take_back(unit, entry.fact)


async def on_deal_lapsed(unit: Unit, lapsed: DealLapsed) -> None:
    """Note that the buyer did not pay in time."""
    await _broken(unit, lapsed.buyer_id, lapsed.seller_id, PAYMENT, lapsed.deal_id)


async def on_deal_defaulted(unit: Unit, defaulted: DealDefaulted) -> None:
    """Note that the seller did not deliver in time."""
    await _broken(unit, defaulted.seller_id, defaulted.buyer_id, DELIVERY, defaulted.deal_id)


async def on_deal_reduced(unit: Unit, reduced: DealReduced) -> None:
    """Note that the seller had promised more than he could deliver."""
    await _broken(unit, reduced.seller_id, reduced.buyer_id, FORECAST, reduced.deal_id)


async def on_claim_ended(unit: Unit, ended: ClaimEnded | TicketEnded) -> None:
    """Note a claim that was the seller's fault."""
    if ended.fault_lots:
        await _broken(unit, ended.seller_id, ended.buyer_id, CLAIMS, ended.deal_id)


async def on_lots_returned(unit: Unit, returned: LotsReturned) -> None:
    """Note whose fault it was that goods went back, and that their turnover did not stand."""
    buyer, seller = returned.buyer_id, returned.seller_id
    if returned.buyer_group == returned.seller_group:
        return
    blamed, axis = (buyer, FORECAST) if returned.reason == _UNWANTED else (seller, CLAIMS)
    await mark(unit, blamed, axis, returned.deal_id, is_kept=False)
    for organisation_id in (buyer, seller):
        await mark(
            unit,
            organisation_id,
            TURNOVER,
            returned.return_id,
            is_kept=False,
            amount_minor=returned.price_minor * returned.lots,
        )
    await _review(unit, buyer, seller)


async def _take_back(unit: Unit, settled: DealSettled) -> None:
    lots = await lots_left(unit, settled.deal_id)
    counted = await unit.rows(
        "select organisation_id from standing_mark where axis = $1 and subject = $2 and is_kept"
        " order by organisation_id",
        TURNOVER,
        settled.deal_id,
    )
    for row in counted:
        await mark(
            unit,
            row["organisation_id"],
            TURNOVER,
            settled.deal_id,
            is_kept=False,
            amount_minor=settled.price_minor * lots,
        )
        await _review(unit, row["organisation_id"])


async def _broken(unit: Unit, organisation_id: str, other_id: str, axis: str, deal: str) -> None:
    groups = await owner_groups([organisation_id, other_id], unit)
    if groups[organisation_id] == groups[other_id]:
        return
    await mark(unit, organisation_id, axis, deal, is_kept=False)
    await _review(unit, organisation_id)


async def _credit_referrer(unit: Unit, organisation_id: str) -> None:
    """Count a referral with the first deal that the referred firm settles."""
    row = await unit.row(
        "select referred_by from referral where organisation_id = $1", organisation_id
    )
    if row is not None:
        await mark(unit, row["referred_by"], REFERRALS, organisation_id, is_kept=True)
        await _review(unit, row["referred_by"])


async def _review(unit: Unit, *organisation_ids: str) -> None:
    """Look at the firms' tiers after this transaction, each in one of its own."""
    for organisation_id in sorted(organisation_ids):
        await set_timer(unit, REVIEW, organisation_id, unit.now)
