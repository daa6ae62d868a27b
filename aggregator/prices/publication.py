"""From settled deals to a published price: gather, screen, publish when the batch is safe."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from aggregator.catalogue.queries import InstrumentView, instrument, parent
from aggregator.catalogue.tenors import Cell, parse_cell
from aggregator.deals import claims
from aggregator.deals.activity import active_groups
from aggregator.deals.facts import DealSettled, LotsReturned
from aggregator.fulfilment.ticket_rows import open_tickets
from aggregator.journal.facts import canonical
from aggregator.journal.reading import Reader
from aggregator.market import Actor, Answer, Market, Unit
from aggregator.prices import circling
from aggregator.prices.facts import BatchFolded, DealParked, PricePublished
from aggregator.prices.screening import WINDOW, sold_to
from aggregator.scheduler.timers import clear_timer, is_set, set_timer
from matching.index.batch import ActiveGroups, IndexRules, SettledDeal, price_paid
from matching.index.circles import circle
from matching.index.publish import Publication, publish
from matching.index.screening import Suppressed

STREAM = "prices"
TICKET, CLAIM = "ticket", "claim"
DISPUTES = (TICKET, CLAIM)
ACTIVE_WITHIN = timedelta(days=365)
FOLDING = "prices.fold"
FOLD_AFTER = timedelta(days=60)


async def on_deal_settled(unit: Unit, settled: DealSettled) -> None:
    """Put a settled deal into its cell's batch, and publish the batch if it is safe."""
    cell = parse_cell(settled.cell)
    # A circle may run through several cells: deals of one instrument are screened in one order.
    await unit.lock(f"screen:{cell.instrument_id}")
    known = await sold_to(unit, cell.instrument_id, settled.settled_at - WINDOW)
    sides = {"buyer_group": settled.buyer_group, "seller_group": settled.seller_group}
    verdict = circle(known, **sides)
    legs: Sequence[Mapping[str, Any]] = ()
    if verdict == circling.CLOSED_CYCLE:
        legs = await circling.legs_of(unit, settled, cell.instrument_id, known)
    await circling.lock_cells(unit, cell.instrument_id, {str(cell), *(leg["cell"] for leg in legs)})
    reason = verdict or await in_dispute(unit, settled.deal_id)
    name = await circling.park(unit, settled.deal_id, legs) if verdict else None
    await unit.execute(
        "insert into price_deal (deal_id, cell, instrument_id, region, tenor, buyer_group,"
        " seller_group, price_minor, lots, settled_at, state, parked_for, circle)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        settled.deal_id,
        str(cell),
        cell.instrument_id,
        cell.region,
        cell.tenor,
        settled.buyer_group,
        settled.seller_group,
        await paid(unit, settled.deal_id, settled.price_minor, settled.lots),
        settled.lots,
        settled.settled_at,
        "parked" if reason else "waiting",
        reason,
        name,
    )
    if reason is not None:
        await unit.record(f"cell:{cell}", DealParked(settled.deal_id, reason))
        # What is left of a batch may be safe now.
        for left in sorted({leg["cell"] for leg in legs if leg["state"] == "waiting"}):
            await gather(unit, parse_cell(left))
        return
    await gather(unit, cell)


async def in_dispute(reader: Reader, deal_id: str) -> str | None:
    """Return the reason to park a deal whose lots or price are in dispute, or None."""
    found = await open_tickets(reader, deal_id)
    if any(ticket.lots for ticket in found):
        return TICKET
    if any(
        claim.state in (claims.OPEN, claims.CONTESTED)
        for claim in await _quality_claims(reader, deal_id)
    ):
        return CLAIM
    return None


async def paid(reader: Reader, deal_id: str, price_minor: int, lots: int) -> int:
    """Return what a lot of a deal cost, after what its seller conceded for its quality."""
    found = await _quality_claims(reader, deal_id)
    conceded_minor = sum(claim.compensation_minor for claim in found)
    return price_paid(price_minor, lots, conceded_minor=conceded_minor)


