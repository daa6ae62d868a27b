"""Rounds over HTTP: a clock that everybody reads, and what is refused in words."""

from __future__ import annotations

from datetime import timedelta

from aggregator.reactions import ON_TIMER
from aggregator.workers.ringing import ring_due
from tests.api.conftest import Served
from tests.builders import START, with_cash, with_sugar

MONTHS = ("2027-03", "2027-04")
RICH = 10**10
WINDOW = {
    "title": "远期",
    "instrument": "SUGAR-W1",
    "region": "GX",
    "tenors": list(MONTHS),
    "closes_at": (START + timedelta(hours=2)).isoformat(),
}


async def test_a_clock_is_announced_answered_and_cleared(served: Served) -> None:
    await with_sugar(served.market)
    operator = await served.operator()
    clock = {"direction": "falling", "start": dict.fromkeys(MONTHS, "5000.00"), "step": "50.00"}
    counter = {"seller": "org_nobody"}

    both = await operator.post("/strips", {**WINDOW, "clock": clock, "counter": counter})
    nobody = await operator.post("/strips", {**WINDOW, "counter": counter})
    opened = await operator.post("/strips", {**WINDOW, "clock": clock})

    assert both.json()["pointer"] == "/clock"
    assert nobody.json()["pointer"] == "/seller"
    path = f"/strips/{opened.json()['strip_id']}"
    for number in range(3):
        buyer = await served.member(f"Buyer {number}", "buyer")
        await with_cash(served.market, buyer.organisation_id, RICH)
        order = {"form": "period", "tenor": MONTHS[0], "lots": 20, "limit": "5000.00"}
        assert (await buyer.post(f"{path}/orders", order)).status_code == 201
    mill = await served.member("Mill", "seller", kind="mill")
    await with_cash(served.market, mill.organisation_id, RICH)
    served.market.clock.set(START + timedelta(hours=2))
    await ring_due(served.market, ON_TIMER)

    said = await mill.post(f"{path}/supplies", {"lots": {MONTHS[0]: 60}})
    more = await mill.post(f"{path}/supplies", {"lots": {"2029-01": 1}})
    early = await mill.post(f"{path}/rounds/accept", {"round": 1, "terms_sha256": "0" * 64})
    shown = (await served.nobody().get(path)).json()
    served.market.clock.set(START + timedelta(hours=2, minutes=10))
    await ring_due(served.market, ON_TIMER)

    assert said.json()["lots"] == {MONTHS[0]: 60}
    assert (more.json()["pointer"], early.status_code) == ("/lots", 404)
    assert (shown["phase"], shown["rounds"]) == ("talking", "clock")
    assert shown["talks"]["rounds"][0]["prices"] == dict.fromkeys(MONTHS, "5000.00")
    assert (await mill.get(path)).json()["phase"] == "cleared"


async def test_storage_and_make_whole_lines_are_offered_refused_and_shown(served: Served) -> None:
    await with_sugar(served.market)
    operator = await served.operator()
    opened = await operator.post("/strips", {**WINDOW, "pricing": "make_whole"})
    path = f"/strips/{opened.json()['strip_id']}"
    eager, thrifty, late = [await served.member(name, "buyer") for name in ("A", "B", "C")]
    mill = await served.member("Mill", "seller", kind="mill")
    keeper = await served.member("Keeper", "seller", "logistics", kind="mill")
    for firm in (eager, thrifty, late, mill, keeper):
        await with_cash(served.market, firm.organisation_id, RICH)
    for buyer, tenor, lots, limit in (
        (eager, MONTHS[0], 60, "5100.00"),
        (thrifty, MONTHS[0], 60, "4850.00"),
        (late, MONTHS[1], 30, "4990.00"),
    ):
        order = {"form": "period", "tenor": tenor, "lots": lots, "limit": limit}
        assert (await buyer.post(f"{path}/orders", order)).status_code == 201
    steps = {MONTHS[0]: [{"lots": 200, "price": "4900.00"}]}
    await mill.post(f"{path}/offers", {"steps": steps, "capacity": 200, "min_total": 100})
    room = {"from": MONTHS[0], "to": MONTHS[1], "lots": 100, "carry": "50.00"}
    sealed = {"steps": {MONTHS[1]: [{"lots": 20, "price": "5000.00"}]}, "capacity": 20}

    homeless = await keeper.post(f"{path}/offers", {**sealed, "storage": [room]})
    await keeper.post("/receiving-places", {"region": "GX", "name": "1号库"})
    backward = {**room, "from": MONTHS[1], "to": MONTHS[0]}
    refused = await keeper.post(
        f"{path}/offers", {**sealed, "storage": [backward]}, headers={"Accept-Language": "zh"}
    )
    offered = await keeper.post(f"{path}/offers", {**sealed, "storage": [room]})
    served.market.clock.set(START + timedelta(hours=2))
    await ring_due(served.market, ON_TIMER)

    assert (homeless.status_code, homeless.json()["pointer"]) == (422, "/storage")
    assert "须晚于前一个月份" in refused.json()["detail"]
    assert offered.status_code == 201, offered.text
    shown = (await keeper.get(path)).json()
    assert (shown["phase"], shown["awarded_pricing"]) == ("cleared", "make_whole")
    [offer] = shown["offers"]
    assert offer["storage"] == [{**room, "kept_lots": 30}]
    assert [(line["tenor"], line["price"]) for line in offer["bought"]] == [(MONTHS[0], "4850.00")]
    [order] = (await eager.get(path)).json()["orders"]
    assert order["make_whole"] == "-4237.29"
    assert (await mill.get(path)).json()["offers"][0]["make_whole"] == "5000.00"
    [gain] = (await eager.get("/forwards")).json()["gains"]
    assert gain["paid"] == "295237.29"
