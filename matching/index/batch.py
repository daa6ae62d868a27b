"""What the price index is made of: settled deals, and the rules of one instrument."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

from matching.money import Rounding, scaled

METHOD = "lower-weighted-median/1"


@dataclass(frozen=True, slots=True)
class SettledDeal:
    """A deal whose five evidences agree, on the instrument's basis terms.

    `price_minor` is the basis price per lot as it was paid (`price_paid`). Organisations of one
    beneficial owner share a group, and only groups are counted.
    """

    id: str
    buyer_group: str
    seller_group: str
    price_minor: int
    lots: int


@dataclass(frozen=True, slots=True)
class IndexRules:
    """When a batch is safe, how far one group's weight reaches, and the rounding.

    Each share is a fraction of a batch's lots on one side. `floor` bounds what a small
    number of active groups may lower `min_groups` to.
    """

    step_minor: int
    min_groups: int = 5
    floor: int = 3
    max_share: Fraction = field(default=Fraction(1, 2))
    max_two_share: Fraction = field(default=Fraction(4, 5))
    p_percent: int = 10
    robust_share: Fraction = field(default=Fraction(3, 5))
    party_cap: Fraction = field(default=Fraction(1, 4))

    def __post_init__(self) -> None:
        shares = (self.max_share, self.max_two_share, self.robust_share, self.party_cap)
        if self.step_minor < 1 or self.min_groups < 1 or self.floor < 1 or self.p_percent < 0:
            raise ValueError(f"index rules must be positive: {self}")
        if not all(0 < share <= 1 for share in shares):
            raise ValueError(f"index shares must lie in (0, 1]: {self}")

    def required_groups(self, active: int | None) -> int:
        """Return how many groups a side needs where `active` trade the instrument at all."""
        if active is None:
            return self.min_groups
        return max(min(self.floor, self.min_groups), min(self.min_groups, active))


@dataclass(frozen=True, slots=True)
class ActiveGroups:
    """How many owner groups trade an instrument on each side."""

    buyers: int
    sellers: int


def price_paid(price_minor: int, lots: int, *, conceded_minor: int) -> int:
    """Return what a lot of goods cost after price adjustments, half to even, and at least 1.

    `conceded_minor` is what the seller gave back of the goods price of all `lots`. A price that
    was agreed and partly given back is not what anybody paid, and would move the index for nothing.
    """
    return max(scaled(price_minor * lots - conceded_minor, 1, lots, Rounding.HALF_EVEN), 1)
