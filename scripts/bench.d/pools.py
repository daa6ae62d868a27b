"""Group buys: forming, pricing, certifying and changing pools, against three other ways."""

from __future__ import annotations

import gc
import resource
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from random import Random
from typing import Any

from matching.clearing.pools import check_values
from matching.pools.clearing import Offer, Pledge, Result, Rules, clear
from matching.pools.standing import Standing

Row = dict[str, Any]
SIZES = (10_000, 100_000, 1_000_000)
PER_CELL = 200
STABLE, SURPLUS = Rules(), Rules(objective="surplus")
LITERAL_SECONDS = 20.0
CHANGES = 200
ROUND_SIZES = (20, 30, 50, 60, 80, 100, 100, 120, 150, 200, 300, 500)


def measure(seed: int) -> Iterator[Row]:
    """Give the rows; times are of one core, so that other work on the machine counts little.

    The collector of garbage is kept off the inputs, not off the work.
    """
    per_pledge = []
    for count in SIZES:
        yield from _scale(count, seed, per_pledge)
    for (small, before), (large, after) in pairwise(zip(SIZES, per_pledge, strict=True)):
        # n log n would cost this much more a pledge.
        allowed = len(str(large)) / len(str(small))
        yield _row(f"cost of a pledge, {large:,} to {small:,}", after / before, "x")
        yield _row(f"the same if it grew as n log n, {large:,} to {small:,}", allowed, "x")
    yield from _quality(seed)
    yield from _literal(seed)
    yield from _changes(seed)
    yield from _scarce(seed)
    yield from _one_cell(seed)


def a_market(count: int, cells: int, seed: int, *, breaks_times: int = 1) -> Any:
    """Return seeded pledges and offers: round and lognormal sizes, six suppliers of five breaks."""
    random = Random(seed)
    offers = []
    for cell in range(cells):
        base = 500_000 + random.randrange(-20, 20) * 1_000
        for supplier in range(6):
            lots = random.choice([100, 200, 300, 500]) * breaks_times
            price = base + random.randrange(-20, 20) * 100
            breaks = []
            for _ in range(5):
                breaks.append((lots, price))
                lots *= random.choice([2, 3])
                price -= random.randrange(10, 40) * 100
            name = f"o{cell}-{supplier}"
            offers.append(Offer(name, name, f"C{cell}", 10**9, 1, tuple(breaks), supplier))
    pledges = []
    for number in range(count):
        if random.random() < 0.5:
            size = random.choice(ROUND_SIZES)
        else:
            size = max(1, int(random.lognormvariate(4.4, 0.8)))
        limit = 500_000 + random.randrange(-200, 300) * 100
        freight = random.randrange(0, 80) * 100
        cell = f"C{random.randrange(cells)}"
        pledges.append(
            Pledge(f"p{number}", f"w{number}", cell, size, size, 0, limit, freight, seq=number)
        )
    return pledges, offers


