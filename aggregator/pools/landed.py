"""A member's landed price: goods + his own freight + the market's fee, per lot before tax.

The fee is that of each flow, rounded up per lot here; on the deal it is rounded once on the
whole, so a deal never costs more than its landed price says.
"""

from __future__ import annotations

from dataclasses import dataclass

from aggregator.catalogue.fees import BPS, Fees
from matching.money import Rounding, scaled


@dataclass(frozen=True, slots=True)
class Landed:
    """The lines of a landed price, in minor units per lot; capital is an explicit zero."""

    goods_minor: int
    freight_minor: int
    fee_minor: int

    @property
    def landed_minor(self) -> int:
        return self.goods_minor + self.freight_minor + self.fee_minor


def landed(goods_minor: int, freight_minor: int, fees: Fees) -> Landed:
    """Return the landed price of a goods price."""
    return Landed(goods_minor, freight_minor, fees.of_lot(goods_minor, freight_minor))


def net_limit(limit_minor: int, freight_minor: int, fees: Fees) -> int:
    """Return the highest goods price whose landed price stays within the limit.

    goods + ⌈goods × fee⌉ ≤ rest, where the rest is what freight and the fees beside the goods
    leave of the limit, holds exactly when goods ≤ ⌊rest × 10000 ÷ (10000 + fee)⌋, as all are whole.
    """
    rest_minor = limit_minor - freight_minor - fees.beside_goods(freight_minor)
    return rest_minor * BPS // (BPS + fees.goods_bps)


def deposit(limit_minor: int, lots: int, deposit_bps: int) -> int:
    """Return what is held of a pledge of so many lots, tolerance included."""
    return scaled(limit_minor * lots, deposit_bps, BPS, Rounding.UP)
