"""After a member's default: its lots for who was left out, and nobody's price changes."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest

from aggregator.approvals import executing
from aggregator.approvals.asking import Wanted, ask_for
from aggregator.deals import funding
from aggregator.deals.formation import FUNDING_TIME
from aggregator.errors import InsufficientFunds, NotAllowed, NotFound, WrongState
from aggregator.journal.reading import Pool
from aggregator.ledger import accounts, transfers
from aggregator.mandates.errors import BeyondMandate
from aggregator.mandates.queries import approval
from aggregator.market import Actor, Answer, Market, Unit
from aggregator.pools import answering
from aggregator.pools.errors import SubstituteIsOver
from aggregator.pools.facts import ShareFreed, SubstituteAwarded, SubstitutionEnded
from aggregator.pools.outage import after_outage
from matching.standing.rulebook import FIRST
from tests.builders import a_command, a_market, an_actor, with_tier
from tests.integration.mandates.building import Firm, uses_agree
from tests.integration.pools.building import (
    CLOSES_AT,
    Scene,
    a_scene,
    assert_books_agree,
)

DUE_AT = CLOSES_AT + FUNDING_TIME
DAY = timedelta(days=1)
STEEP = ((300, 490_000),)


async def take(scene: Scene, name: str, pool_id: str, market: Market | None = None) -> Any:
    pledge_id = await pledge_of(scene, name, pool_id)
    actor = scene.actors[name]
    return await answering.accept(market or scene.market, actor, a_command(), pool_id, pledge_id)


async def leave(scene: Scene, name: str, pool_id: str) -> None:
    pledge_id = await pledge_of(scene, name, pool_id)
    await answering.decline(scene.market, scene.actors[name], a_command(), pool_id, pledge_id)


async def pledge_of(scene: Scene, name: str, pool_id: str) -> str:
    return str((await scene.view(name, pool_id))["you"]["pledge_id"])


async def substitute_of(scene: Scene, name: str, pool_id: str) -> dict[str, Any] | None:
    found: dict[str, Any] | None = (await scene.view(name, pool_id))["you"]["substitute"]
    return found


async def fund(scene: Scene, *names: str) -> None:
    for name in names:
        found = await Pool().rows(
            "select id from deal where buyer_id = $1 and state = 'formed'", scene.id_of(name)
        )
        for row in found:
            finance = an_actor(scene.id_of(name), "finance", group=f"group {name}")
            await funding.fund(scene.market, finance, a_command(), row["id"])


async def without_cash(scene: Scene, name: str) -> None:
    """Send all of a firm's cash back to the bank."""

    async def step(unit: Unit) -> Answer:
        cash = await accounts.ensure(unit, scene.id_of(name), accounts.CASH, "CNY")
        bank = await accounts.ensure(unit, None, accounts.BANK, "CNY")
        balance, held, _ = await accounts.lock(unit, cash)
        lines = [(cash, held - balance), (bank, balance - held)]
        await transfers.post(unit, "test", "test", lines, key=unit.new_id("key"))
        return {}

    await scene.market.perform(Actor.SYSTEM, "test", step)


async def a_default(
    *, cut: tuple[tuple[str, int], ...] = (("d", 60), ("e", 50), ("f", 70)), **scene: Any
) -> tuple[Scene, str]:
    """Let a, b, c and g share 400 lots; c and g, whose months are 200, do not pay.

    d, e and f are too small for a window with c or g in it.
    """
    made = await a_scene("abcdefg", "m", **scene)
    await made.offer("m", breaks=STEEP)
    pool_id = await made.open()
    for name, size in (("a", 100), ("b", 100), ("c", 200), ("g", 200)):
        await made.pledge(name, pool_id, size_lots=size)
    for name, lots in cut:
        await made.pledge(name, pool_id, lots=lots, size_lots=lots, limit_minor=505_000)
    await made.pass_to(CLOSES_AT)
    await fund(made, "a", "b")
    return made, pool_id


