"""What the market takes of each flow of a deal. Each part may be zero.

Of goods, freight and capital it takes a share, for the information itself an amount per lot. The
fee of a lot is rounded up flow by flow, that of a whole deal half to even, so a deal never costs
more than the landed price of its lots says.
"""

from __future__ import annotations

from dataclasses import dataclass

from matching.money import Rounding, scaled

BPS = 10_000


@dataclass(frozen=True, slots=True)
class Fees:
    """The rates in basis points, and the amount per lot in minor units."""

    goods_bps: int
    logistics_bps: int = 0
    capital_bps: int = 0
    lot_minor: int = 0

    def of_lot(self, goods_minor: int, freight_minor: int, capital_minor: int = 0) -> int:
        """Return the fee of one lot."""
        return scaled(goods_minor, self.goods_bps, BPS, Rounding.UP) + self.beside_goods(
            freight_minor, capital_minor
        )

    def beside_goods(self, freight_minor: int, capital_minor: int = 0) -> int:
        """Return the part of a lot's fee that does not follow its goods price."""
        return (
            scaled(freight_minor, self.logistics_bps, BPS, Rounding.UP)
            + scaled(capital_minor, self.capital_bps, BPS, Rounding.UP)
            + self.lot_minor
        )
