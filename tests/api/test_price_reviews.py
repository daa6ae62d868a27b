"""Deals parked as circular trade on the market's desk."""

from __future__ import annotations

from aggregator.journal.reading import entries
from aggregator.prices.facts import DealParked, DecisionProposed, ParkingDecided
from tests.api.conftest import Served
from tests.builders import with_sugar
from tests.integration.prices.test_publication import CELL, settle


async def test_two_persons_of_the_operator_decide_what_is_parked(served: Served) -> None:
    await with_sugar(served.market)
    one = await served.operator()
    other = await served.visitor(one.organisation_id, "operator")
    auditor = await served.visitor(one.organisation_id, "auditor")
    stranger = await served.member("Stranger", "buyer", "seller")
    for number, (seller, buyer) in enumerate((("S", "B"), ("B", "C"), ("C", "S"))):
        await settle(served.market, number, buyer=buyer, seller=seller, lots=100 + number)
    path = "/parked-deals/deal_002/reviews"

    (parked,) = (await one.get("/parked-deals")).json()["deals"]
    first = await one.post(path, {"verdict": "exclude", "reason": "a carousel"})
    proposed = await one.post(path, {"verdict": "release", "reason": "two harvests, two lots"})
    approval = f"{path}/{proposed.json()['motion_id']}/approve"
    alone = await one.post(approval)
    (seen,) = (await other.get("/parked-deals")).json()["deals"]
    replaced = await other.post(f"{path}/{first.json()['motion_id']}/approve")
    approved = await other.post(approval)

    trade = parked["trade"]
    assert (trade["seller_group"], trade["buyer_group"], trade["lots"]) == ("C", "S", 102)
    assert (trade["price"], parked["parked_for"]) == ("4900.00", "closed_cycle")
    assert [(hop["seller_group"], hop["buyer_group"], hop["lots"]) for hop in parked["ring"]] == [
        ("S", "B", 100),
        ("B", "C", 101),
    ]
    assert parked["proposal"] is None
    assert (alone.status_code, alone.json()["code"]) == (403, "same_person")
    assert (seen["proposal"]["verdict"], seen["proposal"]["is_mine"]) == ("release", False)
    assert replaced.status_code == 404
    assert approved.json()["verdict"] == "release"
    assert (await auditor.get("/parked-deals")).json() == {"deals": []}
    assert (await auditor.post(path, {"verdict": "exclude", "reason": "x"})).status_code == 403
    assert (await stranger.get("/parked-deals")).status_code == 403
    kinds = [type(entry.fact) for entry in await entries(None, f"cell:{CELL}")]
    assert kinds == [DealParked, DecisionProposed, DecisionProposed, ParkingDecided]