async def test_freed_lots_are_offered_in_order_and_make_a_deal_at_the_same_price(orm: str) -> None:
    scene, pool_id = await a_default()
    assert (await scene.view("d", pool_id))["you"]["left_out"] is not None

    await scene.pass_to(DUE_AT)

    offered = await substitute_of(scene, "d", pool_id)
    assert offered == {
        "lots": 60,
        "goods": "4900.00",
        "freight": "0.00",
        "fee": "9.80",
        "landed": "4909.80",
        "deposit": "30300.00",
        "until": "2027-01-11T01:00:00.000Z",
    }
    second = await substitute_of(scene, "e", pool_id)
    assert second is not None
    assert second["lots"] == 40
    assert await substitute_of(scene, "f", pool_id) is None
    before = (await scene.deals())[:2]
    outcome = await take(scene, "d", pool_id)

    deal = next(d for d in await scene.deals() if d["id"] == outcome.answer["deal_id"])
    assert (deal["lots"], deal["goods_minor"], deal["seller_id"]) == (
        60,
        490_000,
        scene.id_of("m"),
    )
    assert (await scene.deals())[:2] == before
    you = (await scene.view("d", pool_id))["you"]
    assert (you["award"]["lots"], you["award"]["goods"], you["left_out"]) == (60, "4900.00", None)
    assert (you["substitute"], you["award"]["by"]) == (None, "offer")
    before_last = (await scene.view("m", pool_id))["sold"][0]["lots"]
    await take(scene, "e", pool_id)
    assert (before_last, (await scene.view("m", pool_id))["sold"][0]["lots"]) == (260, 300)
    facts = await scene.facts(pool_id)
    assert [type(f) for f in facts if "Subst" in type(f).__name__ or type(f) is ShareFreed] == [
        ShareFreed,
        SubstitutionEnded,
        ShareFreed,
        *[type(f) for f in facts if type(f).__name__ == "SubstituteOffered"],
        SubstituteAwarded,
        SubstituteAwarded,
        SubstitutionEnded,
    ]
    assert facts[-1] == SubstitutionEnded(pool_id, 1, facts[-1].deal_id, scene.id_of("m"), 0)
    await assert_books_agree()


async def test_a_substitutes_deposit_is_that_of_his_tier(orm: str) -> None:
    scene, pool_id = await a_default()
    pledge_id = await pledge_of(scene, "d", pool_id)
    await Pool().rows(
        "update pledge set deposit_off_bps = 2000 where id = $1 returning id", pledge_id
    )
    await scene.pass_to(DUE_AT)
    offered = await substitute_of(scene, "d", pool_id)
    await with_tier(scene.id_of("d"), 3)

    outcome = await take(scene, "d", pool_id)

    assert offered is not None
    # A fifth less than the 30,300 that others set aside for these lots.
    assert offered["deposit"] == "24240.00"
    (pledge,) = await Pool().rows("select deposit_minor from pledge where id = $1", pledge_id)
    assert pledge["deposit_minor"] == 2_424_000
    (deal,) = await Pool().rows(
        "select d.deposit_minor, d.total_minor, d.return_days - i.return_days as more"
        " from deal d join instrument i on i.id = d.instrument_id where d.id = $1",
        outcome.answer["deal_id"],
    )
    assert deal["more"] == FIRST.tiers[3].return_days_more
    assert abs(deal["deposit_minor"] * 100 - deal["total_minor"] * 8) <= 100
    await assert_books_agree()


async def test_what_is_declined_or_not_answered_goes_to_the_next_and_then_back(orm: str) -> None:
    scene, pool_id = await a_default()
    await scene.pass_to(DUE_AT)

    await leave(scene, "d", pool_id)

    third = await substitute_of(scene, "f", pool_id)
    assert third is not None
    assert third["lots"] == 60
    await take(scene, "f", pool_id)
    await scene.pass_to(DUE_AT + DAY)
    assert await substitute_of(scene, "e", pool_id) is None
    ended = (await scene.facts(pool_id))[-1]
    assert (type(ended), ended.left_lots) == (SubstitutionEnded, 40)
    offer = await Pool().rows("select taken_lots from offer")
    assert [row["taken_lots"] for row in offer] == [260]
    kinds = await Pool().rows("select kind from notice where kind like 'subst%' order by kind")
    assert [row["kind"] for row in kinds] == [
        "substitute_awarded",
        "substitute_expired",
        "substitute_offered",
        "substitute_offered",
        "substitute_offered",
        "substitute_sold",
        "substitution_ended",
        "substitution_ended",
    ]
    with pytest.raises(WrongState):
        await take(scene, "e", pool_id)
    with pytest.raises(WrongState):
        await take(scene, "d", pool_id)
    await assert_books_agree()


