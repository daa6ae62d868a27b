"""Bids that go the quick way leave what the obvious way would have left."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from aggregator.auctions import store
from aggregator.auctions.desk import BidDesk, BidWanted
from aggregator.auctions.replaying import replay
from aggregator.auctions.tables import Quick
from aggregator.ids import SeededIds
from aggregator.market import Actor, Unit, commands
from aggregator.market.plans import Plan
from aggregator.market.waiting import Waiting
from tests.builders import a_command
from tests.integration.auctions.building import PRICE, STEP, Scene, a_scene

FIRMS = ("ann", "bob", "cat")


def decided(scene: Scene, wanted: list[tuple[str, BidWanted]]) -> tuple[Any, ...]:
    """Return all that deciding these bids on what is remembered leaves; nothing is written."""
    auction_id = wanted[0][1].auction_id
    stream = store.stream_of(auction_id)
    turnstile = scene.market._turnstile
    market = replace(scene.market, ids=SeededIds(7, scene.clock))
    unit = Unit(market, Actor.SYSTEM, scene.clock.now(), None)
    plan = Plan(unit, commands.Book(unit, turnstile._answered))
    loop = asyncio.get_running_loop()
    batch = [
        Waiting(
            scene.actors[name],
            a_command([name, number]),
            stream,
            one,
            "auctions.bid",
            loop.create_future(),
            desk=BidDesk,
        )
        for number, (name, one) in enumerate(wanted)
    ]
    assert plan.recall(batch, {stream: BidDesk}, turnstile._writer._ends, None)
    plan.decide(batch)
    desk = plan.desks[BidDesk]
    assert isinstance(desk, BidDesk)
    table = desk._tables[auction_id]
    answers = [repr(result) for _, result in plan.settled]
    lines = [(line.kind, line.body, line.entry.seq, line.entry.hash) for line in unit.noted]
    # Ids of commands differ from run to run; what they were answered does not.
    return answers, lines, desk.claims(), table.holds, table.room, table.room.chain


@pytest.mark.parametrize("disclosure", ["full", "best", "rank", "blind"])
async def test_both_ways_leave_the_same(
    orm: str, monkeypatch: pytest.MonkeyPatch, disclosure: str
) -> None:
    scene, chance = await a_scene(), Random(disclosure)
    auction_id = await scene.open(disclosure=disclosure)
    for number, name in enumerate(FIRMS):
        await scene.bid(name, auction_id, PRICE + number * STEP)
    wanted = []
    for number in range(120):
        # Some are too low, off the tick, for too few lots, or beyond what the market carries.
        price_minor = PRICE + (number - chance.randint(0, 1)) * STEP + chance.choice([0] * 19 + [1])
        price_minor *= chance.choice([1] * 20 + [10**10])
        lots = chance.choice([None, 100, 100, 100, 99, 0])
        is_whole = chance.random() < 0.05
        wanted.append((chance.choice(FIRMS), BidWanted(auction_id, price_minor, lots, is_whole)))

    taken: list[object] = []
    note = Quick.note
    monkeypatch.setattr(Quick, "note", lambda *given: (taken.append(given), note(*given))[1])
    quick = decided(scene, wanted)
    assert 10 < len(taken) < len(wanted) - 10
    monkeypatch.setattr(Quick, "begun", lambda _: None)
    obvious = decided(scene, wanted)
    for one, other in zip(quick, obvious, strict=True):
        assert one == other


async def test_a_record_of_plain_bids_replays(orm: str) -> None:
    scene = await a_scene()
    auction_id = await scene.open()
    for number in range(9):
        await scene.bid(FIRMS[number % 3], auction_id, PRICE + number * STEP)
    assert (await replay(auction_id)).difference == ""
