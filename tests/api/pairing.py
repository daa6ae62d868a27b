"""Two worlds that differ in one secret, and what everybody else is told in each.

Both are played by the same people, with the same ids and clock. Masked before comparing is only
what is drawn by lot, by its name, and the hashes of what it stands in.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from random import Random

from aggregator.bus.memory import MemoryBus
from aggregator.clock import SimulatedClock
from aggregator.db import orm
from aggregator.ids import SeededIds
from aggregator.market import Market
from aggregator.reactions import ON_FACT
from tests.api.conftest import serving
from tests.api.telling import OBSERVERS, SECRETS, SecretWorld, Told
from tests.builders import START
from web.auth.rates import Rate
from web.context import EdgeLimits

DECLARED = re.compile(r'"(request|draw_commitment|deposit_reference|epoch)":"[^"]*"')
HASHES = re.compile(r'"[0-9a-f]{32}"|"digest":"[0-9a-f]{64}"')
FIGURES: Mapping[str, tuple[int, int]] = {
    "pledge_limit": (4_000, 6_000),
    "sealed_bid": (5_000, 6_000),
    "standing_limit": (5_000, 6_000),
    "reserve": (5_000, 6_000),
    "mandate_total": (1_000, 900_000),
    "asked_price": (5_000, 6_000),
    "request_limit": (4_000, 6_000),
    "order_limit": (4_000, 6_000),
    "bundle_offer": (4_000, 5_000),
    "private_offer": (4_000, 5_000),
}
"""Every sealed figure and the whole units from which another world's is drawn."""
OWNER = {name: owner for owner, named in SECRETS.items() for name in named}
_MUCH = Rate(per_s=100_000, burst=1_000_000)


async def told_in(dsn: str, **changed: str) -> Told:
    """Play the story in an empty database with other secrets; return what others are told."""
    async with _world(dsn) as world:
        world.secrets |= changed
        await world.keep_secrets()
        owners = {OWNER[name] for name in changed}
        rest = ("first", "mill") if owners else ()
        return await world.told((*OBSERVERS, *(who for who in rest if who not in owners)))


@asynccontextmanager
async def _world(dsn: str) -> AsyncIterator[SecretWorld]:
    await orm.connect(dsn)
    clock = SimulatedClock(START)
    market = Market(clock, MemoryBus(), SeededIds(7, clock), ON_FACT)
    try:
        async with serving(market, EdgeLimits(_MUCH, _MUCH, _MUCH)) as served:
            yield await SecretWorld(served).open()
    finally:
        await orm.close()


def differences(one: Told, other: Told) -> list[str]:
    """Return where two worlds told anybody who was asked in both something else."""
    first, second = _by_asker(one), _by_asker(other)
    found = []
    for who in sorted(first.keys() & second.keys()):
        for (what, text), (what_else, other_text) in itertools.zip_longest(
            first[who], second[who], fillvalue=("nothing", "")
        ):
            if (what, text) != (what_else, other_text):
                found.append(f"{who} is told apart by {what}: {_around(text, other_text)}")
    return found


def another(random: Random, name: str) -> str:
    """Draw another figure for a secret, on its tick."""
    before = {k: v for named in SECRETS.values() for k, v in named.items()}[name]
    while True:
        drawn = f"{random.randint(*FIGURES[name])}.00"
        if drawn != before:
            return drawn


def _by_asker(told: Told) -> dict[str, list[tuple[str, str]]]:
    found: dict[str, list[tuple[str, str]]] = {}
    for who, what, text in told.pieces:
        masked = DECLARED.sub("", text)
        if masked != text:
            masked = HASHES.sub("", masked)
        found.setdefault(who, []).append((what, masked))
    return found


def _around(text: str, other: str) -> str:
    at = next((n for n, (a, b) in enumerate(zip(text, other, strict=False)) if a != b), 0)
    return f"{text[max(at - 60, 0) : at + 60]!r} and {other[max(at - 60, 0) : at + 60]!r}"
