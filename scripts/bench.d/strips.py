"""Strips: reach of the bundling of forward orders, against the textbook model and single deals.

A bundle of the reach is cleared from its orders to prices and checked, on one thread. The
textbook model describes an offer's breaks with one big constant; it gets the same solver, and
at most `PATIENCE` seconds, to come within one per cent. Under `supported` a gap is what is left
between the best bundle found that prices support and a bound on all such; `make_whole` has the
bound of the best bundle whatever its prices.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from random import Random
from typing import Any

import highspy

from aggregator.laboratory import strip as laboratory
from aggregator.laboratory.clearing import check_documents, clear_document
from aggregator.laboratory.reading import Node
from matching.forwards import clear
from matching.forwards.awarding import awarded
from matching.forwards.bundle import Bundle, bundled
from matching.forwards.model import Search
from matching.forwards.orders import FlexibleOrder, Offer, Order, PeriodOrder, Step
from matching.forwards.pricing import supported
from matching.forwards.proposing import propose
from matching.forwards.singles import single_cost

Row = dict[str, Any]
SEEDS = 20
PATIENCE = 60
REACH = {
    "200 x 6 x 8": (200, 6, 8, SEEDS),
    "5,000 x 12 x 50": (5_000, 12, 50, SEEDS),
    "50,000 x 12 x 50": (50_000, 12, 50, 1),
}
"""Orders, tenors, offers and seeds."""


def measure(seed: int) -> Iterator[Row]:
    clear_document(json.dumps(a_market(seed, orders=9, tenors=2, offers=2)).encode())
    for name, (orders, tenors, offers, seeds) in REACH.items():
        markets = (
            a_market(seed + n, orders=orders, tenors=tenors, offers=offers) for n in range(seeds)
        )
        yield from reached(name, markets)
    whole = (
        a_market(seed + n, orders=5_000, tenors=12, offers=50, pricing="make_whole")
        for n in range(SEEDS)
    )
    yield from reached("5,000 x 12 x 50, make-whole", whole)
    yield from parts(a_bundle(a_market(seed, orders=5_000, tenors=12, offers=50)))
    yield from against_textbook(seed)
    yield from gained(seed)


def reached(name: str, markets: Iterator[Row]) -> Iterator[Row]:
    times, gaps, checked, canonical = [], [], [], 0
    for market in markets:
        strip = laboratory.read(Node(market, ""))
        began = time.perf_counter()
        found = clear(strip.tenors, strip.orders, strip.offers, strip.storage, strip.rules)
        times.append(time.perf_counter() - began)
        gaps.append(1e6 * found.gap_minor / max(1, found.surplus_minor))
        canonical += found.is_canonical
        document = json.dumps(market).encode()
        result = json.dumps(clear_document(document)).encode()
        began = time.perf_counter()
        check_documents(document, result)
        checked.append(time.perf_counter() - began)
    count = len(times)
    yield row(f"{name}: cleared, median of {count}", sorted(times)[count // 2], "s")
    yield row(f"{name}: cleared, worst", max(times), "s")
    yield row(f"{name}: gap, median", sorted(gaps)[count // 2], "ppm")
    yield row(f"{name}: gap, worst", max(gaps), "ppm")
    yield row(f"{name}: within 100 ppm", sum(gap <= 100 for gap in gaps), f"of {count}")
    yield row(f"{name}: prices proved canonical", canonical, f"of {count}")
    yield row(f"{name}: certificates accepted", len(checked), f"of {count}")
    yield row(f"{name}: read and checked, worst", max(checked), "s")


def parts(bundle: Bundle) -> Iterator[Row]:
    """Measure what follows the solver: whole lots, and prices."""
    proposal = propose(bundle, Search(50, 20_000))
    assert proposal is not None
    began = time.perf_counter()
    found = awarded(bundle, proposal.choice, proposal.start, proposal.prices)
    assert found is not None
    supported(bundle, found)
    yield row("5,000 x 12 x 50: whole lots and prices", time.perf_counter() - began, "s")


def against_textbook(seed: int) -> Iterator[Row]:
    bundle = a_bundle(a_market(seed, orders=5_000, tenors=12, offers=50))
    began = time.perf_counter()
    proposal = propose(bundle, Search(10_000, 20_000))
    own = time.perf_counter() - began
    assert proposal is not None
    seconds, gap = textbook(bundle)
    yield row("5,000 x 12 x 50: to 1 %", own, "s")
    yield row("5,000 x 12 x 50: textbook model to 1 %, or given up", seconds, "s")
    yield row("5,000 x 12 x 50: gap of the textbook model then", 1e6 * gap, "ppm")
    yield row("5,000 x 12 x 50: textbook over own time, at least", seconds / own, "x")


def gained(seed: int) -> Iterator[Row]:
    """Compare what is shared with clearing each tenor alone, and with single deals."""
    whole = alone = single = 0
    for number in range(5):
        strip = laboratory.read(Node(a_market(seed + number, orders=300, tenors=12, offers=6), ""))
        rules = replace(strip.rules, pricing="make_whole")
        whole += clear(strip.tenors, strip.orders, strip.offers, strip.storage, rules).surplus_minor
        alone += by_tenor(strip)
        single += by_single_deals(strip)
    yield row("300 x 12 x 6: bundled over each tenor alone", whole / max(1, alone), "x")
    yield row(
        "300 x 12 x 6: bundled over single deals, minimums waived", whole / max(1, single), "x"
    )


def by_tenor(strip: laboratory.Strip) -> int:
    """Clear month after month; a flexible order asks in each for what it still lacks."""
    total = 0
    got = dict.fromkeys((order.id for order in strip.orders), 0)
    for tenor in strip.tenors:
        orders = [
            found for order in strip.orders if (found := in_tenor(order, tenor, got[order.id]))
        ]
        offers = [found for offer in strip.offers if (found := offer_in(offer, tenor))]
        rules = replace(strip.rules, pricing="make_whole")
        result = clear([tenor], orders, offers, [], rules)
        total += result.surplus_minor
        for name, lots in result.awards.items():
            got[name] += sum(lots.values())
    return total


def in_tenor(order: Order, tenor: str, got: int) -> PeriodOrder | None:
    if isinstance(order, PeriodOrder):
        return order if order.tenor == tenor else None
    if not isinstance(order, FlexibleOrder) or not order.window[0] <= tenor <= order.window[1]:
        return None
    lots = min(order.lots - got, order.per_tenor_max or order.lots)
    if lots < 1:
        return None
    return PeriodOrder(order.id, order.owner, tenor, lots, order.limit_minor, order.seq)


def offer_in(offer: Offer, tenor: str) -> Offer | None:
    steps = tuple(step for step in offer.steps if step.tenor == tenor)
    capacity = min(offer.capacity, sum(step.lots for step in steps))
    if capacity < max(1, offer.min_total):
        return None
    breaks = tuple((lots, rebate) for lots, rebate in offer.breaks if lots <= capacity)
    return replace(offer, steps=steps, capacity=capacity, breaks=breaks)


def by_single_deals(strip: laboratory.Strip) -> int:
    """Let each buyer in turn take his months from the one offer that is best for him alone.

    Suppliers waive their minimum totals here, or nobody could buy.
    """
    offers = [replace(offer, min_total=1) for offer in strip.offers]
    total = 0
    for order in strip.orders:
        lots = wished(order)
        costs = [
            (cost, place)
            for place, offer in enumerate(offers)
            if (cost := single_cost(lots, [offer])) is not None
        ]
        cost, place = min(costs, default=(order.limit_minor * sum(lots.values()) + 1, -1))
        gain = order.limit_minor * sum(lots.values()) - cost
        if gain >= 0:
            total += gain
            offers[place] = less(offers[place], lots)
    return total


def wished(order: Order) -> dict[str, int]:
    if isinstance(order, PeriodOrder):
        return {order.tenor: order.lots}
    if isinstance(order, FlexibleOrder):
        first, last = order.window
        cap = order.per_tenor_max or order.lots
        return {first: order.lots} if cap >= order.lots else {first: cap, last: order.lots - cap}
    return dict(order.lots)


def less(offer: Offer, lots: dict[str, int]) -> Offer:
    left = dict(lots)
    steps = []
    for step in offer.steps:
        taken = min(step.lots, left.get(step.tenor, 0))
        left[step.tenor] = left.get(step.tenor, 0) - taken
        if step.lots > taken:
            steps.append(Step(step.tenor, step.lots - taken, step.price_minor))
    return replace(offer, steps=tuple(steps), capacity=offer.capacity - sum(lots.values()))


def textbook(bundle: Bundle) -> tuple[float, float]:
    """Return the seconds to one per cent or to giving up, and the gap reached."""
    model = Textbook()
    columns = model.demands(bundle)
    for supply in bundle.supplies:
        model.supply(supply, columns)
    for store in bundle.stores:
        place = model.column(-store.carry, store.capacity)
        columns[store.source].append((place, -1))
        columns[store.target].append((place, 1))
    for terms in columns:
        model.row(terms, 0, 0)
    solver = highspy.Highs()
    solver.setOptionValue("output_flag", False)
    solver.setOptionValue("threads", 1)
    solver.setOptionValue("mip_rel_gap", 0.01)
    solver.setOptionValue("time_limit", float(PATIENCE))
    solver.passModel(model.program())
    began = time.perf_counter()
    solver.run()
    return time.perf_counter() - began, solver.getInfo().mip_gap


class Textbook:
    """One copy of an offer's steps, and a big constant that switches each break on."""

    def __init__(self) -> None:
        self.lp = highspy.HighsLp()
        self.costs: list[float] = []
        self.uppers: list[float] = []
        self.kinds: list[Any] = []
        self.rows: list[tuple[list[tuple[int, float]], float, float]] = []

    def column(self, cost: float, upper: float, *, whole: bool = False) -> int:
        kinds = highspy.HighsVarType
        self.costs.append(cost)
        self.uppers.append(upper)
        self.kinds.append(kinds.kInteger if whole else kinds.kContinuous)
        return len(self.costs) - 1

    def row(self, terms: list[tuple[int, float]], lower: float, upper: float) -> None:
        self.rows.append((terms, lower, upper))

    def demands(self, bundle: Bundle) -> list[list[tuple[int, float]]]:
        columns: list[list[tuple[int, float]]] = [[] for _ in bundle.tenors]
        for demand in bundle.demands:
            if demand.is_block:
                place = self.column(demand.limit * demand.lots, 1, whole=True)
                for tenor, lots in demand.caps:
                    columns[tenor].append((place, -lots))
                continue
            places = [self.column(demand.limit, cap) for _, cap in demand.caps]
            self.row([(place, 1) for place in places], 0, demand.lots)
            for place, (tenor, _) in zip(places, demand.caps, strict=True):
                columns[tenor].append((place, -1))
        return columns

    def supply(self, supply: Any, columns: list[list[tuple[int, float]]]) -> None:
        large = 10 * supply.capacity
        total: list[tuple[int, float]] = []
        for tenor, size, ask in supply.steps:
            place = self.column(-ask, size)
            total.append((place, 1))
            columns[tenor].append((place, 1))
        awarded_at_all = self.column(0, 1, whole=True)
        self.row([*total, (awarded_at_all, -large)], -highspy.kHighsInf, 0)
        self.row([*total, (awarded_at_all, -supply.tiers[0].low)], 0, highspy.kHighsInf)
        self.row(total, 0, supply.capacity)
        for before, tier in pairwise(supply.tiers):
            more = tier.rebate - before.rebate
            reached_it = self.column(0, 1, whole=True)
            earned = self.column(more, large)
            self.row([*total, (reached_it, -tier.low)], 0, highspy.kHighsInf)
            self.row([(earned, 1), (reached_it, -large)], -highspy.kHighsInf, 0)
            self.row([(earned, 1), *((p, -1) for p, _ in total)], -highspy.kHighsInf, 0)

    def program(self) -> Any:
        lp = self.lp
        lp.num_col_, lp.num_row_ = len(self.costs), len(self.rows)
        lp.col_cost_, lp.col_upper_ = self.costs, self.uppers
        lp.col_lower_ = [0.0] * len(self.costs)
        lp.row_lower_ = [low for _, low, _ in self.rows]
        lp.row_upper_ = [high for *_, high in self.rows]
        lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        starts, indices, values = [0], [], []
        for terms, _, _ in self.rows:
            indices += [place for place, _ in terms]
            values += [float(value) for _, value in terms]
            starts.append(len(indices))
        lp.a_matrix_.start_, lp.a_matrix_.index_, lp.a_matrix_.value_ = starts, indices, values
        lp.integrality_ = self.kinds
        lp.sense_ = highspy.ObjSense.kMaximize
        return lp


