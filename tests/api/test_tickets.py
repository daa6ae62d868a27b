"""Service tickets over HTTP."""

from __future__ import annotations

from tests.api.conftest import Served
from tests.api.test_deals import parties, settled


async def test_a_ticket_is_answered_by_its_desk_and_decided_by_the_market(served: Served) -> None:
    found = await parties(served)
    path = f"/deals/{await settled(served, found)}"
    body = {"matter": "quality", "lots": 10, "reason": "yellow bags"}

    opened = await found["warehouse"].post(f"{path}/tickets", body)
    ticket = f"{path}/tickets/{opened.json()['ticket_id']}"
    seen = (await found["seller"].get(path)).json()["tickets"]
    answer = {"desk": "trade", "text": "a sample is on its way"}
    answered = await found["seller"].post(f"{ticket}/answers", answer)
    waiting = (await found["operator"].get("/tickets")).json()["tickets"]
    decided = await found["operator"].post(
        f"/tickets/{opened.json()['ticket_id']}/decide", {"lots": 4}
    )

    assert opened.status_code == 201
    assert set(opened.json()["desks"]) == {"trade", "logistics", "finance", "market"}
    assert [(one["state"], one["held"], one["lots"]) for one in seen] == [("open", "57132.80", 10)]
    assert [desk["desk"] for desk in seen[0]["desks"] if desk["is_mine"]] == [
        "logistics",
        "finance",
        "trade",
    ]
    assert answered.status_code == 200
    (on_desk,) = waiting
    assert (on_desk["lots"], on_desk["opened_by"], on_desk["is_settled"]) == (10, "buyer", True)
    assert "held" not in on_desk
    assert decided.json()["lots"] == 4
    (after,) = (await found["buyer"].get(path)).json()["tickets"]
    assert (after["state"], after["fault_lots"], after["compensation"]) == ("upheld", 4, "22853.12")
    assert (await found["stranger"].post(f"{ticket}/withdraw")).status_code == 404
    assert (await found["buyer"].post(f"{ticket}/concede")).status_code == 403
    assert (await found["buyer"].post(f"{ticket}/withdraw")).status_code == 409


async def test_lanes_are_published_and_a_settled_deal_is_reviewed(served: Served) -> None:
    found = await parties(served)
    lane = {"from_region": "GX", "to_region": "GX", "transit_hours": 72}
    published = await found["operator"].post("/lanes", lane)
    path = f"/deals/{await settled(served, found)}"
    seller_id = found["seller"].organisation_id

    reviewed = await found["buyer"].post(f"{path}/review", {"marks": {"time": 5, "quality": 4}})
    again = await found["buyer"].post(f"{path}/review", {"marks": {"time": 1}})
    seen = (await found["buyer"].get(path)).json()
    levels = (await found["seller"].get("/lanes")).json()["lanes"]
    standing = await found["stranger"].get(f"/reviews?organisation={seller_id}")

    assert published.status_code == 201
    assert reviewed.json()["axes"] == 2
    assert (again.status_code, again.json()["code"]) == (409, "conflict")
    assert seen["is_reviewed"]
    assert seen["lane"]["arrived_at"] is not None
    counts = {"arrived": 1, "in_time": 1, "on_the_way": 0, "at_risk": 0}
    assert levels == [{**lane, **counts}]
    assert standing.json() == {"organisation_id": seller_id, "axes": []}
