"""Requests: drafts, templates, repeats, and the pledge that a request becomes."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from aggregator.demand import drafting, queries, repeating, store
from aggregator.demand.store import Repeat
from aggregator.errors import InvalidField, NotAllowed, NotFound, WrongState
from aggregator.journal.reading import Pool
from aggregator.pools import pledging, sending
from aggregator.pools.errors import NoLeavingInFirming, RequestNotForPool
from tests.builders import a_command, a_market
from tests.integration.demand.building import a_draft, a_template, staff, state_of
from tests.integration.pools.building import (
    CLOSES_AT,
    FIRMING_AT,
    Scene,
    a_scene,
    assert_books_agree,
)


async def send(scene: Scene, name: str, request_id: str, pool_id: str) -> str:
    outcome = await sending.send(scene.market, scene.actors[name], a_command(), request_id, pool_id)
    return str(outcome.answer["pledge_id"])


async def test_a_draft_is_changed_copied_and_withdrawn(orm: str) -> None:
    scene = await a_scene("ab", "")
    request_id = await a_draft(scene, "a", limit_minor=None, payment="credit", credit_days=30)
    actor = scene.actors["a"]

    change = drafting.RequestChange(lots=120, limit_minor=505_000, payment="prepay")
    await drafting.change(scene.market, actor, a_command(), request_id, change)
    copied = await drafting.copy(scene.market, actor, a_command(), request_id, "2027-06")
    await sending.withdraw_request(scene.market, actor, a_command(), request_id)

    (copy,) = await queries.requests(actor, state="draft")
    (first,) = await queries.requests(actor, state="withdrawn")
    assert (first.state, first.terms.lots, first.terms.limit_minor) == ("withdrawn", 120, 505_000)
    assert (first.terms.payment, first.terms.credit_days) == ("prepay", 0)
    assert (copy.id, copy.copied_from) == (copied.answer["request_id"], request_id)
    assert (copy.state, copy.terms.first_tenor, copy.terms.last_tenor) == (
        "draft",
        "2027-06",
        "2027-06",
    )


@pytest.mark.parametrize(
    ("terms", "pointer"),
    [
        ({"lots": 0}, "/lots"),
        ({"tolerance_lots": -1}, "/tolerance"),
        ({"limit_minor": 510_050}, "/limit"),
        ({"freight_minor": 510_000}, "/freight"),
        ({"last_tenor": "2027-02"}, "/last_tenor"),
        ({"last_tenor": "2029-03"}, "/last_tenor"),
        ({"first_tenor": "2026-01", "last_tenor": "2026-12"}, "/last_tenor"),
        ({"region": "XX"}, "/region"),
        ({"payment": "barter"}, "/payment"),
        ({"payment": "credit"}, "/credit_days"),
        ({"credit_days": 30}, "/credit_days"),
        ({"place": "dock\u202e7"}, "/place"),
    ],
)
async def test_impossible_needs_are_refused_by_field(orm: str, terms: dict, pointer: str) -> None:
    scene = await a_scene("a", "")

    with pytest.raises(InvalidField) as refusal:
        await a_draft(scene, "a", **terms)

    assert refusal.value.pointer == pointer
    assert await queries.requests(scene.actors["a"]) == []


async def test_a_request_sent_is_a_pledge_and_bought_when_it_is_awarded(orm: str) -> None:
    scene = await a_scene("abc", "m")
    await scene.offer("m")
    pool_id = await scene.open()
    request_id = await a_draft(scene, "a", last_tenor="2027-05", tolerance_lots=10)
    pledge_id = await send(scene, "a", request_id, pool_id)
    for name in "bc":
        await scene.pledge(name, pool_id)
    own = (await scene.view("a", pool_id))["you"]
    assert (own["pledge_id"], own["lots"], own["tolerance"]) == (pledge_id, 100, 10)
    assert await state_of(scene, "a", request_id) == "sent"

    await scene.pass_to(CLOSES_AT)

    assert await state_of(scene, "a", request_id) == "bought"
    with pytest.raises(WrongState):
        await sending.withdraw_request(scene.market, scene.actors["a"], a_command(), request_id)
    await assert_books_agree()


async def test_a_request_left_out_is_a_draft_again_and_may_be_sent_anew(orm: str) -> None:
    scene = await a_scene("ab", "m")
    await scene.offer("m")
    one, two = await scene.open(), await scene.open(closes_at=CLOSES_AT + timedelta(days=1))
    request_id = await a_draft(scene, "a")
    await send(scene, "a", request_id, one)

    await scene.pass_to(CLOSES_AT)

    assert await state_of(scene, "a", request_id) == "draft"
    assert await scene.held_by("a") == 0
    again = await send(scene, "a", request_id, two)
    assert (await store.own(scene.id_of("a"), request_id)).pledge_id == again


async def test_withdrawing_a_request_withdraws_its_pledge_while_the_pool_gathers(orm: str) -> None:
    scene = await a_scene("a", "m")
    pool_id, other = await scene.open(), await scene.open()
    actor = scene.actors["a"]
    one, two = await a_draft(scene, "a"), await a_draft(scene, "a")
    await send(scene, "a", one, pool_id)
    await send(scene, "a", two, other)
    await sending.withdraw_request(scene.market, actor, a_command(), one)
    assert (await scene.view("a", pool_id))["you"] is None

    await scene.pass_to(FIRMING_AT)

    with pytest.raises(NoLeavingInFirming):
        await sending.withdraw_request(scene.market, actor, a_command(), two)
    assert await state_of(scene, "a", one) == "withdrawn"
    assert await state_of(scene, "a", two) == "sent"


async def test_a_pledge_that_leaves_gives_its_request_back(orm: str) -> None:
    scene = await a_scene("a", "m")
    pool_id = await scene.open()
    request_id = await a_draft(scene, "a")
    pledge_id = await send(scene, "a", request_id, pool_id)

    await pledging.withdraw(scene.market, scene.actors["a"], a_command(), pool_id, pledge_id)

    assert await state_of(scene, "a", request_id) == "draft"


async def test_what_does_not_fit_is_not_sent(orm: str) -> None:
    scene = await a_scene("ab", "m")
    pool_id = await scene.open()
    actor = scene.actors["a"]
    april = await a_draft(scene, "a", first_tenor="2027-04", last_tenor="2027-05")
    open_limit = await a_draft(scene, "a", limit_minor=None)
    template = await a_template(scene, "a")
    good = await a_draft(scene, "a")

    with pytest.raises(RequestNotForPool) as refusal:
        await send(scene, "a", april, pool_id)
    with pytest.raises(InvalidField):
        await send(scene, "a", open_limit, pool_id)
    with pytest.raises(WrongState):
        await send(scene, "a", template, pool_id)
    with pytest.raises(NotFound):
        await send(scene, "b", good, pool_id)
    with pytest.raises(NotFound):
        await send(scene, "a", good, "pool_nowhere")
    viewer = staff(scene, "a", "viewer")
    with pytest.raises(NotAllowed):
        await sending.send(scene.market, viewer, a_command(), good, pool_id)
    with pytest.raises(NotAllowed):
        await queries.requests(viewer)

    assert refusal.value.cell == "SUGAR-W1/GX/2027-03"
    assert await state_of(scene, "a", good) == "draft"
    assert (await queries.request(actor, good)).pledge_id is None
    assert await scene.held_by("a") == 0


async def test_two_processes_send_one_request_once(orm: str) -> None:
    scene = await a_scene("a", "m")
    pools = [await scene.open(), await scene.open()]
    request_id = await a_draft(scene, "a")
    markets = [scene.market, a_market(scene.clock)]

    found = await asyncio.gather(
        *(
            sending.send(market, scene.actors["a"], a_command(), request_id, pool_id)
            for market, pool_id in zip(markets, pools, strict=True)
        ),
        return_exceptions=True,
    )

    assert sorted(type(one).__name__ for one in found) == ["Outcome", "WrongState"]
    standing = await Pool().rows("select id from pledge where state = 'standing'")
    assert len(standing) == 1
    assert await scene.held_by("a") == 5_100_000


async def test_a_template_drafts_each_month_in_time_and_tells(orm: str) -> None:
    scene = await a_scene("a", "")
    template = await a_template(scene, "a", last_tenor="2027-04")
    actor = scene.actors["a"]
    await repeating.repeat(
        scene.market, actor, a_command(), template, Repeat(2, "2027-03", 30, "2027-07")
    )
    drafted = []
    for instant in ("2027-01-29", "2027-01-30", "2027-04-01", "2027-06-01", "2027-12-01"):
        await scene.pass_to(datetime.fromisoformat(instant).replace(tzinfo=UTC))
        await repeating.on_timer(scene.market, template)
        found = await queries.requests(actor, state="draft")
        months = [(one.terms.first_tenor, one.terms.last_tenor) for one in found]
        drafted.append(sorted(months, reverse=True))

    assert drafted[0] == []
    assert drafted[1] == [("2027-03", "2027-04")]
    assert drafted[2] == [("2027-05", "2027-06"), ("2027-03", "2027-04")]
    assert [first for first, _ in drafted[4]] == ["2027-07", "2027-05", "2027-03"]
    assert drafted[3] == drafted[4]
    assert (await queries.request(actor, template)).repeat is None
    told = await Pool().rows("select subject from notice where kind = 'request_repeated'")
    assert len(told) == 3


async def test_a_template_is_changed_after_its_first_month_is_over(orm: str) -> None:
    scene = await a_scene("a", "")
    template, draft_id = await a_template(scene, "a"), await a_draft(scene, "a")
    actor = scene.actors["a"]
    await repeating.repeat(scene.market, actor, a_command(), template, Repeat(1, "2027-03"))
    await scene.pass_to(datetime(2027, 6, 5, tzinfo=UTC))
    cheaper = drafting.RequestChange(limit_minor=480_000)

    await drafting.change(scene.market, actor, a_command(), template, cheaper)
    with pytest.raises(InvalidField, match="/last_tenor"):
        await drafting.change(scene.market, actor, a_command(), draft_id, cheaper)
    await scene.pass_to(datetime(2027, 7, 5, tzinfo=UTC))

    found = {
        one.terms.first_tenor: one.terms.limit_minor
        for one in await queries.requests(actor, state="draft")
    }
    assert found["2027-08"] == 480_000


async def test_months_that_ended_meanwhile_are_passed_over(orm: str) -> None:
    scene = await a_scene("a", "")
    template = await a_template(scene, "a")
    actor = scene.actors["a"]
    await repeating.repeat(scene.market, actor, a_command(), template, Repeat(1, "2027-03"))

    await scene.pass_to(datetime(2027, 6, 5, tzinfo=UTC))

    found = await queries.requests(actor, state="draft")
    assert sorted(one.terms.first_tenor for one in found) == ["2027-06", "2027-07"]
    repeat = (await queries.request(actor, template)).repeat
    assert repeat is not None
    assert repeat.next_tenor == "2027-08"
    await repeating.stop_repeat(scene.market, actor, a_command(), template)
    assert await Pool().rows("select key from timer where kind = 'demand.repeat'") == []


async def test_only_a_template_comes_again_and_only_in_lawful_steps(orm: str) -> None:
    scene = await a_scene("a", "")
    actor = scene.actors["a"]
    draft_id, template = await a_draft(scene, "a"), await a_template(scene, "a")

    for request_id, wanted, error in (
        (draft_id, Repeat(1, "2027-03"), WrongState),
        (template, Repeat(0, "2027-03"), InvalidField),
        (template, Repeat(1, "2026-12"), InvalidField),
        (template, Repeat(1, "2027-03", 0), InvalidField),
        (template, Repeat(1, "2027-03", 30, "2027-02"), InvalidField),
        ("req_nowhere", Repeat(1, "2027-03"), NotFound),
    ):
        with pytest.raises(error):
            await repeating.repeat(scene.market, actor, a_command(), request_id, wanted)
