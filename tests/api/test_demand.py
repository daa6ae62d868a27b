"""Requests, suggestions and savings over HTTP."""

from __future__ import annotations

from typing import Any

from tests.api.conftest import Served, Visitor
from tests.api.test_pools import CELL, OFFER, PLEDGE, opened, pass_to, visitors_of

REQUEST: dict[str, Any] = {
    "instrument": "SUGAR-W1",
    "region": "GX",
    "first_tenor": "2027-03",
    "lots": 100,
    "limit": "5100.00",
    "freight": "30.00",
}


async def drafted(visitor: Visitor, **terms: Any) -> str:
    answer = await visitor.post("/requests", {**REQUEST, **terms})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["request_id"])


async def test_a_request_from_draft_to_deal(served: Served) -> None:
    visitors = await visitors_of(served)
    ann = visitors["ann"]
    await visitors["mill"].post("/offers", OFFER)
    pool_id = await opened(visitors)
    request_id = await drafted(ann, limit=None)

    early = await ann.post(f"/requests/{request_id}/send", {"pool_id": pool_id})
    changed = await ann.patch(f"/requests/{request_id}", {"limit": "5100.00"})
    sent = await ann.post(f"/requests/{request_id}/send", {"pool_id": pool_id})
    for name in ("bob", "cat"):
        await visitors[name].post(f"/pools/{pool_id}/pledges", PLEDGE)
    listed = (await ann.get("/requests?state=sent")).json()["requests"]
    others = (await visitors["bob"].get("/requests")).json()
    hidden = await visitors["bob"].get(f"/requests/{request_id}")
    await pass_to(served, "2027-01-04T05:00:00Z")
    bought = (await ann.get(f"/requests/{request_id}")).json()

    assert (early.status_code, early.json()["pointer"]) == (422, "/limit")
    assert changed.json() == {"request_id": request_id, "state": "draft"}
    assert sent.status_code == 201, sent.text
    assert (sent.json()["deposit"], sent.json()["size_from"]) == ("51000.00", "registered")
    assert [one["request_id"] for one in listed] == [request_id]
    assert others == {"requests": []}
    assert hidden.status_code == 404
    assert (bought["state"], bought["pledge_id"]) == ("bought", sent.json()["pledge_id"])


async def test_a_template_is_copied_repeated_and_withdrawn(served: Served) -> None:
    visitors = await visitors_of(served)
    ann = visitors["ann"]
    request_id = await drafted(ann, is_template=True)
    path = f"/requests/{request_id}"

    copied = await ann.post(f"{path}/copy", {"first_tenor": "2027-05"})
    wanted = {"next_tenor": "2027-04", "until_tenor": "2027-06"}
    repeated = await ann._ask("PUT", f"{path}/repeat", json=wanted)
    shown = (await ann.get(path)).json()
    stopped = await ann.delete(f"{path}/repeat")
    gone = await ann.delete(path)
    again = await ann.delete(path)

    assert copied.status_code == 201, copied.text
    assert repeated.status_code == 200, repeated.text
    assert shown["repeat"] == {
        "every_months": 1,
        "next_tenor": "2027-04",
        "lead_days": 30,
        "until_tenor": "2027-06",
    }
    assert stopped.json()["state"] == "template"
    assert gone.json()["state"] == "withdrawn"
    assert (again.status_code, again.json()["code"]) == (409, "wrong_state")


async def test_refusals_of_requests_name_field_and_rule(served: Served) -> None:
    visitors = await visitors_of(served)
    ann, mill = visitors["ann"], visitors["mill"]
    pool_id = await opened(visitors)
    april = await drafted(ann, first_tenor="2027-04", last_tenor="2027-06")

    answers = [
        await ann.post("/requests", {**REQUEST, "lots": 0}),
        await ann.post("/requests", {**REQUEST, "limit": "5100.50"}),
        await ann.post("/requests", {**REQUEST, "payment": "barter"}),
        await ann.post("/requests", {**REQUEST, "region": "XX"}),
        await ann.post("/requests", {**REQUEST, "instrument": "TEA-1"}),
        await ann.post(f"/requests/{april}/send", {"pool_id": pool_id}),
        await ann.post("/requests/req_nowhere/send", {"pool_id": pool_id}),
        await ann.post(f"/requests/{april}/send", {"pool_id": "pool_nowhere"}),
        await mill.post("/requests", REQUEST),
        await mill.get("/requests"),
        await visitors["nobody"].get("/suggestions"),
    ]

    assert [(a.status_code, a.json()["code"], a.json().get("pointer")) for a in answers] == [
        (422, "invalid_field", "/lots"),
        (422, "invalid_field", "/limit"),
        (422, "invalid_field", "/payment"),
        (422, "invalid_field", "/region"),
        (404, "not_found", None),
        (422, "request_not_for_pool", None),
        (404, "not_found", None),
        (404, "not_found", None),
        (403, "not_allowed", None),
        (403, "not_allowed", None),
        (401, "not_signed_in", None),
    ]
    assert CELL in answers[5].json()["detail"]


async def test_without_history_suggestions_are_none_and_savings_say_what_is_missing(
    served: Served,
) -> None:
    visitors = await visitors_of(served)
    ann = visitors["ann"]
    await visitors["mill"].post("/offers", OFFER)
    pool_id = await opened(visitors)

    suggested = await ann.get("/suggestions")
    savings = await ann.get(f"/pools/{pool_id}/savings?freight=30.00")
    refused = await visitors["nobody"].get(f"/pools/{pool_id}/savings")

    assert suggested.json() == {"suggestions": []}
    assert savings.status_code == 200, savings.text
    assert savings.json()["missing"] == ["own_price", "published_price"]
    assert savings.json()["breaks"][1] == {
        "from_lots": 300,
        "goods": "4950.00",
        "landed": "4989.90",
        "saving_own": None,
        "saving_published": None,
    }
    assert refused.status_code == 401
