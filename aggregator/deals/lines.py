"""The glass box: a deal's total as lines, each with its counterparty, to the last fen.

goods + logistics + capital are owed to the seller, who adds value-added tax on all three;
the information line is the market's fee, with the tax on services. The fee has a part for each
flow (`catalogue.fees`). Tax and fee rates are rounded once on the whole amount, half to even, and
the total is the sum of the lines.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aggregator.catalogue.fees import Fees
from matching.money import Rounding, scaled

GOODS, LOGISTICS, CAPITAL = "goods", "logistics", "capital"
INFORMATION, TAX, SERVICE_TAX = "information", "tax", "service_tax"
PLATFORM = "platform"
BPS = 10_000


@dataclass(frozen=True, slots=True)
class Rates:
    """What a lot costs, and the rates in basis points.

    `fee_minor` is the fee per lot where the award fixed it; otherwise the fee is that of each
    flow by its rate.
    """

    goods_minor: int
    freight_minor: int
    capital_minor: int
    fee_minor: int | None
    fees: Fees
    tax_bps: int
    service_tax_bps: int


@dataclass(frozen=True, slots=True)
class Line:
    """One flow of a deal; `rate_bps` is set where the amount comes from a rate."""

    kind: str
    counterparty: str
    lots: int
    rate_bps: int | None
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Fee:
    """What the market takes of one flow."""

    flow: str
    amount_minor: int


def lines_of(rates: Rates, lots: int, *, seller_id: str) -> tuple[Line, ...]:
    """Return the six lines for a quantity, zeros included."""
    goods = rates.goods_minor * lots
    logistics = rates.freight_minor * lots
    capital = rates.capital_minor * lots
    fee = fee_minor(rates, lots)
    # One rate says it all only where the goods are the one flow that bears a fee.
    is_simple = rates.fee_minor is None and rates.fees == Fees(rates.fees.goods_bps)
    fee_bps = rates.fees.goods_bps if is_simple else None
    return (
        Line(GOODS, seller_id, lots, None, goods),
        Line(LOGISTICS, seller_id, lots, None, logistics),
        Line(CAPITAL, seller_id, lots, None, capital),
        Line(INFORMATION, PLATFORM, lots, fee_bps, fee),
        Line(
            TAX, seller_id, lots, rates.tax_bps, share(goods + logistics + capital, rates.tax_bps)
        ),
        Line(SERVICE_TAX, PLATFORM, lots, rates.service_tax_bps, share(fee, rates.service_tax_bps)),
    )


def fee_minor(rates: Rates, lots: int) -> int:
    """Return the market's fee for a quantity, before tax."""
    return sum(fee.amount_minor for fee in fees_by_flow(rates, lots))


def fees_by_flow(rates: Rates, lots: int) -> tuple[Fee, ...]:
    """Return the parts of the market's fee for a quantity; a fee that was fixed has one."""
    if rates.fee_minor is not None:
        return (Fee(INFORMATION, rates.fee_minor * lots),)
    fees = rates.fees
    return (
        Fee(GOODS, share(rates.goods_minor * lots, fees.goods_bps)),
        Fee(LOGISTICS, share(rates.freight_minor * lots, fees.logistics_bps)),
        Fee(CAPITAL, share(rates.capital_minor * lots, fees.capital_bps)),
        Fee(INFORMATION, fees.lot_minor * lots),
    )


def share(amount_minor: int, bps: int) -> int:
    """Return `bps` of an amount, half to even."""
    return scaled(amount_minor, bps, BPS, Rounding.HALF_EVEN)


def total(lines: Sequence[Line], counterparty: str | None = None) -> int:
    """Return the sum of the lines, or of those owed to one counterparty."""
    return sum(
        line.amount_minor
        for line in lines
        if counterparty is None or line.counterparty == counterparty
    )
