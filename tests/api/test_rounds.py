"""Rounds over HTTP: a clock that everybody reads, and what is refused in words."""

from __future__ import annotations

from datetime import timedelta

from aggregator.reactions import ON_TIMER
from aggregator.workers.ringing import ring_due
from tests.api.conftest import Served
from tests.builders import START, with_cash, with_sugar

MONTHS = ("2027-03", "2027-04")
RICH = 10**10


async def test_a_clock_is_announced_answered_and_cleared(served: Served) -> None:
    await with_sugar(served.market)
    operator = await served.operator()
    body = {
        "title": "远期",
        "instrument": "SUGAR-W1",
        "region": "GX",
        "tenors": list(MONTHS),
        "closes_at": (START + timedelta(hours=2)).isoformat(),
    }
    clock = {"direction": "falling", "start": dict.fromkeys(MONTHS, "5000.00"), "step": "50.00"}
    counter = {"seller": "org_nobody"}

    both = await operator.post("/strips", {**body, "clock": clock, "counter": counter})
    nobody = await operator.post("/strips", {**body, "counter": counter})
    opened = await operator.post("/strips", {**body, "clock": clock})

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
