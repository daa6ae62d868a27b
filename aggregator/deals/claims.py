"""Claims: what the seller owes for lots that did not come as promised.

Within the tolerance nothing is claimed. Beyond it, every lot short has its share of the
seller's deposit at stake:

- *undelivered* lots, by the seller's own document or word, forfeit their share at once;
- lots delivered and *refused* put their share in doubt. The seller concedes or contests within
  three days, and silence concedes; a contested claim is the operator's to decide within
  fourteen days, and if he does not, the share is the seller's again;
- lots accepted *below their quality* put at stake what the instrument's price-adjustment table
  takes off their goods price (`quality`), as far as the deposit reaches; answered likewise.

Either way the buyer has what the lots cost back from the escrow at once, and title to them
never passed; with the share he may buy a substitute.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from aggregator.deals import performance
from aggregator.deals.facts import ClaimContested, ClaimEnded, ClaimOpened
from aggregator.deals.lines import BPS, share
from aggregator.deals.performance import Part
from aggregator.deals.store import Deal, locked, stream_of
from aggregator.journal.reading import Pool, Reader
from aggregator.market import Actor, Answer, Market, Unit
from aggregator.scheduler.terms import is_over
from aggregator.scheduler.timers import clear_timer, set_timer
from matching.money import Rounding, scaled

UNDELIVERED, REFUSED, QUALITY = "undelivered", "refused", "quality"
OPEN, CONTESTED, FORFEITED, FREED = "open", "contested", "forfeited", "freed"
ANSWER_TIME = timedelta(days=3)
DECISION_TIME = timedelta(days=14)
TIMER = "deals.claim"


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim as it stands; `deposit_minor` is at stake, `compensation_minor` was paid."""

    id: str
    deal_id: str
    cause: str
    lots: int
    deposit_minor: int
    hold_id: str | None
    state: str
    fault_lots: int
    compensation_minor: int
    reason: str
    due_at: datetime | None
    opened_at: datetime
    discount_bps: int


COLUMNS = ", ".join(Claim.__dataclass_fields__)


def is_within_tolerance(deal: Deal, lots: int) -> bool:
    """Tell whether a quantity keeps the promise."""
    return (deal.lots - lots) * BPS <= deal.tolerance_bps * deal.lots


async def claim_undelivered(unit: Unit, deal: Deal, lots: int) -> Deal:
    """Forfeit the share of lots that will not be delivered, beyond those claimed before."""
    if lots <= 0:
        return deal
    deal, part = await performance.part_off(unit, deal, lots)
    claim = await _open(unit, deal, UNDELIVERED, lots, part)
    return await end(unit, deal, claim, fault_lots=lots, by="rule")


async def claim_not_delivered(unit: Unit, deal: Deal) -> Deal:
    """Forfeit what stands behind lots that a delivered deal never brought, beyond tolerance."""
    if is_within_tolerance(deal, deal.delivered_lots):
        return deal
    given_up = await undelivered_lots(unit, deal)
    return await claim_undelivered(unit, deal, deal.lots - deal.delivered_lots - given_up)


async def claim_refused(unit: Unit, deal: Deal, lots: int) -> Deal:
    """Put the share of refused lots in doubt until the seller answers."""
    if lots <= 0:
        return deal
    deal, part = await performance.part_off(unit, deal, lots)
    await _open(unit, deal, REFUSED, lots, part)
    return deal


async def claim_quality(unit: Unit, deal: Deal, lots: int, discount_bps: int) -> Deal:
    """Put the discount on accepted lots in doubt until the seller answers."""
    if not discount_bps:
        return deal
    wanted_minor = share(deal.goods_minor * lots, discount_bps)
    deal, part = await performance.part_of(unit, deal, wanted_minor)
    await _open(unit, deal, QUALITY, lots, part, discount_bps=discount_bps)
    return deal


async def claim_decided(unit: Unit, deal: Deal, lots: int, by: str) -> Deal:
    """Forfeit the share of refused lots whose refusal was found right."""
    if lots <= 0:
        return deal
    deal, part = await performance.part_off(unit, deal, lots)
    claim = await _open(unit, deal, REFUSED, lots, part)
    return await end(unit, deal, claim, fault_lots=lots, by=by)


