"""What a member may do, when, and what he is told when he may not."""

import asyncio
from datetime import timedelta

import pytest

from aggregator.catalogue.tenors import Cell
from aggregator.errors import CommandReused, InsufficientFunds, InvalidField, NotFound
from aggregator.market import Command
from aggregator.pools import pledging
from aggregator.pools.errors import (
    AlreadyPledged,
    FreightOnlyFalls,
    LimitOnlyRises,
    LotsOnlyRise,
    NoLeavingInFirming,
    PoolIsClosed,
    RelatedOffer,
    SizeLocked,
    SizeNotNearRequest,
)
from aggregator.pools.facts import PledgeJoined
from tests.builders import a_command, a_market, an_instrument
from tests.integration.pools.building import (
    CLOSES_AT,
    FIRMING_AT,
    RICH,
    START,
    Scene,
    a_scene,
    assert_books_agree,
)


async def leave(scene: Scene, name: str, pool_id: str, pledge_id: str) -> None:
    await pledging.withdraw(scene.market, scene.actors[name], a_command(), pool_id, pledge_id)


async def test_while_gathering_members_come_change_and_leave(orm: str) -> None:
    scene = await a_scene("ab")
    pool_id = await scene.open()
    pledge_id = await scene.pledge("a", pool_id)
    assert await scene.held_by("a") == 5_100_000

    await scene.change("a", pool_id, pledge_id, lots=60, limit_minor=500_000, tolerance_lots=5)
    assert await scene.held_by("a") == 3_250_000
    await leave(scene, "a", pool_id, pledge_id)

    assert await scene.held_by("a") == 0
    assert (await scene.view("a", pool_id))["you"] is None
    again = await scene.pledge("a", pool_id)
    assert again != pledge_id
    await assert_books_agree()


async def test_in_firming_a_pledge_only_grows(orm: str) -> None:
    scene = await a_scene("ab")
    pool_id = await scene.open()
    pledge_id = await scene.pledge("a", pool_id, freight_minor=2_000, tolerance_lots=10)
    await scene.pass_to(FIRMING_AT)

    with pytest.raises(LotsOnlyRise) as fewer:
        await scene.change("a", pool_id, pledge_id, lots=99)
    with pytest.raises(LotsOnlyRise):
        await scene.change("a", pool_id, pledge_id, tolerance_lots=9)
    with pytest.raises(LimitOnlyRises) as lower:
        await scene.change("a", pool_id, pledge_id, limit_minor=509_900)
    with pytest.raises(FreightOnlyFalls):
        await scene.change("a", pool_id, pledge_id, freight_minor=2_100)
    with pytest.raises(NoLeavingInFirming):
        await leave(scene, "a", pool_id, pledge_id)
    await scene.change("a", pool_id, pledge_id, lots=110, tolerance_lots=0, limit_minor=520_000)
    await scene.change("a", pool_id, pledge_id, freight_minor=0)
    await scene.pledge("b", pool_id)

    assert fewer.value.figures() == {"field": "lots", "stands_lots": 100, "asked_lots": 99}
    assert lower.value.figures() == {"stands_minor": 510_000, "asked_minor": 509_900}
    own = (await scene.view("a", pool_id))["you"]
    assert (own["lots"], own["limit"], own["freight"]) == (110, "5200.00", "0.00")
    assert own["leaving"]["is_allowed"] is False


async def test_firming_begins_at_its_instant_even_before_its_timer_rings(orm: str) -> None:
    scene = await a_scene("a")
    pool_id = await scene.open()
    pledge_id = await scene.pledge("a", pool_id)
    scene.clock.set(FIRMING_AT)

    with pytest.raises(NoLeavingInFirming):
        await leave(scene, "a", pool_id, pledge_id)
    await scene.change("a", pool_id, pledge_id, lots=101)

    assert (await scene.view("a", pool_id))["phase"] == "firming"


async def test_a_pledge_at_the_closing_instant_is_late(orm: str) -> None:
    scene = await a_scene("ab")
    pool_id = await scene.open()
    scene.clock.set(CLOSES_AT - timedelta(milliseconds=1))
    await scene.pledge("a", pool_id)
    scene.clock.set(CLOSES_AT)

    with pytest.raises(PoolIsClosed):
        await scene.pledge("b", pool_id)


async def test_a_firm_has_one_pledge_in_a_pool(orm: str) -> None:
    scene = await a_scene("a")
    pool_id = await scene.open()
    pledge_id = await scene.pledge("a", pool_id)

    with pytest.raises(AlreadyPledged) as refusal:
        await scene.pledge("a", pool_id)

    assert refusal.value.pledge_id == pledge_id
    assert await scene.held_by("a") == 5_100_000


async def test_a_pledge_without_its_deposit_is_refused_and_leaves_nothing(orm: str) -> None:
    scene = await a_scene("a")
    pool_id = await scene.open()
    limit = RICH // 100 * 10 // 100 * 100 + 100

    with pytest.raises(InsufficientFunds):
        await scene.pledge("a", pool_id, limit_minor=limit)

    assert await scene.held_by("a") == 0
    assert (await scene.view("a", pool_id))["you"] is None


@pytest.mark.parametrize(
    ("terms", "pointer"),
    [
        ({"lots": 0}, "/lots"),
        ({"limit_minor": 0}, "/limit"),
        ({"limit_minor": 500_050}, "/limit"),
        ({"tolerance_lots": -1}, "/tolerance"),
        ({"freight_minor": -1}, "/freight"),
        ({"freight_minor": 2_050}, "/freight"),
        ({"freight_minor": 510_000}, "/freight"),
        ({"lots": 1_000_000, "limit_minor": 10**9, "size_lots": 10**6}, "/lots"),
    ],
)
async def test_impossible_pledges_are_refused_by_field(orm: str, terms: dict, pointer: str) -> None:
    scene = await a_scene("a")
    pool_id = await scene.open()

    with pytest.raises(InvalidField) as refusal:
        await scene.pledge("a", pool_id, **terms)

    assert refusal.value.pointer == pointer


