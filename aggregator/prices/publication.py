"""From settled deals to a published price: gather, screen, publish when the batch is safe."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import timedelta

from aggregator.catalogue.queries import InstrumentView, instrument
from aggregator.catalogue.tenors import Cell, parse_cell
from aggregator.deals.activity import active_groups
from aggregator.deals.facts import DealSettled, LotsReturned
from aggregator.journal.facts import canonical
from aggregator.journal.reading import Reader
from aggregator.market import Unit
from aggregator.prices.facts import DealParked, PricePublished
from aggregator.prices.screening import circular
from matching.index.batch import ActiveGroups, IndexRules, SettledDeal
from matching.index.publish import Publication, publish
from matching.index.screening import Suppressed

STREAM = "prices"
ACTIVE_WITHIN = timedelta(days=365)


async def on_deal_settled(unit: Unit, settled: DealSettled) -> None:
    """Put a settled deal into its cell's batch, and publish the batch if it is safe."""
    cell = parse_cell(settled.cell)
    # A circle may run through several cells: deals of one instrument are screened in one order.
    await unit.lock(f"screen:{cell.instrument_id}")
    await unit.lock(f"cell:{cell}")
    reason = await circular(
        unit,
        cell.instrument_id,
        buyer_group=settled.buyer_group,
        seller_group=settled.seller_group,
        settled_at=settled.settled_at,
    )
    await unit.execute(
        "insert into price_deal (deal_id, cell, instrument_id, region, tenor, buyer_group,"
        " seller_group, price_minor, lots, settled_at, state, parked_for)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        settled.deal_id,
        str(cell),
        cell.instrument_id,
        cell.region,
        cell.tenor,
        settled.buyer_group,
        settled.seller_group,
        settled.price_minor,
        settled.lots,
        settled.settled_at,
        "parked" if reason else "waiting",
        reason,
    )
    if reason:
        await unit.record(f"cell:{cell}", DealParked(settled.deal_id, reason))
        return
    await publish_if_safe(unit, cell)


async def on_lots_returned(unit: Unit, returned: LotsReturned) -> None:
    """Take returned lots out of what feeds the cell; nothing published is restated."""
    await exclude(unit, returned.deal_id, returned.lots)


async def exclude(unit: Unit, deal_id: str, lots: int) -> None:
    """Take returned lots out: of the waiting batch, or as an exclusion of the next one.

    What was published stays as it is.
    """
    row = await unit.row("select cell from price_deal where deal_id = $1", deal_id)
    if row is None:
        return
    await unit.lock(f"cell:{row['cell']}")
    deal = await unit.row("select state, lots from price_deal where deal_id = $1", deal_id)
    assert deal is not None
    if deal["state"] == "published":
        await unit.execute(
            "insert into price_exclusion (deal_id, cell, lots, noted_at) values ($1, $2, $3, $4)",
            deal_id,
            row["cell"],
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


async def publish_if_safe(unit: Unit, cell: Cell) -> None:
    """Publish the cell's waiting deals as one batch if every safety rule holds."""
    terms = await instrument(cell.instrument_id, unit)
    waiting = await _waiting(unit, cell)
    excluded = await unit.rows(
        "select distinct deal_id from price_exclusion where cell = $1 and publication_id is null",
        str(cell),
    )
    found = publish(
        waiting,
        IndexRules(step_minor=terms.step_minor),
        excluded=frozenset(row["deal_id"] for row in excluded),
        active=await _active(unit, cell),
    )
    if isinstance(found, Publication):
        await _publish(unit, cell, terms, waiting, found)


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
) -> None:
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
        inputs_sha256=_inputs_sha256(waiting, found),
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


def _inputs_sha256(waiting: Sequence[SettledDeal], found: Publication) -> str:
    used = set(found.used)
    inputs = [
        [deal.id, deal.buyer_group, deal.seller_group, deal.price_minor, deal.lots]
        for deal in waiting
        if deal.id in used
    ]
    return hashlib.sha256(canonical(inputs)).hexdigest()
