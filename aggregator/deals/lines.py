"""The glass box: a deal's total as lines, each with its counterparty, to the last fen.

goods + logistics + capital are owed to the seller, who adds value-added tax on all three;
the information line is the market's fee, with the tax on services. Tax and fee rates are
rounded once on the whole line, half to even, and the total is the sum of the lines.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matching.money import Rounding, scaled

GOODS, LOGISTICS, CAPITAL = "goods", "logistics", "capital"
INFORMATION, TAX, SERVICE_TAX = "information", "tax", "service_tax"
PLATFORM = "platform"
BPS = 10_000


@dataclass(frozen=True, slots=True)
class Rates:
    """What a lot costs, and the rates in basis points.

    `fee_minor` is the fee per lot where the award fixed it; otherwise the fee is `fee_bps`
    of the goods line.
    """

    goods_minor: int
    freight_minor: int
    capital_minor: int
    fee_minor: int | None
    fee_bps: int
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


def lines_of(rates: Rates, lots: int, *, seller_id: str) -> tuple[Line, ...]:
    """Return the six lines for a quantity, zeros included."""
    goods = rates.goods_minor * lots
    logistics = rates.freight_minor * lots
    capital = rates.capital_minor * lots
    fee = fee_minor(rates, lots)
    by_award = rates.fee_minor is not None
    return (
        Line(GOODS, seller_id, lots, None, goods),
        Line(LOGISTICS, seller_id, lots, None, logistics),
        Line(CAPITAL, seller_id, lots, None, capital),
        Line(INFORMATION, PLATFORM, lots, None if by_award else rates.fee_bps, fee),
        Line(
            TAX, seller_id, lots, rates.tax_bps, share(goods + logistics + capital, rates.tax_bps)
        ),
        Line(SERVICE_TAX, PLATFORM, lots, rates.service_tax_bps, share(fee, rates.service_tax_bps)),
    )


def fee_minor(rates: Rates, lots: int) -> int:
    """Return the market's fee for a quantity, before tax."""
    if rates.fee_minor is not None:
        return rates.fee_minor * lots
    return share(rates.goods_minor * lots, rates.fee_bps)


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
