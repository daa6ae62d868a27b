"""The supplier's deposit: held for every lot that an offer may still turn into a deal.

The share is the instrument's, of the offer's highest price. It is held when the offer is
published, or the offer is refused. A lot leaves it when a deal takes a deposit of its own, or
when the offer ends and the lot was not reserved.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aggregator.catalogue.queries import instrument
from aggregator.errors import InsufficientFunds
from aggregator.journal.reading import decoded
from aggregator.ledger import accounts, holds
from aggregator.market import Unit
from matching.money import Rounding, scaled


async def hold(unit: Unit, offer_id: str) -> None:
    """Hold the deposit of a fresh offer.

    Raises:
        InsufficientFunds: the supplier has less than that available.

    """
    row = await _locked(unit, offer_id)
    await _place(unit, row, await _wanted(unit, row))


async def adjust(unit: Unit, offer_id: str) -> None:
    """Hold what the offer's lots need now, or what the supplier has of it.

    Lots that come back from a failed deal may find him short; then what is missing is asked
    for when they are dealt again.
    """
    row = await _locked(unit, offer_id)
    if row["hold_id"] is not None:
        end = holds.expire if row["state"] == "expired" else holds.void
        await end(unit, row["hold_id"])
    wanted = await _wanted(unit, row)
    try:
        await _place(unit, row, wanted)
    except InsufficientFunds as short:
        await _place(unit, row, short.available_minor)


async def bind(unit: Unit, offer_id: str, lots: int) -> None:
    """Free the share of reserved lots, whose deals take their own deposits in this unit."""
    await _locked(unit, offer_id)
    await unit.execute(
        "update offer set dealt_lots = dealt_lots + $2 where id = $1", offer_id, lots
    )
    await adjust(unit, offer_id)


async def unbind(unit: Unit, offer_id: str, lots: int) -> None:
    """Cover lots again whose deal came to nothing."""
    await _locked(unit, offer_id)
    await unit.execute(
        "update offer set dealt_lots = dealt_lots - $2 where id = $1", offer_id, lots
    )
    await adjust(unit, offer_id)


async def _wanted(unit: Unit, row: Mapping[str, Any]) -> int:
    bound = row["capacity_lots"] if row["state"] == "standing" else row["taken_lots"]
    lots = max(bound - row["dealt_lots"], 0)
    traded = await instrument(row["instrument_id"], unit)
    highest = int(decoded(row["breaks"])[0][1])
    return scaled(highest * lots, traded.deposit_bps, 10_000, Rounding.UP)


async def _place(unit: Unit, row: Mapping[str, Any], amount_minor: int) -> None:
    traded = await instrument(row["instrument_id"], unit)
    cash = await accounts.ensure(unit, row["seller_id"], accounts.CASH, traded.currency)
    hold_id = None
    if amount_minor > 0:
        hold_id = await holds.place(unit, cash, amount_minor, f"offer:{row['id']}")
    await unit.execute("update offer set hold_id = $2 where id = $1", row["id"], hold_id)


async def _locked(unit: Unit, offer_id: str) -> Mapping[str, Any]:
    row = await unit.row(
        "select id, seller_id, instrument_id, breaks, capacity_lots, taken_lots, dealt_lots, state,"
        " hold_id from offer where id = $1 for update",
        offer_id,
    )
    assert row is not None, offer_id
    return row
