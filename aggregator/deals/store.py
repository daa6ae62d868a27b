"""Rows of deals to values and back. Only `stages` and `formation` write them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aggregator.catalogue.fees import Fees
from aggregator.deals.lines import Line, Rates
from aggregator.errors import NotFound
from aggregator.journal.reading import Reader
from aggregator.market import Unit

COLUMNS = (
    "id, source, source_id, instrument_id, region, tenor, cell, buyer_id, seller_id, buyer_group,"
    " seller_group, currency, lots, goods_minor, freight_minor, capital_minor, fee_minor, fee_bps,"
    " logistics_fee_bps, capital_fee_bps, lot_fee_minor, tax_bps, service_tax_bps, tolerance_bps,"
    " return_days, total_minor, deposit_minor,"
    " call_reference, call_minor, performance_hold_id, performance_minor, missing_minor,"
    " performance_due_at,"
    " forfeited_minor, state, note, dispute_reason, cancel_wanted_by, cancel_until, shipped_lots,"
    " delivered_lots, accepted_lots, returned_lots, claimed_lots, wanted_minor,"
    " funding_due_at, ship_due_at, due_at, formed_at, settled_at,"
    " return_until"
)


@dataclass(frozen=True, slots=True)
class Deal:
    """A deal as it stands. Per-lot prices, totals in minor units, quantities in lots."""

    id: str
    source: str
    source_id: str
    instrument_id: str
    region: str
    tenor: str
    cell: str
    buyer_id: str
    seller_id: str
    buyer_group: str
    seller_group: str
    currency: str
    lots: int
    goods_minor: int
    freight_minor: int
    capital_minor: int
    fee_minor: int | None
    fee_bps: int
    logistics_fee_bps: int
    capital_fee_bps: int
    lot_fee_minor: int
    tax_bps: int
    service_tax_bps: int
    tolerance_bps: int
    return_days: int
    total_minor: int
    deposit_minor: int
    call_reference: str
    call_minor: int
    performance_hold_id: str | None
    performance_minor: int
    missing_minor: int
    performance_due_at: datetime | None
    forfeited_minor: int
    state: str
    note: str
    dispute_reason: str
    cancel_wanted_by: str | None
    cancel_until: datetime | None
    shipped_lots: int
    delivered_lots: int
    accepted_lots: int
    returned_lots: int
    claimed_lots: int
    wanted_minor: int
    funding_due_at: datetime
    ship_due_at: datetime
    due_at: datetime | None
    formed_at: datetime
    settled_at: datetime | None
    return_until: datetime | None

    @property
    def rates(self) -> Rates:
        return Rates(
            goods_minor=self.goods_minor,
            freight_minor=self.freight_minor,
            capital_minor=self.capital_minor,
            fee_minor=self.fee_minor,
            fees=Fees(
                self.fee_bps, self.logistics_fee_bps, self.capital_fee_bps, self.lot_fee_minor
            ),
            tax_bps=self.tax_bps,
            service_tax_bps=self.service_tax_bps,
        )


def stream_of(deal_id: str) -> str:
    return f"deal:{deal_id}"


def deal_of(row: Mapping[str, Any]) -> Deal:
    return Deal(**{name: row[name] for name in Deal.__dataclass_fields__})


async def load(reader: Reader, deal_id: str) -> Deal:
    """Return the deal, or raise NotFound."""
    found = await reader.rows(f"select {COLUMNS} from deal where id = $1", deal_id)
    if not found:
        raise NotFound("deal")
    return deal_of(found[0])


async def locked(unit: Unit, deal_id: str) -> Deal:
    """Return the deal for changing it: its stream stays locked until the transaction ends."""
    await load(unit, deal_id)  # an unknown id must not leave a stream behind
    await unit.lock(stream_of(deal_id))
    return await load(unit, deal_id)


async def write_lines(unit: Unit, deal_id: str, basis: str, lines: Sequence[Line]) -> None:
    for position, line in enumerate(lines, start=1):
        await unit.execute(
            "insert into deal_line (deal_id, basis, position, kind, counterparty, lots, rate_bps,"
            " amount_minor) values ($1, $2, $3, $4, $5, $6, $7, $8)",
            deal_id,
            basis,
            position,
            line.kind,
            line.counterparty,
            line.lots,
            line.rate_bps,
            line.amount_minor,
        )


async def lines_of(reader: Reader, deal_id: str, basis: str) -> list[Line]:
    """Return the recorded lines of one basis, in order."""
    found = await reader.rows(
        "select kind, counterparty, lots, rate_bps, amount_minor from deal_line"
        " where deal_id = $1 and basis = $2 order by position",
        deal_id,
        basis,
    )
    return [Line(**dict(row)) for row in found]