def a_bundle(market: Row) -> Bundle:
    strip = laboratory.read(Node(market, ""))
    return bundled(strip.tenors, strip.orders, strip.offers, strip.storage, strip.rules)


def row(name: str, value: float, unit: str) -> Row:
    return {"name": name, "value": value, "unit": unit}


def a_market(
    seed: int, *, orders: int, tenors: int, offers: int, pricing: str = "supported"
) -> dict[str, Any]:
    """Return a strip instance: half period orders, a third flexible, the rest blocks."""
    draw = Random(seed)
    months = [f"{2027 + m // 12}-{m % 12 + 1:02d}" for m in range(tenors)]
    level = [500_000 + 2_500 * min(m % 12, 12 - m % 12) for m in range(tenors)]
    return {
        "kind": "strip",
        "currency": "CNY",
        "tenors": months,
        "rules": {"pricing": pricing, "tick_minor": 100},
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
    skill = draw.randint(9_800, 10_900)
    size = max(10, int(share * 165 / len(months)) * draw.randint(60, 140) // 100)
    steps = {}
    for month, base in zip(months, level, strict=True):
        ask = base * skill * draw.randint(9_900, 10_100) // 10**8 // 100 * 100
        steps[month] = [[size, ask + rise * draw.randint(2, 8) * 1_000] for rise in range(3)]
        steps[month].sort(key=lambda step: step[1])
    total = size * 3 * len(months)
    breaks = [
        [total * part // 10, rebate] for part, rebate in ((3, 10_000), (5, 25_000), (8, 45_000))
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
