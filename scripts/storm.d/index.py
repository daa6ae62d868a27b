"""The price index attacked: readers with sybil firms, washed trade, and random histories."""

from __future__ import annotations

import time
from collections import Counter
from random import Random
from statistics import mean

from matching.index.batch import IndexRules
from matching.index.publish import Publication, publish
from tests.properties.index_worlds import (
    FIRST_MINOR,
    LARGE_LOTS,
    SPREADS,
    USUAL_LOTS,
    Isolating,
    Standing,
    Trade,
    a_trade,
    fair_budget,
    guesses,
    hits,
    is_safe_twice,
    played,
    washed,
)

MARKETS = 20
WASHED = 400
HISTORIES = 2_000
UNROUNDED = IndexRules(step_minor=1)
MOST_GAIN = 5
"""Percentage points that an attacker may guess more deals than a reader."""
MOST_MOVED = 20
"""Hundredths of a percent that washed trade may move the value, in the mean."""


async def storm(seconds: int, seed: int) -> tuple[dict[str, int], list[str]]:
    """Return what was tried, and a sentence for each guarantee that did not hold."""
    until = time.monotonic() + seconds
    done: Counter[str] = Counter()
    broken = _attacked(seed, done) + _washed(seed, done)
    number = 0
    while not broken and (number < HISTORIES or time.monotonic() < until):
        number += 1
        broken += _history(Random(f"{seed}/history/{number}"), done)
    return dict(done), broken


def _attacked(seed: int, done: Counter[str]) -> list[str]:
    broken = []
    gains: dict[str, list[float]] = {}
    errors, suppressed, read = [], [], []
    for number in range(MARKETS):
        random = Random(f"{seed}/market/{number}")
        trade = a_trade(random)
        world = played(trade)
        base = hits(guesses(world))
        read.append(100 * len(base) / len(trade.deals))
        errors += [abs(x - deal.price_minor) / deal.price_minor for deal, x in guesses(world)]
        suppressed.append(100 * (1 - len(world.published_in) / len(trade.deals)))
        for name, share in _gains(trade, base, random).items():
            gains.setdefault(name, []).append(share)
            if "times" not in name and share > MOST_GAIN:
                broken.append(f"{name} gains {share:.2f} points in market {number} of seed {seed}")
    done["markets attacked"] = MARKETS
    done["deals that a reader guesses within 1 %, in 100"] = round(mean(read))
    done["deals left unpublished at the end, in 1,000"] = round(10 * mean(suppressed))
    done["mean distance of a deal from its value, in 10,000"] = round(10_000 * mean(errors))
    for name, found in gains.items():
        done[f"{name}: most gained, hundredths of a point"] = round(100 * max(found))
        done[f"{name}: gained in the mean, hundredths of a point"] = round(100 * mean(found))
    return broken


def _gains(trade: Trade, base: set[str], random: Random) -> dict[str, float]:
    """Return by attacker how many more deals in 100 it guesses than a reader does."""
    fair = fair_budget(trade)
    count = len(trade.deals)
    found = {}
    for name, times in (("isolating", 1), ("isolating, 10 times its size", 10)):
        attacker = Isolating(fair * times)
        world = played(trade, attacker)
        learnt = ((deal, attacker.learnt.get(deal.id, x)) for deal, x in guesses(world))
        found[name] = 100 * (len(hits(learnt)) - len(base)) / count
    standing = Standing(random, fair, max(1, count // fair))
    world = played(trade, standing)
    found["standing in every batch"] = (
        100 * (len(hits(standing.guesses(world))) - len(base)) / count
    )
    return found


def _washed(seed: int, done: Counter[str]) -> list[str]:
    """Wash 8 % of the deals, at 8 % more, where honest prices lie more or less far apart.

    Deals far larger than others are reported too: they are more than 8 % of the trade.
    """
    broken = []
    for spread in SPREADS:
        for name, lots in (("", USUAL_LOTS), (" in large deals", LARGE_LOTS)):
            found = _moved(f"{seed}/washed/{spread}", spread, lots)
            about = f"8 % washed{name}, prices {100 * spread:.1f} % apart"
            done[f"{about}: moved in the mean, hundredths of a percent"] = found
            if lots == USUAL_LOTS and found > MOST_MOVED:
                broken.append(f"{about}: the value moves by {found} in 10,000")
    return broken


def _moved(seed: str, spread: float, lots: tuple[int, int]) -> int:
    moved = []
    for number in range(WASHED):
        clean, bent = washed(Random(f"{seed}/{number}"), spread, lots=lots)
        before, after = publish(clean, UNROUNDED), publish(bent, UNROUNDED)
        if isinstance(before, Publication) and isinstance(after, Publication):
            moved.append((after.value_minor - before.value_minor) / FIRST_MINOR)
    return round(10_000 * mean(moved))


def _history(random: Random, done: Counter[str]) -> list[str]:
    """Settle few firms' deals in one cell: hard to publish, and easy to give away."""
    trade = a_trade(random, deals=random.randint(20, 120))
    world = played(trade)
    done["random histories"] += 1
    used: Counter[str] = Counter()
    deals = {deal.id: deal for _, deal in world.settled}
    for values in world.board.values.values():
        for value in values:
            done["publications tested again"] += 1
            used.update(value.used)
            batch = [deals[name] for name in value.used]
            if not is_safe_twice(batch, world.active):
                return [f"a publication of {len(batch)} deals is not safe"]
    if any(times > 1 for times in used.values()):
        return ["a deal feeds two publications"]
    return []
