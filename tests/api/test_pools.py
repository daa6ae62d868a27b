"""Offers and group buys over HTTP, as a client of nobody's making meets them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from aggregator.reactions import ON_TIMER
from aggregator.workers.ringing import ring_due
from matching.clearing.certificate import check
from tests.api.conftest import Served, Visitor
from tests.builders import with_cash, with_sugar, with_tier
from web.api.offers import Offers
from web.api.pool_answers import Pledged, Pools, PoolView, Preview

CELL = "SUGAR-W1/GX/2027-03"
OFFER: dict[str, Any] = {
    "cell": CELL,
    "breaks": [{"from_lots": 1, "price": "5000.00"}, {"from_lots": 300, "price": "4950.00"}],
    "capacity_lots": 1000,
}
POOL: dict[str, Any] = {
    "cell": CELL,
    "firming_at": "2027-01-04T03:00:00Z",
    "closes_at": "2027-01-04T05:00:00Z",
}
LATE: dict[str, Any] = {"closes_at": "2027-03-31T23:00:00Z"}
PLEDGE: dict[str, Any] = {"lots": 100, "limit": "5100.00", "freight": "30.00"}


async def visitors_of(served: Served) -> dict[str, Visitor]:
    """Three factories and a mill with money, the operator, and nobody."""
    await with_sugar(served.market)
    found = {"nobody": served.nobody(), "operator": await served.operator()}
    for name in ("ann", "bob", "cat"):
        found[name] = await served.member(f"Firm {name}", "buyer", kind="factory")
    found["mill"] = await served.member("Firm mill", "seller", kind="mill")
    for name in ("ann", "bob", "cat", "mill"):
        await with_cash(served.market, found[name].organisation_id, 10**10)
    return found


async def opened(visitors: dict[str, Visitor], **rules: Any) -> str:
    answer = await visitors["operator"].post("/pools", {**POOL, **rules})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["pool_id"])


async def pass_to(served: Served, instant: str) -> None:
    served.market.clock.set(datetime.fromisoformat(instant))  # type: ignore[attr-defined]
    await ring_due(served.market, ON_TIMER)


async def test_a_pool_from_offer_to_deals(served: Served) -> None:
    visitors = await visitors_of(served)
    offer = await visitors["mill"].post("/offers", OFFER)
    pool_id = await opened(visitors)
    path = f"/pools/{pool_id}/pledges"
    for name in ("ann", "bob"):
        await visitors[name].post(path, PLEDGE)
    joined = await visitors["cat"].post(path, {**PLEDGE, "lots": 99})
    preview = await visitors["cat"].post(f"/pools/{pool_id}/preview", PLEDGE)
    changed = await visitors["cat"].patch(f"{path}/{joined.json()['pledge_id']}", {"lots": 100})

    await pass_to(served, POOL["closes_at"])
    seen = (await visitors["cat"].get(f"/pools/{pool_id}")).json()
    public = (await visitors["nobody"].get(f"/pools/{pool_id}")).json()
    listed = (await visitors["nobody"].get(f"/pools?cell={CELL}&phase=awarded")).json()
    own = (await visitors["mill"].get(f"/offers?cell={CELL}")).json()

    assert offer.status_code == 201, offer.text
    assert joined.status_code == 201, joined.text
    assert (joined.json()["deposit"], changed.json()["deposit"]) == ("50490.00", "51000.00")
    assert [step["landed"] for step in preview.json()["landed"]] == ["5040.00", "4989.90"]
    award = seen["you"]["award"]
    assert (award["goods"], award["landed"], award["lots"]) == ("4950.00", "4989.90", 100)
    assert public == {**seen, "you": None}
    assert [view["pool_id"] for view in listed["pools"]] == [pool_id]
    assert own["offers"][0]["own"] == {
        "taken_lots": 300,
        "is_public": True,
        "shown_to": [],
        "from_tier": None,
        "for_kind": None,
        "for_size": None,
    }
    Pledged.model_validate(joined.json())
    Preview.model_validate(preview.json())
    PoolView.model_validate(seen)
    Pools.model_validate(listed)
    Offers.model_validate(own)


async def test_a_pledge_sent_again_counts_once(served: Served) -> None:
    visitors = await visitors_of(served)
    path = f"/pools/{await opened(visitors)}/pledges"

    first = await visitors["ann"].post(path, PLEDGE, key="one-id")
    again = await visitors["ann"].post(path, PLEDGE, key="one-id")
    other = await visitors["ann"].post(path, {**PLEDGE, "lots": 101}, key="one-id")

    assert first.json() == again.json()
    assert again.headers["Idempotent-Replayed"] == "true"
    assert other.json()["code"] == "command_reused"


async def test_leaving_is_for_the_gathering(served: Served) -> None:
    visitors = await visitors_of(served)
    path = f"/pools/{await opened(visitors)}/pledges"
    pledge_id = (await visitors["ann"].post(path, PLEDGE)).json()["pledge_id"]
    left = await visitors["ann"].delete(f"{path}/{pledge_id}")
    pledge_id = (await visitors["ann"].post(path, PLEDGE)).json()["pledge_id"]
    await pass_to(served, POOL["firming_at"])

    refused = await visitors["ann"].delete(f"{path}/{pledge_id}")
    lowered = await visitors["ann"].patch(f"{path}/{pledge_id}", {"limit": "5000.00"})

    assert left.json()["state"] == "withdrawn"
    assert (refused.status_code, refused.json()["code"]) == (422, "pool_no_leaving")
    assert (lowered.status_code, lowered.json()["code"]) == (422, "pool_limit_only_rises")
    assert lowered.json()["figures"] == {"stands": "5100.00", "asked": "5000.00"}


async def test_refusals_name_field_rule_and_figure(served: Served) -> None:
    visitors = await visitors_of(served)
    pool_id = await opened(visitors, mode="both", max_share=60)
    assert (await visitors["nobody"].get(f"/pools/{pool_id}")).json()["max_share"] == 60
    path = f"/pools/{pool_id}/pledges"
    ann, mill, operator = (visitors[name] for name in ("ann", "mill", "operator"))
    rising = [{"from_lots": 1, "price": "4900.00"}, {"from_lots": 300, "price": "4950.00"}]

    answers = [
        await mill.post("/offers", {**OFFER, "breaks": rising}),
        await mill.post("/offers", {**OFFER, "capacity_lots": "1000"}),
        await mill.post("/offers", {**OFFER, "cell": "SUGAR-W1/XX/2027-03"}),
        await operator.post("/pools", {**POOL, "closes_at": "2027-01-04T00:00:00Z"}),
        await operator.post("/pools", {**POOL, "mode": "lottery"}),
        await operator.post("/pools", {**POOL, "min_members": 2}),
        await operator.post("/pools", {**POOL, "mode": "auction", "max_share": 100}),
        await operator.post("/pools", {**POOL, "max_share": 60}),
        await operator.post("/pools", {**POOL, **LATE, "prolong_minutes": 61}),
        await ann.post(path, {**PLEDGE, "limit": 5100}),
        await ann.post(path, {**PLEDGE, "limit": "5100.50"}),
        await ann.post(path, {**PLEDGE, "lots": 0}),
        await ann.post(path, {**PLEDGE, "freight": "5100.00"}),
        await ann.post(path, {**PLEDGE, "lots": 201}),
        await mill.post(path, PLEDGE),
        await visitors["nobody"].post(path, PLEDGE),
        await ann.post("/pools/pool_nowhere/pledges", PLEDGE),
        await ann.patch(f"{path}/plg_nowhere", {"lots": 100}),
        await ann.get("/pools/pool_nowhere"),
        await ann.delete("/offers/off_nowhere"),
        await mill.delete("/offers/off_nowhere"),
    ]

    told = [
        (answer.status_code, answer.json()["code"], answer.json().get("pointer"))
        for answer in answers
    ]
    assert told == [
        (422, "invalid_field", "/breaks/1/price"),
        (422, "invalid_field", "/capacity_lots"),
        (422, "invalid_field", "/region"),
        (422, "invalid_field", "/closes_at"),
        (422, "invalid_field", "/mode"),
        (422, "invalid_field", "/min_members"),
        (422, "invalid_field", "/max_share"),
        (422, "invalid_field", "/max_share"),
        (422, "invalid_field", "/prolong_minutes"),
        (422, "invalid_field", "/limit"),
        (422, "invalid_field", "/limit"),
        (422, "invalid_field", "/lots"),
        (422, "invalid_field", "/freight"),
        (422, "size_not_near_request", None),
        (403, "not_allowed", None),
        (401, "not_signed_in", None),
        (404, "not_found", None),
        (404, "not_found", None),
        (404, "not_found", None),
        (403, "not_allowed", None),
        (404, "not_found", None),
    ]


async def test_unknown_cells_are_refused_with_what_is_wrong_in_them(served: Served) -> None:
    visitors = await visitors_of(served)
    cells = {
        "SUGAR-W1/GX": (422, "invalid_field", "/cell"),
        "SUGAR-W1/GX/2027-13": (422, "invalid_field", "/cell"),
        "SUGAR-W1/XX/2027-03": (422, "invalid_field", "/region"),
        "TEA-1/GX/2027-03": (404, "not_found", None),
    }

    for act, who, body in (("/pools", "operator", POOL), ("/offers", "mill", OFFER)):
        for cell, refusal in cells.items():
            answer = await visitors[who].post(act, {**body, "cell": cell})
            told = answer.json()
            assert (answer.status_code, told["code"], told.get("pointer")) == refusal, cell


async def test_impossible_figures_of_a_pledge_are_refused_by_field(served: Served) -> None:
    visitors = await visitors_of(served)
    path = f"/pools/{await opened(visitors)}/pledges"
    bad = [
        ("lots", -5),
        ("lots", 10**13),
        ("lots", 100.5),
        ("limit", "-5100.00"),
        ("limit", "9999999999999.00"),
        ("limit", "5100.001"),
        ("tolerance", -1),
        ("freight", "-30.00"),
        ("size", 0),
    ]

    for field, value in bad:
        answer = await visitors["ann"].post(path, {**PLEDGE, field: value})
        told = answer.json()
        assert (answer.status_code, told["pointer"]) == (422, f"/{field}"), (field, value)
        assert told["rule"], (field, value)


async def test_an_auditor_gets_what_the_checker_reads(served: Served) -> None:
    visitors = await visitors_of(served)
    auditor = await served.member("The auditor", "auditor", kind="auditor")
    await visitors["mill"].post("/offers", OFFER)
    pool_id = await opened(visitors)
    for name in ("ann", "bob", "cat"):
        await visitors[name].post(f"/pools/{pool_id}/pledges", PLEDGE)
    early = await auditor.get(f"/pools/{pool_id}/evidence")

    await pass_to(served, POOL["closes_at"])
    found = await auditor.get(f"/pools/{pool_id}/evidence")
    refused = await visitors["ann"].get(f"/pools/{pool_id}/evidence")

    check(found.json()["instance"], found.json()["result"])
    assert (early.status_code, refused.status_code) == (404, 403)


async def test_a_left_out_member_answers_for_freed_lots(served: Served) -> None:
    visitors = await visitors_of(served)
    for name in ("dan", "eve"):
        visitors[name] = await served.member(f"Firm {name}", "buyer", kind="factory")
        await with_cash(served.market, visitors[name].organisation_id, 10**10)
    await visitors["mill"].post("/offers", OFFER)
    pool_id = await opened(visitors)
    path = f"/pools/{pool_id}/pledges"
    for name in ("ann", "bob"):
        await visitors[name].post(path, PLEDGE)
    await visitors["cat"].post(path, {**PLEDGE, "lots": 200, "size": 200})
    made = {
        name: await visitors[name].post(path, {**PLEDGE, "lots": lots, "size": lots})
        for name, lots in (("dan", 60), ("eve", 50))
    }
    own = {name: f"{path}/{answer.json()['pledge_id']}" for name, answer in made.items()}
    await pass_to(served, POOL["closes_at"])
    for name in ("ann", "bob"):
        buyer = visitors[name].organisation_id
        finance = await served.visitor(buyer, "finance")
        (deal,) = (await finance.get("/deals")).json()["deals"]
        funded = await finance.post(f"/deals/{deal['deal_id']}/fund")
        assert funded.status_code == 200, funded.text
    early = await visitors["dan"].post(f"{own['dan']}/accept")

    await pass_to(served, "2027-01-07T05:00:00Z")
    for name in ("dan", "eve"):  # their sessions are over by now
        visitors[name] = await served.visitor(visitors[name].organisation_id, "buyer")
    seen = (await visitors["dan"].get(f"/pools/{pool_id}")).json()
    taken = await visitors["dan"].post(f"{own['dan']}/accept")
    other = await visitors["dan"].post(f"{own['eve']}/decline")
    left = await visitors["eve"].post(f"{own['eve']}/decline")
    late = await visitors["eve"].post(f"{own['eve']}/accept")

    PoolView.model_validate(seen)
    assert seen["you"]["substitute"]["lots"] == 60
    assert taken.status_code == 200, taken.text
    assert (taken.json()["goods"], taken.json()["lots"]) == ("4950.00", 60)
    assert left.json()["state"] == "declined"
    assert [(a.status_code, a.json()["code"]) for a in (early, other, late)] == [
        (404, "not_found"),
        (404, "not_found"),
        (409, "wrong_state"),
    ]


async def test_a_supplier_declares_a_shortfall(served: Served) -> None:
    visitors = await visitors_of(served)
    mill = visitors["mill"]
    await mill.post("/offers", OFFER)
    pool_id = await opened(visitors)
    for name in ("ann", "bob", "cat"):
        await visitors[name].post(f"/pools/{pool_id}/pledges", PLEDGE)
    await pass_to(served, POOL["closes_at"])
    path = f"/pools/{pool_id}/shortfall"
    unpaid = await mill.post(path, {"lots": 290})
    for name in ("ann", "bob", "cat"):
        finance = await served.visitor(visitors[name].organisation_id, "finance")
        (deal,) = (await finance.get("/deals")).json()["deals"]
        await finance.post(f"/deals/{deal['deal_id']}/fund")

    answers = [
        unpaid,
        await visitors["ann"].post(path, {"lots": 290}),
        await mill.post(path, {"lots": 300}),
        await mill.post(path, {"lots": 290}),
        await mill.post(path, {"lots": 200}),
    ]
    seen = (await visitors["ann"].get(f"/pools/{pool_id}")).json()

    assert [(answer.status_code, answer.json().get("code")) for answer in answers] == [
        (409, "wrong_state"),
        (403, "not_allowed"),
        (422, "invalid_field"),
        (200, None),
        (409, "conflict"),
    ]
    assert seen["you"]["award"]["reduced_lots"] == 97


async def test_an_offer_for_a_tier_says_why_and_is_nowhere_below_it(served: Served) -> None:
    visitors = await visitors_of(served)
    await with_tier(visitors["ann"].organisation_id, 2)
    await visitors["mill"].post(
        "/offers", {**OFFER, "is_public": False, "from_tier": "proven", "shown_to": []}
    )

    (own,) = (await visitors["mill"].get("/offers")).json()["offers"]
    (seen,) = (await visitors["ann"].get("/offers")).json()["offers"]
    below = await visitors["bob"].get("/offers")

    assert (own["why"], own["own"]["from_tier"]) == ("own", "proven")
    assert (seen["why"], seen["own"]) == ("tier", None)
    assert below.json() == {"offers": []}
    Offers.model_validate({"offers": [own, seen]})


async def test_an_offer_for_a_class_says_why_and_is_nowhere_outside_it(served: Served) -> None:
    visitors = await visitors_of(served)
    trader = await served.member("Firm trader", "buyer", kind="trader")
    made = await visitors["mill"].post(
        "/offers", {**OFFER, "is_public": False, "for_kind": "factory", "for_size": "small"}
    )
    assert made.status_code == 201, made.text

    (own,) = (await visitors["mill"].get("/offers")).json()["offers"]
    (seen,) = (await visitors["ann"].get("/offers")).json()["offers"]

    assert (own["own"]["for_kind"], own["own"]["for_size"]) == ("factory", "small")
    assert (seen["why"], seen["own"]) == ("class", None)
    assert (await trader.get("/offers")).json() == {"offers": []}
