"""A supplier delivers less than a pool bought: members are reduced and the price stays."""

from typing import Any

import pytest

from aggregator.deals import funding
from aggregator.deals.cancelling import cancel
from aggregator.errors import Conflict, InvalidField, NotAllowed, NotFound, WrongState
from aggregator.fulfilment import accepting, delivering, shipping
from aggregator.fulfilment.delivering import Receipt
from aggregator.invoices import issuing
from aggregator.journal.reading import Pool
from aggregator.market import Outcome
from aggregator.pools import shortage
from tests.builders import a_command, an_actor
from tests.integration.demand.building import staff
from tests.integration.pools.building import CLOSES_AT, RICH, Scene, a_scene, assert_books_agree
from tests.integration.pools.test_substitution import DUE_AT, a_default, leave


async def an_award(*lots: int, tolerance: int = 0, break_at: int = 300) -> tuple[Scene, str]:
    """Let a, b and c buy so many lots at 4900.00 and pay."""
    scene = await a_scene("abc", "mn")
    await scene.offer("m", breaks=((break_at, 490_000),))
    pool_id = await scene.open()
    for name, own in zip("abc", lots, strict=True):
        await scene.pledge(name, pool_id, lots=own, tolerance_lots=tolerance)
    await scene.pass_to(CLOSES_AT)
    for deal in await scene.deals():
        await fund(scene, deal)
    return scene, pool_id


async def fund(scene: Scene, deal: dict[str, Any]) -> None:
    finance = an_actor(deal["buyer_id"], "finance", group=deal["buyer_group"])
    await funding.fund(scene.market, finance, a_command(), deal["id"])


async def declare(scene: Scene, pool_id: str, lots: int, name: str = "m", **more: Any) -> Outcome:
    return await shortage.declare(
        scene.market, scene.actors[name], a_command(), pool_id, lots, **more
    )


async def reductions() -> list[int]:
    found = await Pool().rows(
        "select r.lots from deal_reduction r join pledge p on p.deal_id = r.deal_id order by p.seq"
    )
    return [row["lots"] for row in found]


async def cash(scene: Scene, name: str) -> int:
    (row,) = await Pool().rows(
        "select balance_minor from account where organisation_id = $1 and purpose = 'cash'",
        scene.id_of(name),
    )
    return int(row["balance_minor"])


async def test_members_are_reduced_pro_rata_and_the_surplus_is_paid_back(orm: str) -> None:
    scene, pool_id = await an_award(150, 100, 70)
    before = await cash(scene, "a")

    outcome = await declare(scene, pool_id, 200)

    # 93.75, 62.5, 43.75: the two largest remainders get the odd lots.
    assert await reductions() == [94, 62, 44]
    assert outcome.answer == {"pool_id": pool_id, "number": 1, "lots": 200, "sold_lots": 320}
    # Per lot 4900.00 × 1.13 tax and 9.80 × 1.06 fee, each line rounded once; and 490.00 a lot
    # of the supplier's deposit.
    assert await cash(scene, "a") - before == 56 * 553_700 + 56 * 980 + 3_293 + 56 * 49_000
    view = await scene.view("a", pool_id)
    assert (view["you"]["award"]["lots"], view["you"]["award"]["reduced_lots"]) == (150, 94)
    assert view["you"]["award"]["goods"] == "4900.00"
    assert {deal["goods_minor"] for deal in await scene.deals()} == {490_000}
    sold = {"number": 1, "lots": 320, "reduced_lots": 200, "goods": "4900.00", "by": "offer"}
    assert (await scene.view("m", pool_id))["sold"] == [sold]
    assert view["sold"] == (await scene.view("n", pool_id))["sold"] == []
    told = await Pool().rows("select kind from notice where kind = 'deal_reduced'")
    assert len(told) == 6
    await assert_books_agree()


