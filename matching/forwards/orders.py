"""What is bundled: buyers' orders, suppliers' offers, storage, and the rules of the event.

Quantities are whole lots, prices minor units per lot. `seq` is the order of arrival among
orders, and among offers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Pricing = Literal["supported", "make_whole"]


@dataclass(frozen=True, slots=True)
class PeriodOrder:
    """Up to `lots` in one tenor; nothing, or at least `min_lots`."""

    id: str
    owner: str
    tenor: str
    lots: int
    limit_minor: int
    seq: int
    min_lots: int = 0


@dataclass(frozen=True, slots=True)
class FlexibleOrder:
    """Up to `lots` within a window of tenors (both ends included).

    No tenor takes more than `per_tenor_max`, no lot costs more than the limit, and the
    total is nothing or at least `min_lots`.
    """

    id: str
    owner: str
    window: tuple[str, str]
    lots: int
    limit_minor: int
    seq: int
    per_tenor_max: int | None = None
    min_lots: int = 0


@dataclass(frozen=True, slots=True)
class BlockOrder:
    """All of `lots` (tenor, lots) or nothing; the limit is the average per lot."""

    id: str
    owner: str
    lots: tuple[tuple[str, int], ...]
    limit_minor: int
    seq: int


Order = PeriodOrder | FlexibleOrder | BlockOrder


@dataclass(frozen=True, slots=True)
class Step:
    """So many lots of one tenor at this ask per lot."""

    tenor: str
    lots: int
    price_minor: int


@dataclass(frozen=True, slots=True)
class Offer:
    """A supplier's schedule over the tenors: nothing, or a total from `min_total` on.

    `breaks` are (lots, rebate per lot): from so many lots in total, the rebate counts for
    all of them. Steps of one tenor are listed cheapest first.
    """

    id: str
    owner: str
    steps: tuple[Step, ...]
    capacity: int
    seq: int
    min_total: int = 1
    breaks: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Storage:
    """A keeper's room from one tenor to a later one, at a carry per lot."""

    id: str
    owner: str
    from_tenor: str
    to_tenor: str
    capacity_lots: int
    carry_minor: int


@dataclass(frozen=True, slots=True)
class Rules:
    """Settings of the event, frozen before its window opens.

    `node_limit` bounds each search of the solver, `price_nodes` how many price boxes are
    looked into for the best allocation that uniform prices support. `gap_ppm` is the gap
    at which a search may stop, in millionths of the bound; small bundles are solved to none.
    """

    pricing: Pricing = "supported"
    tick_minor: int = 1
    gap_ppm: int = 100
    node_limit: int = 20_000
    price_nodes: int = 400
