"""Early sight of a group buy, and group buys of a firm's own, over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from aggregator.errors import NotFound
from aggregator.journal.reading import Pool
from aggregator.ledger.queries import balances
from aggregator.market.eyes import reading_for
from aggregator.pools.topic import PoolTopic
from tests.api.conftest import Served, Visitor
from tests.api.test_pools import OFFER, PLEDGE, POOL, opened, pass_to, visitors_of
from tests.builders import an_actor, with_tier
from web.api.pool_answers import PoolView

# 48 hours of gathering, so that the day of the highest tier is half of it.
LONG: dict[str, Any] = {
    "has_early_sight": True,
    "firming_at": "2027-01-06T03:00:00Z",
    "closes_at": "2027-01-07T03:00:00Z",
}
OWN: dict[str, Any] = {**POOL, **LONG, "has_early_sight": False}
ABSENT = "pool_00000000000000000000000000"


async def tiered(served: Served) -> dict[str, Visitor]:
    """Return a leading, a proven and an entry factory, and the others."""
    visitors = await visitors_of(served)
    await with_tier(visitors["ann"].organisation_id, 3)
    await with_tier(visitors["bob"].organisation_id, 2)
    return visitors


async def back_at(served: Served, visitors: dict[str, Visitor], instant: str) -> dict[str, Visitor]:
    """Let time pass, which ends sessions, and let the firms sign in anew."""
    await pass_to(served, instant)
    firms = {name: one for name, one in visitors.items() if one.organisation_id}
    signed_in = {
        name: await served.visitor(
            one.organisation_id, {"operator": "operator", "mill": "seller"}.get(name, "buyer")
        )
        for name, one in firms.items()
    }
    return {**visitors, **signed_in}


async def seeing(visitors: dict[str, Visitor]) -> list[str]:
    found = {name: (await one.get("/pools")).json()["pools"] for name, one in visitors.items()}
    return [name for name, pools in found.items() if pools]


async def asked(visitor: Visitor, pool_id: str) -> list[dict[str, Any]]:
    """Return all that a pool's id could tell, without the request's own number."""
    path = f"/pools/{pool_id}"
    answers = [
        await visitor.get(path),
        await visitor.get(f"{path}/savings"),
        await visitor.post(f"{path}/preview", {"lots": 10}),
        await visitor.post(f"{path}/pledges", PLEDGE),
        await visitor.post(f"{path}/shortfall", {"lots": 1}),
        await visitor.post(f"{path}/pledges/plg_1/accept"),
        await visitor.patch(f"{path}/pledges/plg_1", {"lots": 10}),
        await visitor.delete(f"{path}/pledges/plg_1"),
        await visitor.get("/pools"),
    ]
    return [{**one.json(), "request": ""} for one in answers]


async def test_each_tier_sees_a_pool_in_its_turn_and_others_find_nothing(served: Served) -> None:
    visitors = await tiered(served)
    await visitors["mill"].post("/offers", OFFER)
    absent = await asked(visitors["cat"], ABSENT)
    pool_id = await opened(visitors, **LONG)

    first = await seeing(visitors)
    hidden = await asked(visitors["cat"], pool_id)
    await visitors["ann"].post(f"/pools/{pool_id}/pledges", PLEDGE)
    visitors = await back_at(served, visitors, "2027-01-04T14:00:00+00:00")
    second = await seeing(visitors)
    visitors = await back_at(served, visitors, "2027-01-05T02:00:00+00:00")

    assert first == ["operator", "ann"]
    assert hidden == absent
    assert second == ["operator", "ann", "bob"]
    assert len(await seeing(visitors)) == len(visitors)
    joined = await visitors["cat"].post(f"/pools/{pool_id}/pledges", PLEDGE)
    assert joined.status_code == 201
    shown = PoolView.model_validate((await visitors["nobody"].get(f"/pools/{pool_id}")).json())
    assert [(one.tier, one.from_at[:13]) for one in shown.sight] == [
        ("leading", "2027-01-04T01"),
        ("proven", "2027-01-04T13"),
        ("entry", "2027-01-05T01"),
    ]


async def test_the_feed_and_the_database_hide_an_early_pool_too(served: Served) -> None:
    visitors = await tiered(served)
    pool_id = await opened(visitors, **LONG)
    ann, cat = (an_actor(visitors[name].organisation_id, "buyer") for name in ("ann", "cat"))

    assert (await PoolTopic().allow(ann, pool_id)).organisation_id == ann.organisation_id
    for actor in (cat, None):
        with pytest.raises(NotFound):
            await PoolTopic().allow(actor, pool_id)
    for actor, rows in ((ann, 1), (cat, 0), (None, 0)):
        with reading_for(actor):
            assert len(await Pool().rows("select id from pool")) == rows


async def test_a_member_whose_tier_drops_still_sees_what_he_is_in(served: Served) -> None:
    visitors = await tiered(served)
    pool_id = await opened(visitors, **LONG)
    await visitors["ann"].post(f"/pools/{pool_id}/pledges", PLEDGE)

    await with_tier(visitors["ann"].organisation_id, 0)

    assert (await visitors["ann"].get(f"/pools/{pool_id}")).status_code == 200


async def test_early_sight_leaves_others_half_of_the_gathering(served: Served) -> None:
    visitors = await tiered(served)

    answer = await visitors["operator"].post(
        "/pools", {**POOL, **LONG, "firming_at": "2027-01-06T00:00:00Z"}
    )

    assert answer.json()["pointer"] == "/has_early_sight"
    assert answer.json()["figure"] == 48


async def test_a_firm_opens_pools_of_its_own_as_far_as_its_tier_goes(served: Served) -> None:
    visitors = await tiered(served)

    one = await visitors["bob"].post("/pools", OWN)
    refused = [
        await visitors["bob"].post("/pools", OWN),
        await visitors["cat"].post("/pools", OWN),
        await visitors["ann"].post("/pools", POOL),
        await visitors["ann"].post("/pools", {**OWN, "closes_at": "2027-02-20T00:00:00Z"}),
        await visitors["mill"].post("/pools", OWN),
    ]

    assert one.status_code == 201
    assert [(a.status_code, a.json()["code"]) for a in refused] == [
        (422, "own_pools_spent"),
        (422, "own_pools_spent"),
        (422, "invalid_field"),
        (422, "invalid_field"),
        (403, "not_allowed"),
    ]
    assert [a.json()["figures"] for a in refused[:2]] == [{"max_pools": 1}, {"max_pools": 0}]
    path = f"/pools/{one.json()['pool_id']}"
    by = {name: (await who.get(path)).json()["opened_by"] for name, who in visitors.items()}
    assert by == {**dict.fromkeys(visitors, "member"), "bob": "you"}


async def test_who_opened_a_pool_sees_no_more_of_it_than_any_member(served: Served) -> None:
    visitors = await tiered(served)
    await visitors["mill"].post("/offers", OFFER)
    path = f"/pools/{(await visitors['bob'].post('/pools', OWN)).json()['pool_id']}"
    for name, limit in (("ann", "5011.00"), ("cat", "5022.00")):
        await visitors[name].post(f"{path}/pledges", {**PLEDGE, "limit": limit})

    own = (await visitors["bob"].get(path)).json()
    other = (await visitors["nobody"].get(path)).json()

    assert own == {**other, "opened_by": "you"}


async def test_two_persons_of_the_operator_stop_a_pool_and_free_its_deposits(
    served: Served,
) -> None:
    visitors = await tiered(served)
    operator = visitors["operator"]
    colleague = await served.visitor(operator.organisation_id, "operator")
    path = f"/pools/{(await visitors['bob'].post('/pools', OWN)).json()['pool_id']}"
    await visitors["ann"].post(f"{path}/pledges", PLEDGE)

    proposed = await operator.post(f"{path}/stop", {"reason": "The cell is not delivered"})
    approval = f"{path}/motions/{proposed.json()['motion_id']}/approve"
    told = [(await visitors[name].get(path)).json()["stop"] for name in ("ann", "operator")]
    answers = [
        await visitors["bob"].post(f"{path}/stop", {"reason": "No more need"}),
        await operator.post(approval),
        await colleague.post(f"{path}/motions/mot_1/approve"),
        await colleague.post(approval),
        await colleague.post(approval),
        await visitors["ann"].post(f"{path}/pledges", PLEDGE),
    ]

    assert proposed.status_code == 202
    assert [told[0], told[1]["is_stopped"]] == [None, False]
    assert [(a.status_code, a.json().get("code")) for a in answers] == [
        (403, "not_allowed"),
        (403, "same_person"),
        (404, "not_found"),
        (200, None),
        (409, "wrong_state"),
        (422, "pool_closed"),
    ]
    seen = PoolView.model_validate((await visitors["ann"].get(path)).json())
    assert (seen.phase, seen.you and seen.you.left_out) == ("lapsed", "stopped")
    assert seen.stop is not None
    assert (seen.stop.reason, seen.stop.is_stopped) == ("The cell is not delivered", True)
    (account,) = await balances(visitors["ann"].organisation_id)
    assert account.held_minor == 0


async def test_a_proposal_to_stop_stands_for_a_quarter_of_an_hour(served: Served) -> None:
    visitors = await tiered(served)
    operator = visitors["operator"]
    colleague = await served.visitor(operator.organisation_id, "operator")
    path = f"/pools/{await opened(visitors, **LONG)}"
    proposed = await operator.post(f"{path}/stop", {"reason": "Opened by mistake"})

    await pass_to(served, "2027-01-04T01:15:00+00:00")
    late = await colleague.post(f"{path}/motions/{proposed.json()['motion_id']}/approve")

    assert (late.status_code, late.json()["code"]) == (409, "wrong_state")
