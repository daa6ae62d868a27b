"""Bids decided while the commit before them is on its way to a slow disk."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from aggregator.auctions import bidding
from aggregator.auctions.desk import BidDesk
from aggregator.journal.reading import Pool
from aggregator.ledger import verifying
from aggregator.market import Answer, turnstile
from aggregator.market.desk import Asked
from matching.auctions.refusals import NotImproving
from tests.builders import a_command
from tests.integration.auctions.building import PRICE, STEP, Scene, a_scene
from tests.integration.slowness import slow_disk, until


@pytest.fixture
def decided(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Let even one act be decided ahead; return what has been."""
    found: list[Any] = []
    decide = BidDesk.decide

    def counted(desk: BidDesk, asked: Asked) -> Answer:
        answer = decide(desk, asked)
        found.append(asked.content)
        return answer

    monkeypatch.setattr(turnstile, "LEAST_AHEAD", 1)
    monkeypatch.setattr(BidDesk, "decide", counted)
    return found


async def leave_order(scene: Scene, auction_id: str, limit_minor: int | None) -> Any:
    command = a_command([limit_minor])
    ann = scene.actors["ann"]
    return await bidding.set_standing(
        scene.market, ann, command, auction_id, limit_minor=limit_minor
    )


async def test_a_hold_follows_every_act_of_a_plan(orm: str, decided: list[Any]) -> None:
    scene = await a_scene()
    auction_id = await scene.open()
    await scene.bid("ann", auction_id, PRICE)
    await scene.bid("bob", auction_id, PRICE + STEP)
    await leave_order(scene, auction_id, PRICE + 90 * STEP)
    await scene.bid("bob", auction_id, PRICE + 20 * STEP)
    before = await scene.held_by("ann")

    decided.clear()
    async with slow_disk():
        acts = [asyncio.ensure_future(scene.bid("bob", auction_id, PRICE + 30 * STEP))]
        await until(lambda: len(decided) == 1)
        for limit in (None, PRICE + 90 * STEP):
            acts.append(asyncio.ensure_future(leave_order(scene, auction_id, limit)))
            await until(lambda: len(decided) == len(acts))
    await asyncio.gather(*acts)

    assert await scene.held_by("ann") == before
    assert not (await verifying.verify()).differences


async def test_a_plan_claims_nothing_for_acts_put_back(
    orm: str, decided: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    recalled: list[bool] = []
    recall = BidDesk.recall

    def watched(desk: BidDesk, asked: Sequence[Asked], before: BidDesk | None) -> bool:
        recalled.append(recall(desk, asked, before))
        return recalled[-1]

    monkeypatch.setattr(BidDesk, "recall", watched)
    scene = await a_scene()
    first, second = await scene.open(), await scene.open()
    await scene.bid("ann", first, PRICE)
    await scene.bid("bob", first, PRICE + STEP)
    await scene.bid("ann", second, PRICE)

    decided.clear()
    async with slow_disk():
        acts = [asyncio.ensure_future(scene.bid("ann", first, PRICE + 2 * STEP))]
        await until(lambda: len(decided) == 1)
        acts.append(asyncio.ensure_future(scene.bid("bob", first, PRICE + 3 * STEP)))
        await until(lambda: len(decided) == 2)
        # Nothing is remembered of Bob there, so both are put back, and Ann's hold may move.
        acts += [
            asyncio.ensure_future(scene.bid(name, second, PRICE + 2 * STEP))
            for name in ("ann", "bob")
        ]
        await until(lambda: recalled[-1] is False)
        await Pool().rows(
            "update hold set amount_minor = amount_minor + 1 where reference = $1",
            f"auction:{second}",
        )
    await asyncio.gather(*acts[:3])
    with pytest.raises(NotImproving):
        await acts[3]

    assert [one.price_minor for one in decided].count(PRICE + 3 * STEP) == 1
