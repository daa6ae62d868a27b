"""Returning settled lots: nothing is edited; title, a credit note and money go back.

Who is at fault pays: for wet, damaged, wrong or substandard goods the seller credits the
freight too, and the market its fee. For goods that are merely unwanted the buyer bears
both. The share of each line is that of the returned lots.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from aggregator.deals import access, stages
from aggregator.deals.facts import LotsReturned
from aggregator.deals.quantities import check_lots, check_text
from aggregator.deals.store import Deal
from aggregator.errors import InvalidField, MarketError
from aggregator.fulfilment import disputed, title
from aggregator.fulfilment.facts import TitlePassed
from aggregator.market import Actor, Answer, Command, Market, Outcome, Unit
from aggregator.scheduler.terms import is_over

ACT = "fulfilment.return"
SELLER, BUYER = "seller", "buyer"
FREIGHT_BY: Mapping[str, str] = {
    "wet": SELLER,
    "damaged": SELLER,
    "wrong_goods": SELLER,
    "below_standard": SELLER,
    "unwanted": BUYER,
}
DISPOSITIONS = ("restock", "downgrade", "scrap", "replace")
_MAX_EVIDENCE = 2_000


@dataclass
class ReturnWindowOver(MarketError):
    """The time for returns has passed."""

    code = "return_window_over"
    closed_at: datetime


@dataclass(frozen=True, slots=True)
class GoodsReturn:
    """What goes back and why; `evidence` describes or names the proof."""

    lots: int
    reason: str
    evidence: str
    disposition: str = "restock"


async def return_lots(
    market: Market, actor: Actor, command: Command, deal_id: str, wanted: GoodsReturn
) -> Outcome:
    """Return lots of a settled deal to its seller.

    Raises:
        NotFound: no such deal of the actor's.
        NotAllowed: the actor is of the seller.
        WrongState: the deal is not settled, or all of it went back.
        ReturnWindowOver: the instrument's return time has passed.
        InvalidField: a reason or disposition that the policy does not know, no evidence,
            or more lots than the buyer has and was not compensated for.

    """
    _check(wanted)

    async def step(unit: Unit) -> Answer:
        deal = await access.as_buyer(unit, deal_id, ACT)
        stages.require_state(deal, stages.SETTLED)
        assert deal.return_until is not None
        if is_over(unit, deal.return_until):
            raise ReturnWindowOver(deal.return_until)
        gone = deal.returned_lots + await disputed.compensated_lots(unit, deal)
        check_lots(wanted.lots, at_most=deal.accepted_lots - gone)
        return await _return(unit, deal, wanted)

    stream = await access.stream_for(actor, ACT, deal_id)
    return await market.perform(actor, ACT, step, command=command, stream=stream)


async def _return(unit: Unit, deal: Deal, wanted: GoodsReturn) -> Answer:
    return_id = unit.new_id("ret")
    freight_by = FREIGHT_BY[wanted.reason]
    await unit.execute(
        "insert into goods_return (id, deal_id, lots, reason, disposition, freight_by, evidence,"
        " returned_at) values ($1, $2, $3, $4, $5, $6, $7, $8)",
        return_id,
        deal.id,
        wanted.lots,
        wanted.reason,
        wanted.disposition,
        freight_by,
        wanted.evidence.strip(),
        unit.now,
    )
    await title.give_back(unit, deal, wanted.lots)
    returned_lots = deal.returned_lots + wanted.lots
    facts = (
        TitlePassed(deal.id, deal.buyer_id, deal.seller_id, wanted.lots),
        _fact(unit, deal, wanted, return_id),
    )
    if returned_lots == deal.accepted_lots:
        deal = await stages.advance(
            unit, deal, stages.RETURNED, *facts, returned_lots=returned_lots, note="returned"
        )
    else:
        deal = await stages.annotate(
            unit, deal, *facts, returned_lots=returned_lots, note="returned"
        )
    return {
        "deal_id": deal.id,
        "state": deal.state,
        "note": deal.note,
        "return_id": return_id,
        "lots": wanted.lots,
        "returned_lots": deal.returned_lots,
        "freight_by": freight_by,
    }


def _fact(unit: Unit, deal: Deal, wanted: GoodsReturn, return_id: str) -> LotsReturned:
    is_sellers_fault = FREIGHT_BY[wanted.reason] == SELLER
    return LotsReturned(
        return_id=return_id,
        deal_id=deal.id,
        cell=deal.cell,
        buyer_id=deal.buyer_id,
        seller_id=deal.seller_id,
        buyer_group=deal.buyer_group,
        seller_group=deal.seller_group,
        price_minor=deal.goods_minor,
        lots=wanted.lots,
        reason=wanted.reason,
        is_freight_credited=is_sellers_fault,
        is_fee_credited=is_sellers_fault,
        returned_at=unit.now,
    )


def _check(wanted: GoodsReturn) -> None:
    if wanted.reason not in FREIGHT_BY:
        raise InvalidField("/reason", "one_of", ", ".join(FREIGHT_BY))
    if wanted.disposition not in DISPOSITIONS:
        raise InvalidField("/disposition", "one_of", ", ".join(DISPOSITIONS))
    check_text(wanted.evidence, "/evidence", max_length=_MAX_EVIDENCE)
