"""Who is told what: early sight, a pool of one's own, and no money to who may not read it."""

from __future__ import annotations

from typing import Any

from aggregator.market import Actor, Answer, Unit
from aggregator.notices.telling import tell
from aggregator.settlement.facts import MoneyReceived
from tests.api.conftest import Served, Visitor
from tests.api.test_edge_feed import greeted
from tests.api.test_pool_sight import LONG, OWN, back_at, tiered
from tests.api.test_pools import opened


async def told(visitor: Visitor, *kinds: str) -> list[dict[str, Any]]:
    """Return the newest notices of these kinds, as the visitor reads them."""
    found = (await visitor.get("/notices")).json()["notices"]
    return [one for one in found if one["kind"] in kinds]


async def of_me(served: Served, visitor: Visitor) -> tuple[Any, ...]:
    """Return the view and the number of the visitor's own topic."""
    snapshot = await (await greeted(served, visitor)).ask(op="subscribe", topic="me")
    return snapshot["data"], snapshot["seq"]


async def who_hears(visitors: dict[str, Visitor]) -> list[str]:
    """Return who has been told of early sight, once for each time."""
    signed_in = {name: one for name, one in visitors.items() if one.token}
    return [name for name, one in signed_in.items() for _ in await told(one, "pool_seen_early")]


async def test_a_tier_is_told_once_when_its_early_sight_begins(served: Served) -> None:
    visitors = await tiered(served)
    pool_id = await opened(visitors, **LONG)

    first = await who_hears(visitors)
    [notice] = await told(visitors["ann"], "pool_seen_early")
    visitors = await back_at(served, visitors, "2027-01-04T14:00:00+00:00")
    second = await who_hears(visitors)
    visitors = await back_at(served, visitors, "2027-01-05T02:00:00+00:00")

    assert first == ["ann"]
    assert second == await who_hears(visitors) == ["ann", "bob"]
    assert notice["subject"] == f"pool:{pool_id}"
    assert notice["figures"]["until"] == "2027-01-05T01:00:00.000Z"


async def test_a_firm_is_told_that_its_own_pool_opened_and_was_stopped(served: Served) -> None:
    visitors = await tiered(served)
    ann, operator = visitors["ann"], visitors["operator"]
    colleague = await served.visitor(operator.organisation_id, "operator")
    pool_id = (await ann.post("/pools", OWN)).json()["pool_id"]
    path, kinds = f"/pools/{pool_id}", ("pool_opened", "pool_stopped")

    [begun] = await told(ann, *kinds)
    motion = (await operator.post(f"{path}/stop", {"reason": "两次发起"})).json()
    alone = await operator.get(path)
    await colleague.post(f"{path}/motions/{motion['motion_id']}/approve")
    after = {one["kind"]: one["figures"] for one in await told(ann, *kinds)}

    assert (begun["kind"], begun["subject"]) == ("pool_opened", f"pool:{pool_id}")
    assert alone.json()["stop"]["proposed_by"]
    assert (await ann.get(path)).json()["stop"]["proposed_by"] is None
    assert set(after) == set(kinds)
    assert after["pool_stopped"] == {"cell": OWN["cell"], "said": "两次发起"}
    assert [await told(visitors[name], *kinds) for name in ("bob", "cat", "mill")] == [[], [], []]


async def test_who_may_not_read_the_ledger_is_told_of_no_money(served: Served) -> None:
    finance = await served.member("A factory", "finance")
    carrier = await served.visitor(finance.organisation_id, "logistics")
    line = await greeted(served, finance)
    await line.ask(op="subscribe", topic="me")
    before = await of_me(served, carrier)

    async def step(unit: Unit) -> Answer:
        await tell(unit, MoneyReceived("line", finance.organisation_id, 7_531, "CNY"))
        return {}

    await served.market.perform(Actor.SYSTEM, "test.tell", step)
    shown = await line.hear("delta")
    [notice] = await told(finance, "money_received")
    read = f"/notices/{notice['notice_id']}/read"
    choice = {"kinds": [{"kind": "money_received", "in_app": False, "by_mail": True}]}

    assert "75.31" in str(shown)
    assert (await carrier.get("/notices")).json()["notices"] == []
    assert await of_me(served, carrier) == before
    assert (await carrier.post(read)).status_code == 404
    assert (await carrier.patch("/notice-choices", choice)).status_code == 422
    assert (await finance.patch("/notice-choices", choice)).status_code == 200
    assert await of_me(served, finance) == before
    assert await told(finance, "money_received") == []


async def test_more_than_fifty_notices_are_listed_and_read_in_one_act(served: Served) -> None:
    finance = await served.member("A factory", "finance")
    colleague = await served.visitor(finance.organisation_id, "finance")

    async def step(unit: Unit) -> Answer:
        for number in range(60):
            await tell(unit, MoneyReceived(f"l{number}", finance.organisation_id, 100, "CNY"))
        return {}

    await served.market.perform(Actor.SYSTEM, "test.tell", step)

    short = (await finance.get("/notices")).json()["notices"]
    refused = await finance.get("/notices?limit=201")
    answered = await finance.post("/notices/read")
    mine = (await finance.get("/notices?limit=200")).json()["notices"]
    others = (await colleague.get("/notices?limit=200")).json()["notices"]

    assert (len(short), refused.status_code, answered.status_code) == (50, 422, 200)
    assert [bool(one["read_at"]) for one in mine] == [True] * 60
    assert [bool(one["read_at"]) for one in others] == [False] * 60
