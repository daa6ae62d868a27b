"""Packages, scored terms and drafts over HTTP and over the feed, and what is refused early."""

from __future__ import annotations

from typing import Any

import pytest

from aggregator.reactions import ON_TIMER
from aggregator.workers.ringing import ring_due
from tests.api.conftest import Served
from tests.api.test_auctions import RULES, opened, visitors_of
from tests.builders import START

MONTHS = [
    {"tenor": "2027-03", "lots": 10, "start": "5000.00"},
    {"tenor": "2027-03", "lots": 20, "start": "5000.00"},
    {"tenor": "2027-04", "lots": 5, "start": "5000.00"},
]
PACKAGES: dict[str, Any] = {"format": "packages", "items": MONTHS, "lots": 35, "start": None}
EARLY = [{"name": "days early", "unit": "2.00", "lowest": 0, "highest": 30}]


async def closed(served: Served) -> None:
    served.market.clock.set(START.replace(hour=2))  # type: ignore[attr-defined]
    await ring_due(served.market, ON_TIMER)


async def test_packages_from_opening_to_award(served: Served) -> None:
    visitors = await visitors_of(served)
    auction_id = await opened(visitors, **PACKAGES)
    path = f"/auctions/{auction_id}"
    whole = {"items": ["2027-03/2", "2027-03", "2027-04"], "price": "5010.00", "xor": "a"}
    part = {"items": ["2027-04"], "price": "5900.00"}

    receipt = await visitors["ann"].post(f"{path}/packages", whole)
    await visitors["bob"].post(f"{path}/packages", part)
    await closed(served)
    ann = (await visitors["ann"].get(path)).json()
    deals = (await visitors["ann"].get("/deals")).json()["deals"]

    assert receipt.status_code == 201, receipt.text
    body = receipt.json()
    assert (body["items"], body["xor"]) == (["2027-03", "2027-03/2", "2027-04"], "a")
    assert (body["lots"], body["deposit"]) == (35, "17500.00")
    assert ann["result"] == {"is_awarded": True, "is_proved": True}
    assert [one["item"] for one in ann["my_awards"]] == ["2027-03", "2027-03/2", "2027-04"]
    assert sorted(deal["tenor"] for deal in deals) == ["2027-03", "2027-03", "2027-04"]


BOMBS: list[tuple[dict[str, Any], str, str, Any]] = [
    ({"items": ["2027-03"] * 21}, "invalid_field", "/items", 20),
    ({"items": ["2027-03"] * 2}, "repeated_item", "", "2027-03"),
    ({"items": []}, "invalid_field", "/items", None),
    ({"items": ["2027-09"]}, "unknown_item", "", "2027-09"),
    ({"items": ["x" * 90]}, "invalid_field", "/items/0", None),
    ({"items": "2027-03"}, "invalid_field", "/items", None),
    ({"items": [5]}, "invalid_field", "/items/0", None),
    ({"price": 5200}, "invalid_field", "/price", None),
    ({"price": "5000.50"}, "off_tick", "", None),
    ({"price": "4999.00"}, "below_floor", "", None),
    ({"xor": "x" * 21}, "invalid_field", "/xor", None),
    ({"lots": 5}, "invalid_field", "/lots", None),
]


async def test_package_bombs_are_refused_early_with_their_figure(served: Served) -> None:
    visitors = await visitors_of(served)
    auction_id = await opened(visitors, **PACKAGES)
    path, bob = f"/auctions/{auction_id}", visitors["bob"]
    await visitors["ann"].post(f"{path}/packages", {"items": ["2027-03"], "price": "8888.00"})
    before = await bob.get(path)

    for change, code, pointer, figure in BOMBS:
        body = {"items": ["2027-03"], "price": "5200.00", **change}
        answer = await bob.post(f"{path}/packages", body)
        told = answer.json()
        assert (answer.status_code, told["code"]) == (422, code), answer.text
        assert (told.get("pointer") or "") == pointer
        assert figure is None or str(figure) in answer.text
        assert "8888.00" not in answer.text

    assert (await bob.get(path)).content == before.content


async def test_bids_of_another_format_are_refused(served: Served) -> None:
    visitors = await visitors_of(served)
    packages, plain = await opened(visitors, **PACKAGES), await opened(visitors)
    bob = visitors["bob"]

    answers = [
        await bob.post(f"/auctions/{packages}/bids", {"price": "5200.00"}),
        await bob.post(f"/auctions/{packages}/standing", {"limit": "5200.00"}),
        await bob.post(f"/auctions/{plain}/packages", {"items": ["2027-03"], "price": "5200.00"}),
        await bob.post(
            f"/auctions/{plain}/bids", {"price": "5200.00", "attributes": {"days early": 3}}
        ),
    ]

    assert [one.json()["code"] for one in answers] == [*["wrong_command"] * 3, "bad_attributes"]
    bomb = {"price": "5200.00", "attributes": {"x" * 50_000: 3}}
    refused = await bob.post(f"/auctions/{plain}/bids", bomb)
    assert refused.status_code == 422
    assert len(refused.content) < 2_000


