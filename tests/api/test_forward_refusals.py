"""Windows, offers, orders, transfers and swaps that cannot be: the rule, in both languages."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.api.conftest import Served, Visitor
from tests.api.test_contracts import EN, ZH, detail
from tests.api.test_rounds import MONTHS, WINDOW
from tests.builders import START, with_sugar
from tests.integration.forwards.signing import a_firm, signed, with_members

MARCH, APRIL = MONTHS


async def said(who: Visitor, path: str, body: dict[str, Any]) -> list[str]:
    return [detail(await who.post(path, body, headers=language), 422) for language in (EN, ZH)]


async def test_a_window_an_order_and_an_offer_that_cannot_be(served: Served) -> None:
    await with_sugar(served.market)
    operator = await served.operator()
    buyer = await served.member("Buyer", "buyer")
    mill = await served.member("Mill", "seller", kind="mill")
    path = f"/strips/{(await operator.post('/strips', WINDOW)).json()['strip_id']}"
    late = (START + timedelta(hours=3)).isoformat()
    order = {"form": "period", "tenor": MARCH, "lots": 20, "limit": "5000.01"}
    turned = {"form": "flexible", "window": [APRIL, MARCH], "lots": 20, "limit": "5000.00"}
    steps = {MARCH: [{"lots": 50, "price": "4900.00"}]}

    assert await said(operator, "/strips", {**WINDOW, "opens_at": late}) == [
        "/closes_at: after the opening.",
        "/closes_at：须晚于开始时间。",
    ]
    assert await said(operator, "/strips", {**WINDOW, "tenors": ["2039-03"]}) == [
        "/tenors/0: a month with a declared trading calendar.",
        "/tenors/0：该月须已有公布的交易日历。",
    ]
    assert await said(buyer, f"{path}/orders", order) == [
        "/limit: a multiple of the tick 1.00.",
        "/limit：须为最小变动价位 1.00 元的整数倍。",
    ]
    assert await said(buyer, f"{path}/orders", turned) == [
        "/window/1: a month not before the first.",
        "/window/1：不得早于首个月份。",
    ]
    offer = {"steps": steps, "capacity": 200, "min_total": 100}
    assert await said(mill, f"{path}/offers", offer) == [
        "/min_total: 1 to the 50 lots offered.",
        "/min_total：须为 1 手至所报的 50 手。",
    ]


async def test_a_transfer_without_a_place_and_a_swap_into_cash(served: Served) -> None:
    world = await signed(served.market)
    await with_members(await a_firm(world.market, "nowhere"))
    buyer = await served.visitor(world.buyers[0].organisation_id, "buyer")
    path = f"/slots/{world.slot_ids[0]}/proposals"

    assert await said(buyer, path, {"kind": "transfer", "lots": 10, "to": "nowhere"}) == [
        "/to: a buyer with a receiving place.",
        "/to：须为有收货地的买方企业。",
    ]
    assert await said(buyer, path, {"kind": "swap", "tenor": MARCH, "to": "buyer2"}) == [
        "This would close into cash: a swap within one month moves no goods.",
        "这样会变成纯现金了结：同一月份互换没有货物移动。",
    ]