async def _quality_claims(reader: Reader, deal_id: str) -> list[claims.Claim]:
    found = await claims.claims_of(reader, deal_id)
    return [claim for claim in found.values() if claim.cause == claims.QUALITY]


async def on_lots_returned(unit: Unit, returned: LotsReturned) -> None:
    """Take returned lots out of what feeds the cell; nothing published is restated."""
    await exclude(unit, returned.deal_id, returned.lots)


async def exclude(unit: Unit, deal_id: str, lots: int) -> None:
    """Take returned lots out: of the waiting batch, or as an exclusion of the next one.

    What was published stays as it is.
    """
    cell = await locked_cell(unit, deal_id)
    if cell is None:
        return
    deal = await unit.row("select state, lots from price_deal where deal_id = $1", deal_id)
    assert deal is not None
    if deal["state"] == "published":
        await unit.execute(
            "insert into price_exclusion (deal_id, cell, lots, noted_at) values ($1, $2, $3, $4)",
            deal_id,
            cell,
            lots,
            unit.now,
        )
        return
    left = max(deal["lots"] - lots, 0)
    await unit.execute(
        "update price_deal set lots = $2::bigint,"
        " state = case when $2::bigint = 0 then 'excluded' else state end,"
        " parked_for = case when $2::bigint = 0 then null else parked_for end where deal_id = $1",
        deal_id,
        left,
    )
    if deal["state"] == "waiting":
        await gather(unit, parse_cell(cell))


async def locked_cell(unit: Unit, deal_id: str) -> str | None:
    """Lock the cell that a deal feeds and return it; None where it has not settled."""
    cell, locked = await _cell_of(unit, deal_id), None
    # While this waited for the lock, the deal may have gone up to the next region; that ends.
    while cell != locked:
        await unit.lock(f"cell:{cell}")
        cell, locked = await _cell_of(unit, deal_id), cell
    return cell


async def _cell_of(unit: Unit, deal_id: str) -> str | None:
    row = await unit.row("select cell from price_deal where deal_id = $1", deal_id)
    return None if row is None else str(row["cell"])


async def fold(market: Market, key: str) -> None:
    """Move a batch that has waited too long to the region above, and publish that if safe.

    The deals leave their cell for good, so that the batches stay disjoint: what the parent
    publishes of them is all that it adds to what its children have published.
    """

    async def step(unit: Unit) -> Answer:
        cell = parse_cell(key)
        # With the instrument's screen: who has it may take more than one cell.
        await unit.lock(f"screen:{cell.instrument_id}")
        await unit.lock(f"cell:{cell}")
        waiting = await _waiting(unit, cell)
        above = await parent(cell.region, unit)
        if not waiting or above is None:
            return {}
        target = Cell(cell.instrument_id, above, cell.tenor)
        await unit.lock(f"cell:{target}")
        await unit.execute(
            "update price_deal set cell = $2, region = $3 where cell = $1 and state = 'waiting'",
            str(cell),
            str(target),
            above,
        )
        await unit.record(f"cell:{cell}", BatchFolded(str(target), tuple(d.id for d in waiting)))
        await gather(unit, target)
        return {}

    await market.perform(Actor.SYSTEM, "prices.fold", step)


async def gather(unit: Unit, cell: Cell) -> None:
    """Publish the batch or let it wait, at most `FOLD_AFTER` from its first deal on."""
    if await publish_if_safe(unit, cell):
        await clear_timer(unit, FOLDING, str(cell))
    elif not await is_set(unit, FOLDING, str(cell)):
        await set_timer(unit, FOLDING, str(cell), unit.now + FOLD_AFTER)


