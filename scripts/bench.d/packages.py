"""Package bids: value, bound and time against general solvers; strips, splits, a large book."""

from __future__ import annotations

import gc
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from _package_peers import SOLVERS, missing, solved

from aggregator.laboratory.packages import from_cats, read
from aggregator.laboratory.reading import read_document
from matching.auctions.award import award
from matching.auctions.events import BidPlaced
from matching.auctions.packages import PackageAuction, PackageBid, clear_packages
from matching.auctions.rules import Rules
from matching.auctions.split_award import VolumeOffer, split_award

Row = dict[str, Any]
CASES = Path(__file__).resolve().parent.parent.parent / "tests" / "cases" / "packages"
SIZES = ((100, 500), (200, 1000), (300, 1500))
"""Items and bids of the generated auctions."""
ORDERS = 1_000_000
LONG_S = 60


@dataclass(slots=True)
class _Case:
    """An auction, our value at the default limits, and what the whole run saw of it.

    `best` is the best value known or reached by anybody at any length, 0 where there is none yet.
    """

    name: str
    auction: PackageAuction
    best: int
    value: int = 0
    is_proved_by_others: bool = False

    def see(self, value: int) -> None:
        self.best = max(self.best, value)

    @property
    def share(self) -> float:
        return self.value / self.best


def measure(seed: int) -> Iterator[Row]:
    shares: list[float] = []
    cases = [_Case(*case) for case in _cases(seed)]
    for case in cases:
        yield from _compared(case)
        shares.append(case.share)
    yield _row("share of the best known, mean", sum(shares) / len(shares), "x")
    yield _row("share of the best known, least", min(shares), "x")
    yield from _strips(seed)
    yield from _splits(seed)
    yield from _book(seed)
    if missing():
        yield _row(f"{', '.join(missing())}: not here, see `scripts/bench --peers`", 0, "")
        return
    best_of: list[bool] = []
    for case in cases:
        yield from _at_length(case, best_of)
    yield _row(
        "at least the best solver's value (0.8 asked)", sum(best_of) / len(best_of), "of the files"
    )
    yield from _hard_rest(cases)


def _hard_rest(cases: list[_Case]) -> Iterator[Row]:
    """Tell our value at the default limits where no general solver proved one in its time."""
    shares = [case.share for case in cases if not case.is_proved_by_others]
    yield _row("hard rest: files", len(shares), f"of {len(cases)}")
    if shares:
        mean = sum(shares) / len(shares)
        yield _row("hard rest: share of the best known, mean (0.995 asked)", mean, "x")
        yield _row("hard rest: share of the best known, least (0.98 asked)", min(shares), "x")


def _cases(seed: int) -> Iterator[tuple[str, PackageAuction, int]]:
    """Yield each auction with its name and the best value known of it, 0 where none is."""
    known = json.loads((CASES / "cats.answer.json").read_text())["cases"]
    for path in sorted(CASES.glob("*.txt")):
        auction = read(read_document(from_cats(path.read_bytes())))
        yield path.name, auction, known[path.name]["best"]
    for items, bids in SIZES:
        for number in range(2):
            yield f"generated {items}/{bids} #{number}", generated(seed + number, items, bids), 0


def _compared(case: _Case) -> Iterator[Row]:
    """Clear one auction, then give the bare solver as long, from nothing, on one thread."""
    name, auction = case.name, case.auction
    began = time.perf_counter()
    found = clear_packages(auction)
    took = time.perf_counter() - began
    bare = solved("HiGHS", auction, max(took, 1.0))
    case.value = found.value_minor
    case.see(found.value_minor)
    case.see(bare.value_minor)
    case.is_proved_by_others = bare.is_proved
    yield _row(f"{name}: time", took, "s")
    yield _row(f"{name}: value", found.value_minor, "")
    yield _row(f"{name}: proved", int(found.proved), "1 = yes")
    yield _row(f"{name}: bound over value", found.bound_minor / found.value_minor, "x")
    yield _row(f"{name}: nodes used", found.nodes, f"of {found.node_limit}")
    yield _row(f"{name}: bare solver, time", bare.seconds, "s")
    yield _row(f"{name}: bare solver, proved", int(bare.is_proved), "1 = yes")
    yield _row(
        f"{name}: value over the bare solver's", found.value_minor / max(1, bare.value_minor), "x"
    )
    yield _row(f"{name}: value over the best known", case.share, "x")


def _at_length(case: _Case, best_of: list[bool]) -> Iterator[Row]:
    """Give every general solver a minute alone, and ourselves as many nodes as take about one."""
    name, auction = case.name, case.auction
    found = {one: solved(one, auction, LONG_S) for one in SOLVERS if one not in missing()}
    began = time.perf_counter()
    ours = clear_packages(auction)
    took = time.perf_counter() - began
    if not ours.proved and took < LONG_S:
        more = ours.node_limit * max(2, int(LONG_S / took))
        began = time.perf_counter()
        ours = clear_packages(replace(auction, node_limit=more))
        took = time.perf_counter() - began
    for one, theirs in found.items():
        yield _row(f"{name}: {one} in {LONG_S} s, value", theirs.value_minor, "")
        yield _row(f"{name}: {one}, time", theirs.seconds, "s")
        yield _row(f"{name}: {one}, proved", int(theirs.is_proved), "1 = yes")
        case.see(theirs.value_minor)
        case.is_proved_by_others |= theirs.is_proved
    case.see(ours.value_minor)
    best = max(theirs.value_minor for theirs in found.values())
    best_of.append(ours.value_minor >= best)
    yield _row(f"{name}: ours at length, nodes", ours.nodes, f"of {ours.node_limit}")
    yield _row(f"{name}: ours at length, time", took, "s")
    yield _row(f"{name}: ours at length, of the best solver's", ours.value_minor / best, "x")
    yield _row(f"{name}: default limits over the best of all seen", case.share, "x")