async def test_a_size_is_near_the_request_and_stays_for_ninety_days(orm: str) -> None:
    scene = await a_scene("a")
    one, two = await scene.open(), await scene.open()

    with pytest.raises(SizeNotNearRequest):
        await scene.pledge("a", one, lots=201)
    with pytest.raises(SizeNotNearRequest):
        await scene.pledge("a", one, lots=100, size_lots=49)
    await scene.pledge("a", one, lots=200, size_lots=150)
    with pytest.raises(SizeLocked) as refusal:
        await scene.pledge("a", two, lots=100, size_lots=100)
    await scene.pledge("a", two, lots=80)

    assert refusal.value.until == START + timedelta(days=90)
    assert (await scene.view("a", two))["you"]["size"] == 150


async def test_a_size_declared_of_one_instrument_does_not_bind_another(orm: str) -> None:
    scene = await a_scene("a")
    await an_instrument(scene.market, id="SALT-S1", name_zh="工业盐", name_en="Salt")
    sugar = await scene.open()
    salt = await scene.open(cell=Cell("SALT-S1", "GX", "2027-03"))

    await scene.pledge("a", sugar, lots=200, size_lots=150)
    await scene.pledge("a", salt, lots=20, size_lots=20)

    assert (await scene.view("a", sugar))["you"]["size"] == 150
    assert (await scene.view("a", salt))["you"]["size"] == 20


async def test_what_belongs_to_others_is_not_there(orm: str) -> None:
    scene = await a_scene("ab")
    pool_id = await scene.open()
    pledge_id = await scene.pledge("a", pool_id)

    with pytest.raises(NotFound):
        await leave(scene, "b", pool_id, pledge_id)
    with pytest.raises(NotFound):
        await scene.change("b", pool_id, pledge_id, lots=120)
    with pytest.raises(NotFound):
        await scene.pledge("b", "pool_nowhere")


async def test_a_firm_does_not_buy_from_its_own_group(orm: str) -> None:
    scene = await a_scene("ab", "mn")
    for seller, buyer in (("m", "a"), ("n", "b")):
        actor = scene.actors[seller]
        scene.actors[seller] = type(actor)(
            actor.person_id,
            actor.organisation_id,
            f"group {buyer}",
            actor.roles,
            actor.grants,
        )
    pool_id = await scene.open()
    await scene.pledge("a", pool_id)

    with pytest.raises(RelatedOffer):
        await scene.offer("m")

    assert (await scene.view(None, pool_id))["breaks"] == []


async def test_a_pledge_sent_again_gets_the_same_answer_and_counts_once(orm: str) -> None:
    scene = await a_scene("a")
    pool_id = await scene.open()
    terms = pledging.PledgeTerms(lots=100, limit_minor=500_000)
    command = Command.of("pledge-1", {"lots": 100})

    first = await pledging.pledge(scene.market, scene.actors["a"], command, pool_id, terms)
    again = await pledging.pledge(a_market(scene.clock), scene.actors["a"], command, pool_id, terms)
    other = Command.of("pledge-1", {"lots": 101})
    with pytest.raises(CommandReused):
        await pledging.pledge(scene.market, scene.actors["a"], other, pool_id, terms)

    assert again.answer == first.answer
    assert (first.replayed, again.replayed) == (False, True)
    joined = [f for f in await scene.facts(pool_id) if isinstance(f, PledgeJoined)]
    assert len(joined) == 1
    assert await scene.held_by("a") == 5_000_000


async def test_two_processes_race_for_one_firm_and_one_pledge_stands(orm: str) -> None:
    scene = await a_scene("a")
    pool_id = await scene.open()
    markets = [scene.market, a_market(scene.clock)]
    terms = pledging.PledgeTerms(lots=100, limit_minor=500_000)

    answers = await asyncio.gather(
        *(
            pledging.pledge(market, scene.actors["a"], a_command(), pool_id, terms)
            for _ in range(5)
            for market in markets
        ),
        return_exceptions=True,
    )

    refused = [a for a in answers if isinstance(a, AlreadyPledged)]
    assert len(refused) == 9
    assert await scene.held_by("a") == 5_000_000
    await assert_books_agree()


async def test_pledges_of_two_processes_race_the_close_and_none_is_lost(orm: str) -> None:
    from aggregator.pools.closing import close

    scene = await a_scene()
    await scene.offer("m")
    pool_id = await scene.open()
    for name in "abc":
        await scene.pledge(name, pool_id)
    other = a_market(scene.clock)
    scene.clock.set(CLOSES_AT - timedelta(milliseconds=1))
    terms = pledging.PledgeTerms(lots=100, limit_minor=500_000)
    joining = [
        pledging.pledge(market, scene.actors[name], a_command(), pool_id, terms)
        for name, market in (("d", scene.market), ("e", other), ("f", other))
    ]

    async def close_in_time(market: object) -> None:
        scene.clock.set(CLOSES_AT)
        await close(market, pool_id)

    answers = await asyncio.gather(
        *joining, close_in_time(scene.market), close_in_time(other), return_exceptions=True
    )

    joined = [a for a in answers[:3] if not isinstance(a, Exception)]
    assert all(isinstance(a, PoolIsClosed) for a in answers[:3] if isinstance(a, Exception))
    assert len(await scene.deals()) == 3 + len(joined)
    assert (await scene.view(None, pool_id))["phase"] == "awarded"
    await assert_books_agree()
