"""Price index: a million settled deals screened and valued again, and how the cost grows."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator
from fractions import Fraction
from random import Random
from typing import Any

from matching.index.batch import IndexRules, SettledDeal
from matching.index.publish import Publication, publish_cells

Row = dict[str, Any]
RULES = IndexRules(step_minor=2_500)
SIZES = (10_000, 100_000, 1_000_000)
A_CELL = 100
"""Deals in a cell."""


def measure(seed: int) -> Iterator[Row]:
    per_deal = 0.0
    for size in SIZES:
        cells = waiting(seed, size)
        began = time.perf_counter()
        found = publish_cells(cells, RULES)
        took = time.perf_counter() - began
        published = sum(isinstance(value, Publication) for value in found.values())
        yield _row(f"{size:,} deals in {len(cells):,} cells: recomputed", took, "s")
        yield _row(f"{size:,} deals in {len(cells):,} cells: published", published, "cells")
        if per_deal:
            yield _row("cost of a deal, against a tenth as many", took / size / per_deal, "x")
        per_deal = took / size
    cells = waiting(seed, SIZES[0])
    began = time.perf_counter()
    found = publish_cells(cells, RULES)
    ours = time.perf_counter() - began
    began = time.perf_counter()
    same = all(
        literal(cells[cell]) == value.value_minor
        for cell, value in found.items()
        if isinstance(value, Publication)
    )
    took = time.perf_counter() - began
    yield _row("the formula in fractions, value only, of ours with every rule", took / ours, "x")
    yield _row("its values are the same", int(same), "1 = yes")
    one = {"A": [deal for deals in waiting(seed, SIZES[-1]).values() for deal in deals]}
    began = time.perf_counter()
    publish_cells(one, RULES)
    yield _row(f"{SIZES[-1]:,} deals in one cell: recomputed", time.perf_counter() - began, "s")


def waiting(seed: int, size: int) -> dict[str, list[SettledDeal]]:
    """Return seeded deals by cell, among 40 buyers' and 15 sellers' groups."""
    random = Random(seed)
    cells: dict[str, list[SettledDeal]] = {}
    for number in range(size):
        cell = f"SUGAR-W1/R{number // A_CELL:05d}/2027-03"
        deal = SettledDeal(
            f"deal_{number:07d}",
            f"factory {int(40 * random.random())}",
            f"mill {int(15 * random.random())}",
            490_000 + 100 * int(200 * random.random()),
            5 + int(145 * random.random()),
        )
        cells.setdefault(cell, []).append(deal)
    return cells


def literal(deals: list[SettledDeal]) -> int:
    """Return the value as the formula is written, one fraction a deal."""
    total = sum(deal.lots for deal in deals)
    bought: dict[str, int] = defaultdict(int)
    sold: dict[str, int] = defaultdict(int)
    for deal in deals:
        bought[deal.buyer_group] += deal.lots
        sold[deal.seller_group] += deal.lots
    cap = Fraction(1, 4) * total
    weights = [
        deal.lots
        * min(Fraction(1), cap / bought[deal.buyer_group])
        * min(Fraction(1), cap / sold[deal.seller_group])
        for deal in deals
    ]
    half, reached = sum(weights, Fraction(0)) / 2, Fraction(0)
    for price, weight in sorted(zip((deal.price_minor for deal in deals), weights, strict=True)):
        reached += weight
        if reached >= half:
            return round(Fraction(price, RULES.step_minor)) * RULES.step_minor
    raise AssertionError


def _row(name: str, value: float, unit: str) -> Row:
    return {"name": name, "value": value, "unit": unit}
