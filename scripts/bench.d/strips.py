"""Strips: clearing and independently checking bundled forward orders, on files."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from random import Random
from typing import Any

from aggregator.laboratory.clearing import check_documents, clear_document

SIZES = ((100, 6, 4), (1_000, 12, 8), (5_000, 12, 10))
"""Orders, months and offers of each case."""


def measure(seed: int) -> Iterator[dict[str, Any]]:
    for orders, tenors, offers in SIZES:
        case = f"{orders:,} orders, {tenors} months, {offers} offers"
        market = a_market(seed, orders=orders, tenors=tenors, offers=offers)
        instance = json.dumps(market).encode()
        began = time.perf_counter()
        result = clear_document(instance)
        cleared = time.perf_counter()
        check_documents(instance, json.dumps(result).encode())
        checked = time.perf_counter()
        yield _row(f"{case}: cleared", cleared - began, "s")
        yield _row(f"{case}: checked", checked - cleared, "s")
        surplus = result["surplus_minor"]
        yield _row(f"{case}: surplus", surplus, "fen")
        yield _row(f"{case}: bound over surplus", result["bound_minor"] / max(surplus, 1), "x")
        yield _row(f"{case}: gap told", result["gap"], "fen")
        yield _row(f"{case}: make-whole lines", len(result.get("make_whole", [])), "")


def _row(name: str, value: float, unit: str) -> dict[str, Any]:
    return {"name": name, "value": value, "unit": unit}


def a_market(seed: int, *, orders: int, tenors: int, offers: int) -> dict[str, Any]:
    """Return a strip instance: half period orders, a third flexible, the rest blocks."""
    draw = Random(seed)
    months = [f"{2027 + m // 12}-{m % 12 + 1:02d}" for m in range(tenors)]
    level = [500_000 + 2_500 * min(m % 12, 12 - m % 12) for m in range(tenors)]
    return {
        "kind": "strip",
        "currency": "CNY",
        "tenors": months,
        "rules": {"pricing": "supported", "tick_minor": 100},
        "orders": [_order(draw, n, months, level) for n in range(orders)],
        "offers": [_offer(draw, n, months, level, orders / offers) for n in range(offers)],
        "storage": [
            {
                "id": f"w{m}",
                "owner": "keeper",
                "from": months[m],
                "to": months[m + 1],
                "capacity_lots": orders * 4,
                "carry_minor": 3_000,
            }
            for m in range(tenors - 1)
        ],
    }


def _order(
    draw: Random, number: int, months: Sequence[str], level: Sequence[int]
) -> dict[str, Any]:
    last = len(months) - 1
    first = draw.randint(0, last)
    price = level[first] * draw.randint(9_200, 10_900) // 10_000 // 100 * 100
    order = {"id": f"o{number:06d}", "owner": f"b{number}", "limit_minor": price, "seq": number}
    form = draw.random()
    lots = draw.randint(1, 30) * 10
    if form < 0.5:
        return order | {"form": "period", "tenor": months[first], "lots": lots, "min_lots": 0}
    if form < 0.85:
        width = draw.randint(1, 4)
        end = min(last, first + width)
        cap = -(-lots * 2 // (end - first + 2))
        cap = max(cap, -(-lots // (end - first + 1)))
        window = [months[first], months[end]]
        return order | {"form": "flexible", "window": window, "lots": lots, "per_tenor_max": cap}
    named = sorted(draw.sample(months, min(len(months), draw.randint(2, 6))))
    return order | {"form": "block", "lots": {m: draw.randint(1, 10) * 10 for m in named}}


def _offer(
    draw: Random, number: int, months: Sequence[str], level: Sequence[int], share: float
) -> dict[str, Any]:
    skill = draw.randint(9_400, 10_400)
    size = max(10, int(share * 165 / len(months)) * draw.randint(60, 140) // 100 // 3)
    steps = {}
    for month, base in zip(months, level, strict=True):
        ask = base * skill * draw.randint(9_900, 10_100) // 10**8 // 100 * 100
        steps[month] = [[size, ask + rise * draw.randint(2, 8) * 1_000] for rise in range(3)]
        steps[month].sort(key=lambda step: step[1])
    total = size * 3 * len(months)
    breaks = [
        [total * part // 10, rebate] for part, rebate in ((3, 4_000), (5, 9_000), (8, 15_000))
    ]
    return {
        "id": f"s{number:03d}",
        "owner": f"m{number}",
        "steps": steps,
        "capacity": total * 9 // 10,
        "min_total": total * draw.randint(5, 15) // 100,
        "breaks": breaks,
        "seq": number,
    }