def generated(seed: int, item_count: int, bid_count: int) -> PackageAuction:
    """Return bids on related items, some substitutes (Leyton-Brown et al. 2000, `arbitrary`).

    Sizes and parameters are those of Gasse et al. 2019: 0.7 to add an item, five substitutes.
    """
    random = Random(seed)
    values = [1 + 99 * random.random() for _ in range(item_count)]
    related = [[0.0] * item_count for _ in range(item_count)]
    for low in range(item_count):
        for high in range(low):
            related[low][high] = related[high][low] = random.random()
    related = [[share / sum(row) for share in row] for row in related]
    bids: list[PackageBid] = []
    group = 0
    while len(bids) < bid_count:
        interest = [random.random() for _ in values]
        own = [value + 100 * (wish - 0.5) for value, wish in zip(values, interest, strict=True)]
        first = random.choices(range(item_count), interest)
        bundle = _grown(random, first, related, interest, lambda: random.random() < 0.7)
        bundles = {tuple(sorted(bundle)): _price(bundle, own)}
        if min(bundles.values()) < 0:
            continue
        group += 1
        for other in _substitutes(random, bundle, related, interest, own, values):
            bundles.setdefault(tuple(sorted(other)), _price(other, own))
        for items, price in list(bundles.items())[: bid_count - len(bids)]:
            names = tuple(str(item) for item in items)
            xor = str(group) if len(bundles) > 1 else None
            bids.append(PackageBid(str(len(bids)), str(group), names, round(price * 100), xor))
    return PackageAuction("sell", tuple(map(str, range(item_count))), tuple(bids))


def _grown(
    random: Random, bundle: list[int], related: list[list[float]], interest: list[float], more: Any
) -> list[int]:
    bundle = list(bundle)
    while more() and len(bundle) < len(interest):
        weights = [
            0.0 if item in bundle else wish * sum(related[other][item] for other in bundle)
            for item, wish in enumerate(interest)
        ]
        bundle += random.choices(range(len(interest)), weights)
    return bundle


def _substitutes(
    random: Random,
    bundle: list[int],
    related: list[list[float]],
    interest: list[float],
    own: list[float],
    values: list[float],
) -> list[list[int]]:
    """Return up to five bundles of the same size that the bidder can afford."""
    most, least = 1.5 * _price(bundle, own), 0.5 * sum(values[item] for item in bundle)
    found = []
    for item in bundle:
        other = [item]
        while len(other) < len(bundle):
            other = _grown(random, other, related, interest, iter([True, False]).__next__)
        if 0 <= _price(other, own) <= most and sum(values[item] for item in other) >= least:
            found.append(other)
    return sorted(found, key=lambda other: -_price(other, own))[:5]


def _price(bundle: list[int], own: list[float]) -> float:
    return sum(own[item] for item in bundle) + len(bundle) ** 1.2


def month_strips(seed: int, rows: int = 20, months: int = 12, count: int = 7000) -> PackageAuction:
    """Return bids on runs of months of one lot each: the shape that forward buyers bid in."""
    random = Random(seed)
    items = [f"{row}/{month}" for row in range(rows) for month in range(months)]
    bids = []
    for number in range(count):
        row, first = random.randrange(rows), random.randrange(months)
        length = random.randint(1, months - first)
        run = tuple(f"{row}/{month}" for month in range(first, first + length))
        amount = length * random.randint(480_000, 520_000)
        bids.append(PackageBid(str(number), str(number % 400), run, amount))
    return PackageAuction("sell", tuple(items), tuple(bids))


def _strips(seed: int) -> Iterator[Row]:
    auction = month_strips(seed)
    began = time.perf_counter()
    found = clear_packages(auction)
    yield _row("month strips, 240 lots, 7,000 bids: time", time.perf_counter() - began, "s")
    yield _row("month strips: proved", int(found.proved), "1 = yes")


def _splits(seed: int) -> Iterator[Row]:
    random = Random(seed)
    for suppliers, breaks, lots, winners in ((10, 4, 5_000, 3), (20, 5, 5_000, 5)):
        offers = [
            VolumeOffer(
                str(number),
                tuple(
                    (max(1, step * lots // (2 * breaks)), 500_000 - step * random.randint(1, 9000))
                    for step in range(breaks)
                ),
                random.randint(lots // 4, lots),
            )
            for number in range(suppliers)
        ]
        began = time.perf_counter()
        split_award(offers, lots, max_winners=winners)
        name = f"split award, {suppliers} suppliers, {breaks} breaks, {lots:,} lots"
        yield _row(f"{name}: time", time.perf_counter() - began, "s")


def _book(seed: int) -> Iterator[Row]:
    """Clear a sealed book at one price; the collector is kept off the bids, not off the work."""
    random, opens_at = Random(seed), datetime(2027, 1, 5, tzinfo=UTC)
    bids = []
    for number in range(ORDERS):
        price = random.randint(4_000, 6_000) * 100
        lots = random.randint(1, 50)
        bids.append(
            BidPlaced(opens_at, number + 1, "1", str(number), price, lots, score_minor=price)
        )
    rules = Rules(
        side="sell",
        format="sealed_uniform",
        opens_at=opens_at,
        closes_at=opens_at + timedelta(hours=1),
        lots=10_000_000,
        marginal="pro_rata",
    )
    gc.freeze()
    began = time.perf_counter()
    award(rules, bids)
    yield _row(f"one price for a book of {ORDERS:,} bids: time", time.perf_counter() - began, "s")
    gc.unfreeze()


def _row(name: str, value: float, unit: str) -> Row:
    return {"name": name, "value": value, "unit": unit}