async def test_only_who_fits_the_window_and_bears_the_price_is_asked(orm: str) -> None:
    scene = await a_scene("abcdefg", "m")
    await scene.offer("m", breaks=STEEP)
    pool_id = await scene.open()
    for name, lots in (("a", 100), ("b", 100), ("c", 200)):
        await scene.pledge(name, pool_id, lots=lots, size_lots=lots)
    await scene.pledge("d", pool_id, lots=60, size_lots=60, limit_minor=490_900)
    await scene.pledge("e", pool_id, lots=49, size_lots=49)
    await scene.pledge("f", pool_id, lots=60, size_lots=60, limit_minor=491_000)
    actor = scene.actors["g"]
    scene.actors["g"] = Actor("per_g", actor.organisation_id, "group c", actor.roles, actor.grants)
    await scene.pledge("g", pool_id, lots=50, size_lots=50)
    await scene.pass_to(CLOSES_AT)
    await fund(scene, "a", "b")

    await scene.pass_to(DUE_AT)

    asked = {name: await substitute_of(scene, name, pool_id) for name in "defg"}
    assert {name for name, found in asked.items() if found} == {"f"}
    await assert_books_agree()


async def test_a_window_without_enough_owner_groups_asks_nobody(orm: str) -> None:
    scene, pool_id = await a_default(cut=(("d", 60),))
    await Pool().rows("update pool set min_members = 4 where id = $1 returning id", pool_id)

    await scene.pass_to(DUE_AT)

    assert await substitute_of(scene, "d", pool_id) is None
    assert isinstance((await scene.facts(pool_id))[-1], SubstitutionEnded)
    await assert_books_agree()


async def test_an_answer_at_the_instant_is_late_and_one_without_deposit_refused(orm: str) -> None:
    scene, pool_id = await a_default()
    await scene.pass_to(DUE_AT)
    await without_cash(scene, "d")

    with pytest.raises(InsufficientFunds):
        await take(scene, "d", pool_id)
    scene.clock.set(DUE_AT + DAY)
    with pytest.raises(SubstituteIsOver):
        await take(scene, "e", pool_id)

    assert len(await scene.deals()) == 4
    assert await scene.held_by("e") == 0
    await assert_books_agree()


async def test_what_is_anothers_is_not_there(orm: str) -> None:
    scene, pool_id = await a_default()
    await scene.pass_to(DUE_AT)
    pledge_id = await pledge_of(scene, "d", pool_id)
    never = await pledge_of(scene, "f", pool_id)
    market = scene.market

    with pytest.raises(NotFound):
        await answering.accept(market, scene.actors["e"], a_command(), pool_id, pledge_id)
    with pytest.raises(NotFound):
        await answering.accept(market, scene.actors["f"], a_command(), pool_id, never)
    with pytest.raises(NotFound):
        await answering.accept(market, scene.actors["d"], a_command(), "pool_nowhere", pledge_id)
    finance = an_actor(scene.id_of("d"), "finance")
    with pytest.raises(NotAllowed):
        await answering.accept(market, finance, a_command(), pool_id, pledge_id)


async def test_freed_lots_are_taken_inside_a_mandate_or_not_at_all(orm: str) -> None:
    scene, pool_id = await a_default()
    await scene.pass_to(DUE_AT)
    firm = Firm(scene.market, scene.clock, scene.id_of("d"))
    await firm.hire("boss", "owner")
    scene.actors["d"] = await firm.hire("clerk", "buyer")
    await firm.bind("pools.pledge")
    with pytest.raises(BeyondMandate) as refused:
        await take(scene, "d", pool_id)
    mandate_id = await firm.mandate()

    await take(scene, "d", pool_id)

    assert (refused.value.rule, refused.value.asked_minor) == ("no_mandate", 60 * 490_980)
    assert (await firm.of_mandate(mandate_id))["used_minor"] == 60 * 490_980
    assert await uses_agree() == []
    used = await Pool().rows("select lots, state from mandate_use")
    assert [(row["lots"], row["state"]) for row in used] == [(60, "spent")]
    await assert_books_agree()