async def test_a_reduced_deal_settles_on_what_was_delivered(orm: str) -> None:
    scene, pool_id = await an_award(100, 100, 100)
    await declare(scene, pool_id, 290)
    deal = (await scene.deals())[1]
    sells = staff(scene, "m", "seller", "logistics")
    buys = staff(scene, "b", "logistics")
    market, deal_id = scene.market, deal["id"]

    with pytest.raises(InvalidField):
        await shipping.ship(market, sells, a_command(), deal_id, lots=98, carrier="Rail")
    await shipping.ship(market, sells, a_command(), deal_id, lots=97, carrier="Rail")
    receipt = Receipt(97, "Nanning warehouse 3", "WB-0001", 97_000)
    await delivering.deliver(market, sells, a_command(), deal_id, receipt)
    await accepting.accept(market, buys, a_command(), deal_id, lots=95)
    await issuing.issue(market, sells, a_command(), deal_id)

    settled = (await scene.deals())[1]
    assert (settled["state"], settled["accepted_lots"], settled["note"]) == (
        "settled",
        95,
        "shortfall",
    )
    # 95 lots: goods and 13 % tax to the mill; the buyer paid that, 0.2 % fee and 6 % on it.
    goods, fee = 95 * 490_000, 95 * 980
    paid = goods + goods * 13 // 100 + fee + fee * 6 // 100
    # The three lots given up before shipping forfeited their deposit; two refused lots wait.
    assert RICH - await cash(scene, "b") == paid - 3 * 49_000
    await assert_books_agree()


async def test_what_tolerance_added_gives_way_first(orm: str) -> None:
    scene, pool_id = await an_award(100, 100, 100, tolerance=20, break_at=310)
    assert [deal["lots"] for deal in await scene.deals()] == [104, 103, 103]

    await declare(scene, pool_id, 304)

    # 4 of the 10 lots above firm are left: 1.6, 1.2, 1.2.
    assert await reductions() == [102, 101, 101]


async def test_a_shortfall_is_refused_out_of_turn(orm: str) -> None:
    scene, pool_id = await an_award(100, 100, 100)
    for lots in (0, 300, 301):
        with pytest.raises(InvalidField):
            await declare(scene, pool_id, lots)
    with pytest.raises(InvalidField):
        await declare(scene, pool_id, 2)
    with pytest.raises(NotFound):
        await declare(scene, pool_id, 200, number=2)
    with pytest.raises(NotFound):
        await declare(scene, pool_id, 200, name="n")
    with pytest.raises(NotFound):
        await declare(scene, "pool_nowhere", 200)
    with pytest.raises(NotAllowed):
        await declare(scene, pool_id, 200, name="a")
    assert await reductions() == []

    await declare(scene, pool_id, 200)
    with pytest.raises(Conflict):
        await declare(scene, pool_id, 100)
    assert await reductions() == [67, 67, 66]
    await assert_books_agree()


async def test_a_shortfall_waits_until_all_have_paid_and_comes_before_shipping(orm: str) -> None:
    scene = await a_scene("abc", "m")
    await scene.offer("m", breaks=((300, 490_000),))
    pool_id = await scene.open()
    for name in "abc":
        await scene.pledge(name, pool_id)
    await scene.pass_to(CLOSES_AT)
    first, second, third = await scene.deals()
    await fund(scene, first)
    await fund(scene, second)

    with pytest.raises(WrongState) as unpaid:
        await declare(scene, pool_id, 200)
    await fund(scene, third)
    sells = staff(scene, "m", "seller")
    await shipping.ship(scene.market, sells, a_command(), first["id"], lots=100, carrier="Rail")
    with pytest.raises(WrongState) as shipped:
        await declare(scene, pool_id, 200)

    assert (unpaid.value.state, shipped.value.state) == ("formed", "shipping")
    assert await reductions() == []


async def test_a_shortfall_waits_until_freed_lots_are_taken_or_left(orm: str) -> None:
    scene, pool_id = await a_default(cut=(("d", 60),))
    await scene.pass_to(DUE_AT)

    with pytest.raises(WrongState) as on_offer:
        await declare(scene, pool_id, 150)
    await leave(scene, "d", pool_id)
    await declare(scene, pool_id, 150)

    assert on_offer.value.state == "offered"
    assert await reductions() == [75, 75]
    await assert_books_agree()


async def test_a_reduced_deal_called_off_keeps_only_what_was_forfeited(orm: str) -> None:
    scene, pool_id = await an_award(100, 100, 100)
    await declare(scene, pool_id, 200)
    deal_id = (await scene.deals())[0]["id"]

    await cancel(scene.market, staff(scene, "m", "seller"), a_command(), deal_id)
    await cancel(scene.market, staff(scene, "a", "buyer"), a_command(), deal_id)

    assert await cash(scene, "a") == RICH + 33 * 49_000
    await assert_books_agree()