async def publish_if_safe(unit: Unit, cell: Cell) -> bool:
    """Publish the cell's waiting deals as one batch if every safety rule holds."""
    terms = await instrument(cell.instrument_id, unit)
    waiting = await _waiting(unit, cell)
    excluded = await unit.rows(
        "select distinct deal_id from price_exclusion where cell = $1 and publication_id is null",
        str(cell),
    )
    active = await _active(unit, cell)
    found = publish(
        waiting,
        IndexRules(step_minor=terms.step_minor),
        excluded=frozenset(row["deal_id"] for row in excluded),
        active=active,
    )
    if isinstance(found, Suppressed):
        return False
    number = await _publish(unit, cell, terms, waiting, found)
    await unit.execute(
        "insert into price_activity (cell, number, buyers, sellers) values ($1, $2, $3, $4)",
        str(cell),
        number,
        active.buyers,
        active.sellers,
    )
    return True


async def suppression(reader: Reader, cell: Cell, terms: InstrumentView) -> Suppressed | None:
    """Return why a cell's waiting deals are not published, or None when none wait."""
    waiting = await _waiting(reader, cell)
    if not waiting:
        return None
    found = publish(
        waiting, IndexRules(step_minor=terms.step_minor), active=await _active(reader, cell)
    )
    return found if isinstance(found, Suppressed) else None


async def _publish(
    unit: Unit,
    cell: Cell,
    terms: InstrumentView,
    waiting: Sequence[SettledDeal],
    found: Publication,
) -> int:
    """Write a publication and return its number within the cell."""
    counted = await unit.row(
        "select count(*) as n from price_publication where cell = $1", str(cell)
    )
    assert counted is not None
    fact = PricePublished(
        publication_id=unit.new_id("prc"),
        cell=str(cell),
        number=counted["n"] + 1,
        value_minor=found.value_minor,
        currency=terms.currency,
        volume_band=found.volume_band,
        size_band=found.size_band,
        method=found.method,
        inputs_sha256=inputs_sha256([deal for deal in waiting if deal.id in set(found.used)]),
        at=unit.now,
    )
    await unit.execute(
        "insert into price_publication (id, cell, instrument_id, region, tenor, number,"
        " value_minor, currency, volume_band, size_band, method, inputs_sha256, at)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        fact.publication_id,
        str(cell),
        cell.instrument_id,
        cell.region,
        cell.tenor,
        fact.number,
        fact.value_minor,
        fact.currency,
        fact.volume_band,
        fact.size_band,
        fact.method,
        fact.inputs_sha256,
        fact.at,
    )
    await unit.execute(
        "update price_deal set state = 'published', publication_id = $2"
        " where deal_id = any($1::text[])",
        list(found.used),
        fact.publication_id,
    )
    await unit.execute(
        "update price_exclusion set publication_id = $2 where cell = $1 and publication_id is null",
        str(cell),
        fact.publication_id,
    )
    await unit.record(STREAM, fact)
    return fact.number


async def _waiting(reader: Reader, cell: Cell) -> list[SettledDeal]:
    found = await reader.rows(
        "select deal_id, buyer_group, seller_group, price_minor, lots from price_deal"
        " where cell = $1 and state = 'waiting' order by deal_id",
        str(cell),
    )
    return [
        SettledDeal(r["deal_id"], r["buyer_group"], r["seller_group"], r["price_minor"], r["lots"])
        for r in found
    ]


async def _active(reader: Reader, cell: Cell) -> ActiveGroups:
    """Count the owner groups that traded the instrument within a year of its last deal."""
    last = await reader.rows(
        "select max(settled_at) as at from price_deal where instrument_id = $1",
        cell.instrument_id,
    )
    if last[0]["at"] is None:
        return ActiveGroups(buyers=0, sellers=0)
    since = last[0]["at"] - ACTIVE_WITHIN
    buyers, sellers = await active_groups(cell.instrument_id, since, reader)
    return ActiveGroups(buyers=buyers, sellers=sellers)


def inputs_sha256(deals: Sequence[SettledDeal]) -> str:
    """Return the hash of the deals behind a value, given in order of their ids."""
    inputs = [[d.id, d.buyer_group, d.seller_group, d.price_minor, d.lots] for d in deals]
    return hashlib.sha256(canonical(inputs)).hexdigest()