async def test_freed_lots_beyond_the_mandate_are_asked_for_as_they_are_offered(orm: str) -> None:
    scene, pool_id = await a_default()
    await scene.pass_to(DUE_AT)
    firm = Firm(scene.market, scene.clock, scene.id_of("d"))
    boss, clerk = await firm.hire("boss", "owner"), await firm.hire("clerk", "buyer")
    await firm.bind("pools.pledge")
    pledge_id = await pledge_of(scene, "d", pool_id)
    terms = {"freed": pledge_id, "only_offer": await answering.standing_offer(clerk, pledge_id)}
    about = {"act": "pools.pledge", "subject": pool_id, "currency": "CNY"}
    gone = {**terms, "only_offer": "sbs_none"}

    with pytest.raises(WrongState):
        await ask_for(scene.market, clerk, a_command(), Wanted(gone), **about)
    asking = (await ask_for(scene.market, clerk, a_command(), Wanted(terms), **about)).answer
    await executing.approve_and_execute(
        scene.market, boss, a_command(), asking["approval_id"], fingerprint=asking["fingerprint"]
    )

    found = await approval(boss, scene.market.clock.now(), asking["approval_id"])
    assert (found["state"], found["amount_minor"]) == ("executed", 60 * 490_980)
    assert found["outcome"]["lots"] == 60
    await assert_books_agree()


async def test_two_processes_take_freed_lots_once(orm: str) -> None:
    scene, pool_id = await a_default()
    await scene.pass_to(DUE_AT)
    other = a_market(scene.clock)

    found = await asyncio.gather(
        *(take(scene, "d", pool_id, market) for market in (scene.market, other) * 3),
        take(scene, "e", pool_id, other),
        return_exceptions=True,
    )

    kinds = sorted(type(one).__name__ for one in found)
    assert kinds == ["Outcome"] * 2 + ["WrongState"] * 5
    deals = await scene.deals()
    assert sum(d["lots"] for d in deals if d["state"] != "lapsed") == 300
    await assert_books_agree()


async def test_a_substitute_who_does_not_pay_frees_the_lots_again(orm: str) -> None:
    scene, pool_id = await a_default()
    await scene.pass_to(DUE_AT)
    await take(scene, "d", pool_id)
    await leave(scene, "e", pool_id)

    await scene.pass_to(DUE_AT + FUNDING_TIME)

    freed = [f for f in await scene.facts(pool_id) if isinstance(f, ShareFreed)]
    assert [f.lots for f in freed] == [100, 100, 60]
    again = await substitute_of(scene, "e", pool_id)
    assert again is not None
    assert again["lots"] == 50
    await assert_books_agree()


async def test_an_outage_gives_time_to_answer_back(orm: str) -> None:
    scene, pool_id = await a_default()
    await scene.pass_to(DUE_AT)
    began = DUE_AT + DAY - timedelta(minutes=5)
    scene.clock.set(began + timedelta(minutes=10))

    await after_outage(scene.market, began, scene.clock.now())
    await after_outage(scene.market, began, scene.clock.now())

    found = await substitute_of(scene, "d", pool_id)
    assert found is not None
    assert datetime.fromisoformat(found["until"]) == began + timedelta(minutes=21)
    await take(scene, "d", pool_id)


async def test_nobody_else_sees_that_lots_were_freed_or_offered(orm: str) -> None:
    scene, pool_id = await a_default()
    before = {name: await scene.view(name, pool_id) for name in (None, *"abf")}

    await scene.pass_to(DUE_AT)
    await take(scene, "d", pool_id)

    assert {name: await scene.view(name, pool_id) for name in (None, *"abf")} == before