async def test_the_price_of_a_round_that_is_over_is_refused(served: Served) -> None:
    """Stale terms: what was announced before binds nobody, and takes nothing."""
    visitors = await visitors_of(served)
    auction_id = await opened(visitors, format="japanese", interval_s=60)
    path = f"/auctions/{auction_id}/bids"
    for name in ("ann", "bob"):
        await visitors[name].post(path, {"price": "5000.00", "lots": 100})
    served.market.clock.set(START.replace(minute=1))  # type: ignore[attr-defined]
    await ring_due(served.market, ON_TIMER)

    stale = await visitors["bob"].post(path, {"price": "5000.00", "lots": 100})

    assert (stale.status_code, stale.json()["code"]) == (422, "off_clock")
    assert stale.json()["figures"] == {"price": "5000.00", "clock": "5010.00"}


async def test_a_demand_for_a_round_that_is_over_is_refused(served: Served) -> None:
    """A word that was on its way as prices moved binds to none of the new ones."""
    visitors = await visitors_of(served)
    terms = {"format": "clock", "interval_s": 60, "items": MONTHS[1:], "lots": 25, "start": None}
    auction_id = await opened(visitors, **terms)
    path, all_of_march = f"/auctions/{auction_id}/demands", {"2027-03": 20}
    for name in ("ann", "bob"):
        body = {"demand": all_of_march, "round": 0}
        answer = await visitors[name].post(path, body)
        assert answer.status_code == 201, answer.text
    served.market.clock.set(START.replace(minute=1))  # type: ignore[attr-defined]
    await ring_due(served.market, ON_TIMER)

    stale = await visitors["bob"].post(path, {"demand": all_of_march, "round": 0})
    anew = await visitors["bob"].post(path, {"demand": all_of_march, "round": 1})

    assert (stale.status_code, stale.json()["code"]) == (409, "conflict")
    assert stale.json()["figures"] == {"reason": "round_changed"}
    assert (anew.status_code, anew.json()["round"]) == (201, 1)


async def test_each_loser_sees_the_parts_of_his_own_score(served: Served) -> None:
    visitors = await visitors_of(served)
    auction_id = await opened(visitors, format="sealed_first", criteria=EARLY)
    path = f"/auctions/{auction_id}"
    bids = {"ann": ("5001.00", 30), "bob": ("5050.00", 0)}
    for name, (price, days) in bids.items():
        scored = {"price": price, "attributes": {"days early": days}}
        answer = await visitors[name].post(f"{path}/bids", scored)
        assert answer.status_code == 201, answer.text
    await closed(served)

    bob, ann = [(await visitors[name].get(path)).json() for name in ("bob", "ann")]

    assert bob["criteria"] == EARLY
    assert (ann["my_score"], ann["my_outcome"]) == ("5061.00", "won")
    assert (bob["my_score"], bob["my_outcome"]) == ("5050.00", "outbid")
    assert bob["my_score_parts"][0]["worth"] == "0.00"
    assert "5061.00" not in str(bob)


async def test_a_package_promises_scored_terms(served: Served) -> None:
    visitors = await visitors_of(served)
    auction_id = await opened(visitors, **PACKAGES, criteria=EARLY)
    path = f"/auctions/{auction_id}/packages"
    body = {"items": ["2027-03"], "price": "5001.00"}

    told = await visitors["ann"].post(path, body | {"attributes": {"days early": 30}})
    without = await visitors["bob"].post(path, body)
    ann = (await visitors["ann"].get(f"/auctions/{auction_id}")).json()

    assert (told.status_code, told.json()["score"]) == (201, "5061.00"), told.text
    assert (without.status_code, without.json()["code"]) == (422, "bad_attributes")
    [mine] = ann["my_packages"]
    assert (mine["score"], mine["attributes"]) == ("5061.00", {"days early": 30})


@pytest.mark.parametrize(
    ("term", "pointer"),
    [
        ({"criteria": EARLY * 11}, "/criteria"),
        ({"criteria": [{**EARLY[0], "unit": 2}]}, "/criteria/0/unit"),
        ({"criteria": [{**EARLY[0], "highest": 1.5}]}, "/criteria/0/highest"),
        ({"criteria": [{**EARLY[0], "lowest": 31}]}, "/criteria/0"),
        ({"criteria": EARLY, "format": "dutch", "interval_s": 60}, "/criteria"),
        ({"items": MONTHS * 7}, "/items"),
    ],
)
async def test_terms_beyond_their_bounds_are_refused(
    served: Served, term: dict[str, Any], pointer: str
) -> None:
    visitors = await visitors_of(served)

    answer = await visitors["mill"].post("/auctions", {**RULES, **term})

    assert (answer.status_code, answer.json()["pointer"]) == (422, pointer), answer.text


async def test_a_draft_fills_in_what_suits_the_goods(served: Served) -> None:
    visitors = await visitors_of(served)

    answer = await visitors["mill"].get("/auction-drafts?instrument=SUGAR-W1")
    found = {draft["name"]: draft for draft in answer.json()["drafts"]}
    absent = await visitors["mill"].get("/auction-drafts?instrument=NOTHING-1")

    assert answer.json()["category"] == "SUGAR"
    assert found["strip"]["format"] == "clock"
    assert found["strip"]["months"] == 3
    assert found["early_takers"]["criteria"][0]["highest"] == 30
    assert absent.status_code == 404
