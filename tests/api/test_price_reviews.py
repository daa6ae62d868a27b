"""Deals parked as circular trade on the market's desk."""

from __future__ import annotations

from aggregator.journal.reading import entries
from aggregator.laboratory.clearing import canonical_json, clear_document
from aggregator.prices.facts import DealParked, DecisionProposed, ParkingDecided
from tests.api.conftest import Served
from tests.builders import with_sugar
from tests.integration.prices.test_publication import CELL, a_wide_market, settle


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
    strange = await one.post(path, {"verdict": "release", "reason": "x", "deals": ["deal_9"]})
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
    assert [leg["deal_id"] for leg in parked["legs"]] == ["deal_000", "deal_001"]
    assert {leg["state"] for leg in parked["legs"]} == {"parked"}
    assert parked["proposal"] is None
    assert strange.status_code == 404
    assert proposed.json()["deals"] == seen["proposal"]["deals"]
    assert seen["proposal"]["deals"] == ["deal_000", "deal_001", "deal_002"]
    assert (alone.status_code, alone.json()["code"]) == (403, "same_person")
    assert (seen["proposal"]["verdict"], seen["proposal"]["is_mine"]) == ("release", False)
    assert replaced.status_code == 404
    assert approved.json()["verdict"] == "release"
    assert (await auditor.get("/parked-deals")).json() == {"deals": []}
    assert (await auditor.post(path, {"verdict": "exclude", "reason": "x"})).status_code == 403
    assert (await stranger.get("/parked-deals")).status_code == 403
    kinds = [type(entry.fact) for entry in await entries(None, f"cell:{CELL}")]
    assert kinds == 3 * [DealParked] + 2 * [DecisionProposed] + 3 * [ParkingDecided]


async def test_an_auditor_takes_a_published_price_out_and_clears_it_again(served: Served) -> None:
    await with_sugar(served.market)
    operator = await served.operator()
    auditor = await served.visitor(operator.organisation_id, "auditor")
    await a_wide_market(served.market)
    price = (await auditor.get(f"/prices/{CELL}")).json()["prices"][0]
    path = f"/prices/{CELL}/publications/1/evidence"

    found = (await auditor.get(path)).json()

    cleared = clear_document(canonical_json(found["instance"]).encode())
    assert cleared == found["result"]
    assert cleared["publications"][0]["value_minor"] == int(price["value"].replace(".", ""))
    assert (await operator.get(path)).status_code == 403
    assert (await auditor.get(path.replace("/1/", "/x/"))).status_code == 404
