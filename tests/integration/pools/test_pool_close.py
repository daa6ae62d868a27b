"""The close: computed with nothing locked, on what then stands, and believed only if checked."""

import asyncio
from typing import Any

import asyncpg
import pytest

from aggregator.journal.reading import Pool
from aggregator.parties import registering
from aggregator.pools import certifying, closing
from aggregator.pools.facts import PoolClosed, PoolLapsed, PoolNotCertified
from matching.clearing.form import GuaranteeBroken
from tests.integration.pools.building import (
    CLOSES_AT,
    FIRMING_AT,
    Scene,
    a_scene,
    assert_books_agree,
)


async def a_due_pool(scene: Scene) -> str:
    await scene.offer("m")
    pool_id = await scene.open(prolong_minutes=60)
    for name in "abcde":
        await scene.pledge(name, pool_id, agrees_to_prolong=True)
    await scene.pass_to(FIRMING_AT)
    scene.clock.set(CLOSES_AT)
    return pool_id


async def open_transactions(dsn: str) -> int:
    connection = await asyncpg.connect(dsn)
    found = await connection.fetchval(
        "select count(*) from pg_stat_activity where datname = current_database()"
        " and state like 'idle in transaction%'"
    )
    await connection.close()
    return int(found)


async def test_a_close_is_computed_with_no_transaction_open(
    orm: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = await a_scene()
    pool_id = await a_due_pool(scene)
    loop, waiting = asyncio.get_running_loop(), []

    def certified(inputs: certifying.Inputs) -> certifying.Certified:
        waiting.append(asyncio.run_coroutine_threadsafe(open_transactions(orm), loop).result(5))
        return certifying.certify(inputs)

    monkeypatch.setattr(closing, "certify", certified)
    await closing.close(scene.market, pool_id)

    assert waiting == [0]
    assert len(await scene.deals()) == 5


@pytest.mark.parametrize("changes", [1, 5])
async def test_offers_that_change_meanwhile_have_it_computed_on_what_stands(
    orm: str, monkeypatch: pytest.MonkeyPatch, changes: int
) -> None:
    scene = await a_scene()
    pool_id = await a_due_pool(scene)
    loop, computed = asyncio.get_running_loop(), []

    async def one_more_offer(number: int) -> None:
        price_minor = 489_000 - 1_000 * number
        await scene.offer("n", breaks=((500, price_minor),), capacity_lots=500)

    def certified(inputs: certifying.Inputs) -> certifying.Certified:
        number = len(computed)
        if number < changes and number < closing.ATTEMPTS:
            asyncio.run_coroutine_threadsafe(one_more_offer(number), loop).result(5)
        computed.append(inputs)
        return certifying.certify(inputs)

    monkeypatch.setattr(closing, "certify", certified)
    await closing.close(scene.market, pool_id)

    assert len(computed) == (2 if changes == 1 else closing.ATTEMPTS + 1)
    published = min(changes, closing.ATTEMPTS)
    goods = {deal["goods_minor"] for deal in await scene.deals()}
    assert goods == {489_000 - 1_000 * (published - 1)}
    await assert_books_agree()


def broken_check(*_: Any) -> None:
    raise GuaranteeBroken("within_limit", "a test says so")


def crash(*_: Any) -> None:
    raise ZeroDivisionError


@pytest.mark.parametrize(
    ("name", "fault", "broken"),
    [("check", broken_check, "within_limit"), ("clear", crash, "crashed")],
)
async def test_a_result_that_is_not_certified_lapses_the_pool_and_tells_the_operator(
    orm: str, monkeypatch: pytest.MonkeyPatch, name: str, fault: Any, broken: str
) -> None:
    scene = await a_scene()
    await registering.found_operator(scene.market, "desk", "correct horse 8", name="Market")
    pool_id = await a_due_pool(scene)
    monkeypatch.setattr(certifying, name, fault)

    await scene.pass_to(CLOSES_AT)

    facts = [type(fact) for fact in await scene.facts(pool_id)]
    assert facts[-3:] == [PoolNotCertified, PoolClosed, PoolLapsed]
    view = await scene.view("a", pool_id)
    assert (view["phase"], view["you"]["left_out"]) == ("lapsed", "not_certified")
    for member in "abcde":
        assert await scene.held_by(member) == 0
    told = await Pool().rows(
        "select n.kind, n.figures from notice n join organisation o"
        " on o.id = n.organisation_id where o.kind = 'operator'"
    )
    assert [row["kind"] for row in told] == ["pool_not_certified"]
    assert broken in str(told[0]["figures"])
    assert (
        await Pool().rows("select 1 from timer where key = $1 and kind = 'pools.close'", pool_id)
        == []
    )
    assert await scene.deals() == []
    kept = await Pool().rows("select number from pool_clearing where pool_id = $1", pool_id)
    assert len(kept) == 1
    await assert_books_agree()