async def end(unit: Unit, deal: Deal, claim: Claim, *, fault_lots: int, by: str) -> Deal:
    """End a claim: the share of `fault_lots` is the buyer's, the rest the seller's again."""
    paid_minor = scaled(claim.deposit_minor, fault_lots, claim.lots, Rounding.HALF_EVEN)
    if claim.hold_id is None:
        paid_minor = 0
    state = FORFEITED if fault_lots else FREED
    part = Part(claim.deposit_minor, claim.hold_id)
    deal = await performance.forfeit(unit, deal, part, paid_minor, key=claim.id)
    await unit.execute(
        "update deal_claim set state = $2, fault_lots = $3, compensation_minor = $4, due_at = null,"
        " ended_at = $5 where id = $1",
        claim.id,
        state,
        fault_lots,
        paid_minor,
        unit.now,
    )
    await clear_timer(unit, TIMER, claim.id)
    fact = ClaimEnded(
        claim_id=claim.id,
        deal_id=deal.id,
        buyer_id=deal.buyer_id,
        seller_id=deal.seller_id,
        cause=claim.cause,
        lots=claim.lots,
        fault_lots=fault_lots,
        compensation_minor=paid_minor,
        by=by,
    )
    await unit.record(stream_of(deal.id), fact)
    return deal


async def contest(unit: Unit, deal: Deal, claim: Claim, reason: str) -> datetime:
    """Lay an open claim before the operator; return until when he decides."""
    due_at = unit.now + DECISION_TIME
    await unit.execute(
        "update deal_claim set state = $2, reason = $3, due_at = $4 where id = $1",
        claim.id,
        CONTESTED,
        reason,
        due_at,
    )
    await set_timer(unit, TIMER, claim.id, due_at)
    fact = ClaimContested(claim.id, deal.id, deal.buyer_id, deal.seller_id, claim.lots, due_at)
    await unit.record(stream_of(deal.id), fact)
    return due_at


async def on_silence(market: Market, claim_id: str) -> None:
    """Ring when a claim was not answered or not decided in time."""
    deal_id = await deal_of(Pool(), claim_id)
    assert deal_id is not None, claim_id

    async def step(unit: Unit) -> Answer:
        deal = await locked(unit, deal_id)
        claim = (await claims_of(unit, deal_id))[claim_id]
        if not is_over(unit, claim.due_at):
            return {}
        fault_lots = claim.lots if claim.state == OPEN else 0
        await end(unit, deal, claim, fault_lots=fault_lots, by="silence")
        return {"claim_id": claim_id}

    await market.perform(Actor.SYSTEM, "deals.end_claim", step, stream=stream_of(deal_id))


async def deal_of(reader: Reader, claim_id: str) -> str | None:
    found = await reader.rows("select deal_id from deal_claim where id = $1", claim_id)
    return str(found[0]["deal_id"]) if found else None


async def claims_of(reader: Reader, deal_id: str) -> dict[str, Claim]:
    """Return the claims of a deal by id, the earliest first."""
    found = await reader.rows(
        f"select {COLUMNS} from deal_claim where deal_id = $1 order by opened_at, cause desc, id",
        deal_id,
    )
    return {row["id"]: Claim(**dict(row)) for row in found}


async def undelivered_lots(reader: Reader, deal: Deal) -> int:
    """Return the lots that were claimed as undelivered so far."""
    found = await claims_of(reader, deal.id)
    return sum(claim.lots for claim in found.values() if claim.cause == UNDELIVERED)


async def _open(
    unit: Unit, deal: Deal, cause: str, lots: int, part: Part, *, discount_bps: int = 0
) -> Claim:
    claim_id = unit.new_id("clm")
    due_at = unit.now + ANSWER_TIME
    deposit_minor = part.amount_minor if part.hold_id is not None else 0
    await unit.execute(
        "insert into deal_claim (id, deal_id, cause, lots, deposit_minor, hold_id, state, due_at,"
        " opened_at, discount_bps) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        claim_id,
        deal.id,
        cause,
        lots,
        deposit_minor,
        part.hold_id,
        OPEN,
        due_at,
        unit.now,
        discount_bps,
    )
    await set_timer(unit, TIMER, claim_id, due_at)
    fact = ClaimOpened(
        claim_id, deal.id, deal.buyer_id, deal.seller_id, cause, lots, deposit_minor, due_at
    )
    await unit.record(stream_of(deal.id), fact)
    return (await claims_of(unit, deal.id))[claim_id]