def _scale(count: int, seed: int, per_pledge: list[float]) -> Iterator[Row]:
    pledges, offers = a_market(count, count // PER_CELL, seed)
    before = _peak_mb()
    forming, result = _timed(lambda: clear(pledges, offers, STABLE), times=3)
    added = _peak_mb() - before
    checking, _ = _timed(lambda: check_values(pledges, offers, STABLE, result), times=1)
    per_pledge.append(forming / count)
    name = f"{count:,} pledges in {count // PER_CELL:,} cells"
    yield _row(f"{name}: formed and priced", forming, "s")
    yield _row(f"{name}: certified", checking, "s")
    yield _row(f"{name}: memory it adds", added, "MB")
    yield _row(f"{name}: pools", len(result.pools), "")


def _quality(seed: int) -> Iterator[Row]:
    pledges, offers = a_market(100_000, 500, seed)
    forming, stable = _timed(lambda: clear(pledges, offers, STABLE), times=3)
    exact, best = _timed(lambda: clear(pledges, offers, SURPLUS), times=1)
    banding, banded = _timed(lambda: _fixed_bands(pledges, offers), times=1)
    yield _row(
        "surplus of stable, of the exact optimum", stable.surplus_minor / best.surplus_minor, "x"
    )
    yield _row(
        "surplus of fixed size bands, of the exact optimum", banded / best.surplus_minor, "x"
    )
    yield _row("surplus of stable, of fixed size bands", stable.surplus_minor / banded, "x")
    yield _row("time of the exact optimum, of stable", exact / forming, "x")
    yield _row("time of fixed size bands, of stable", banding / forming, "x")


def _literal(seed: int) -> Iterator[Row]:
    """Compare with a slow, literal reading on as many cells as that finishes in its time."""
    pledges, offers = a_market(PER_CELL * 50, 50, seed)
    by_cell: dict[str, list[Pledge]] = {}
    for pledge in pledges:
        by_cell.setdefault(pledge.cell, []).append(pledge)
    spent = 0.0
    done: list[Pledge] = []
    lots = 0
    for cell in sorted(by_cell):
        mine = [offer for offer in offers if offer.cell == cell]
        took, found = _timed(lambda here=by_cell[cell], mine=mine: _read_literally(here, mine), 1)
        spent += took
        lots += found
        done += by_cell[cell]
        if spent > LITERAL_SECONDS:
            break
    ours, result = _timed(lambda: clear(done, offers, STABLE), times=3)
    yield _row("pledges that the literal reading finishes", len(done), "")
    yield _row("the literal reading, of ours", spent / ours, "x")
    yield _row("lots pooled, of the literal reading", pooled_lots(result) / lots, "x")


def _changes(seed: int) -> Iterator[Row]:
    pledges, offers = a_market(1_000, 1, seed, breaks_times=5)
    standing = Standing(offers, STABLE)
    for pledge in pledges:
        standing.put(pledge)
    random = Random(seed)
    took: dict[str, list[float]] = {"limit": [], "joins or leaves": [], "lots": []}
    for _ in range(CHANGES):
        pledge = random.choice(pledges)
        told = replace(pledge, limit_minor=pledge.limit_minor + 100 * random.randrange(-50, 50))
        took["limit"].append(_timed(lambda told=told: standing.put(told), times=1)[0])
    for pledge in random.sample(pledges, CHANGES // 2):
        leaving, _ = _timed(lambda pledge=pledge: standing.withdraw(pledge.id), times=1)
        joining, _ = _timed(lambda pledge=pledge: standing.put(pledge), times=1)
        took["joins or leaves"] += [leaving, joining]
        more = replace(pledge, lots=pledge.lots + random.randrange(1, 20))
        took["lots"].append(_timed(lambda more=more: standing.put(more), times=1)[0])
    for kind, times in took.items():
        times.sort()
        name = f"one changed pledge in a cell of 1,000 ({kind})"
        yield _row(f"{name}: median", times[len(times) // 2] * 1_000, "ms")
        yield _row(f"{name}: 99 %", times[len(times) * 99 // 100] * 1_000, "ms")


def _scarce(seed: int) -> Iterator[Row]:
    """Cut the capacities so that they bind in most cells, and assign pools to suppliers."""
    pledges, offers = a_market(10_000, 50, seed)
    cut = [replace(offer, capacity=2_000) for offer in offers]
    took, result = _timed(lambda: clear(pledges, cut, STABLE), times=1)
    checking, _ = _timed(lambda: check_values(pledges, cut, STABLE, result), times=1)
    exact = sum(cell.is_exact for cell in result.rationed)
    yield _row("10,000 pledges, scarce lots: formed, assigned, rationed", took, "s")
    yield _row("10,000 pledges, scarce lots: certified", checking, "s")
    yield _row("cells where a capacity binds", len(result.rationed), "")
    yield _row("of them assigned exactly", exact, "")


def _one_cell(seed: int) -> Iterator[Row]:
    pledges, offers = a_market(SIZES[-1], 1, seed, breaks_times=SIZES[-1] // PER_CELL)
    before = _peak_mb()
    took, _ = _timed(lambda: clear(pledges, offers, STABLE), times=1)
    yield _row("a million pledges in one cell: formed and priced", took, "s")
    yield _row(
        "a million pledges in one cell: memory it adds beyond the above", _peak_mb() - before, "MB"
    )


def _fixed_bands(pledges: list[Pledge], offers: list[Offer]) -> int:
    """Pool by fixed size bands, each doubling, deepest price first; return the surplus."""
    offers_of: dict[str, list[Offer]] = {}
    for offer in offers:
        offers_of.setdefault(offer.cell, []).append(offer)
    bands: dict[tuple[str, int], list[Pledge]] = {}
    for pledge in pledges:
        bands.setdefault((pledge.cell, pledge.size.bit_length()), []).append(pledge)
    surplus = 0
    for (cell, _), members in bands.items():
        steps = sorted((price, lots) for offer in offers_of[cell] for lots, price in offer.breaks)
        still_open = members
        for price, least in steps:
            accepting = [p for p in still_open if p.limit_minor - p.freight_minor >= price]
            if len(accepting) >= 3 and sum(p.lots for p in accepting) >= least:
                surplus += sum(
                    (p.limit_minor - p.freight_minor - price) * p.lots for p in accepting
                )
                pooled = {p.id for p in accepting}
                still_open = [p for p in still_open if p.id not in pooled]
    return surplus


def _read_literally(pledges: list[Pledge], offers: list[Offer]) -> int:
    """Apply the rule as it is written, window by window, without its ties; return the lots."""
    still_open = sorted(pledges, key=lambda pledge: (pledge.size, pledge.seq, pledge.id))
    pooled = 0
    for price in sorted({price for offer in offers for _, price in offer.breaks}):
        least = min(lots for o in offers for lots, goods in o.breaks if goods == price)
        while True:
            line = [p for p in still_open if p.limit_minor - p.freight_minor >= price]
            windows = _literal_windows(line, least)
            if not windows:
                break
            taken = {p.id for start, stop in windows for p in line[start:stop]}
            pooled += sum(p.lots for p in line if p.id in taken)
            still_open = [p for p in still_open if p.id not in taken]
    return pooled


def _literal_windows(line: list[Pledge], least: int) -> list[tuple[int, int]]:
    best: list[tuple[int, int, list[tuple[int, int]]]] = [(0, 0, [])]
    for stop in range(1, len(line) + 1):
        found = best[-1]
        for start in range(stop):
            members = line[start:stop]
            sizes = [pledge.size for pledge in members]
            lots = sum(pledge.lots for pledge in members)
            owners = {pledge.owner for pledge in members}
            if max(sizes) <= 2 * min(sizes) and lots >= least and len(owners) >= 3:
                before, pools, windows = best[start]
                if (before + lots, pools - 1) > found[:2]:
                    found = (before + lots, pools - 1, [*windows, (start, stop)])
        best.append(found)
    return best[-1][2]


def _timed(act: Callable[[], Any], times: int) -> tuple[float, Any]:
    """Return the shortest time of so many runs, of one core, and what the last one gave."""
    best, found = float("inf"), None
    for _ in range(times):
        found = None
        gc.collect()
        gc.freeze()
        began = time.process_time()
        found = act()
        best = min(best, time.process_time() - began)
        gc.unfreeze()
    return best, found


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1_000


def _row(name: str, value: float, unit: str) -> Row:
    return {"name": name, "value": round(value, 4), "unit": unit}


def pooled_lots(result: Result) -> int:
    return sum(pool.lots for pool in result.pools)
