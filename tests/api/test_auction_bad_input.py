"""Bad bids are refused precisely: nothing moves, nothing of others is told."""

from __future__ import annotations

import json
from typing import Any

import pytest

from aggregator.reactions import ON_TIMER
from aggregator.workers.ringing import ring_due
from tests.api.conftest import Served, Visitor
from tests.api.test_auctions import opened, visitors_of
from tests.builders import START

# With its cents, so that no random hex number can be taken for it.
SECRET = "8888.00"
BIDS: list[tuple[dict[str, Any], int, str, str]] = [
    ({"price": "5000.50"}, 422, "off_tick", ""),
    ({"price": "4999.00"}, 422, "below_floor", ""),
    ({"price": "0.00"}, 422, "not_positive", ""),
    ({"price": "5200.00", "lots": 101}, 422, "off_lots", ""),
    ({"price": "5200.00", "lots": 0}, 422, "invalid_field", "/lots"),
    ({"price": "5200.00", "lots": -1}, 422, "invalid_field", "/lots"),
    ({"price": "5200.00", "lots": 1.5}, 422, "invalid_field", "/lots"),
    ({"price": "5200.00", "lots": "10"}, 422, "invalid_field", "/lots"),
    ({"price": 5200}, 422, "invalid_field", "/price"),
    ({"price": "5200.001"}, 422, "invalid_field", "/price"),
    ({"price": "５２００.00"}, 422, "invalid_field", "/price"),
    ({"price": "9999999999999.00"}, 422, "invalid_field", "/price"),
    ({"price": "NaN"}, 422, "invalid_field", "/price"),
    ({"price": None}, 422, "invalid_field", "/price"),
    ({}, 422, "invalid_field", "/price"),
    ({"price": "5200.00", "all_or_none": "yes"}, 422, "invalid_field", "/all_or_none"),
    ({"price": "5200.00", "demand": {"2027-03": 1}}, 422, "invalid_field", "/demand"),
    ({"price": "5200.00", "limit": "5300.00"}, 422, "invalid_field", "/limit"),
    ({"price": "5200.00", "bidder": "org_other"}, 422, "invalid_field", "/bidder"),
    ({"price": "5200.00", "at": "2027-01-04T01:00:00Z"}, 422, "invalid_field", "/at"),
]


async def raw_bid(visitor: Visitor, path: str, content: bytes) -> Any:
    return await visitor.client.post(
        f"/api/v1{path}/bids",
        content=content,
        headers={
            "Authorization": f"Bearer {visitor.token}",
            "Content-Type": "application/json",
            "Idempotency-Key": f"raw-{len(content)}-{content[:9].hex()}",
        },
    )


@pytest.mark.parametrize("form", ["english", "sealed_first"])
async def test_every_bad_bid_is_refused_and_changes_no_byte(served: Served, form: str) -> None:
    visitors = await visitors_of(served)
    auction_id = await opened(visitors, format=form, disclosure="blind")
    path = f"/auctions/{auction_id}"
    await visitors["ann"].post(f"{path}/bids", {"price": SECRET})
    # Inside the last two minutes a good leading bid would move the close.
    served.market.clock.set(START.replace(minute=59))  # type: ignore[attr-defined]
    before = [await visitors[name].get(path) for name in ("nobody", "ann", "bob", "mill")]

    answers = [await visitors["bob"].post(f"{path}/bids", body) for body, *_ in BIDS]
    after = [await visitors[name].get(path) for name in ("nobody", "ann", "bob", "mill")]

    told = [
        (one.status_code, one.json()["code"], one.json().get("pointer") or "") for one in answers
    ]
    assert told == [(status, code, pointer) for _, status, code, pointer in BIDS]
    assert all(SECRET not in one.text for one in answers)
    assert [one.content for one in before] == [one.content for one in after]


async def test_documents_that_are_no_bid_are_refused_early(served: Served) -> None:
    visitors = await visitors_of(served)
    auction_id = await opened(visitors)
    path, bob = f"/auctions/{auction_id}", visitors["bob"]
    deep = b'{"price":' + b"[" * 10_000 + b"]" * 10_000 + b"}"

    answers = [
        await raw_bid(bob, path, content)
        for content in (
            deep,
            b"[" * 100_000,
            b'{"price":"5200.00","price":"5300.00"}',
            b'{"price":"5200.00","lots":1e2}',
            b'{"price":"5200.00"',
            b"\xff\xfe",
            b'"5200.00"',
            b"",
        )
    ]

    assert [one.status_code for one in answers] == [400, 413, 422, 422, 400, 400, 422, 400]
    assert all(len(one.content) < 1000 for one in answers)
    assert (await bob.get(path)).json()["my_bids"] == 0


async def test_early_late_and_wrong_side_bids_are_refused(served: Served) -> None:
    visitors = await visitors_of(served)
    early = await opened(visitors, opens_at="2027-01-04T01:30:00Z")
    now = await opened(visitors)
    bob = visitors["bob"]

    answers = [
        await bob.post(f"/auctions/{early}/bids", {"price": "5200.00"}),
        await visitors["mill"].post(f"/auctions/{now}/bids", {"price": "5200.00"}),
        await visitors["operator"].post(f"/auctions/{now}/bids", {"price": "5200.00"}),
    ]
    served.market.clock.set(START.replace(hour=2))  # type: ignore[attr-defined]
    answers.append(await bob.post(f"/auctions/{now}/bids", {"price": "5200.00"}))
    await ring_due(served.market, ON_TIMER)
    answers.append(await bob.post(f"/auctions/{now}/bids", {"price": "5200.00"}))
    answers.append(await bob.post(f"/auctions/{now}/standing", {"limit": "5200.00"}))

    told = [(one.status_code, one.json()["code"]) for one in answers]
    assert told == [
        (422, "early"),
        (403, "not_allowed"),
        (403, "not_allowed"),
        (422, "late"),
        (422, "late"),
        (422, "late"),
    ]


async def test_two_worlds_that_differ_in_a_rivals_bid_refuse_alike(served: Served) -> None:
    visitors = await visitors_of(served)
    alone, contested = [await opened(visitors, disclosure="blind") for _ in range(2)]
    await visitors["ann"].post(f"/auctions/{contested}/bids", {"price": SECRET})

    for body in ({"price": "5000.50"}, {"price": "4000.00"}, {"price": "5200.00", "lots": 999}):
        answers = [
            (await visitors["bob"].post(f"/auctions/{one}/bids", body)).json()
            for one in (alone, contested)
        ]
        for answer in answers:
            answer.pop("request")
        assert json.dumps(answers[0]) == json.dumps(answers[1])


@pytest.mark.parametrize("named", ["bidder", "organisation", "on_behalf_of", "organisation_id"])
async def test_nobody_bids_for_another_firm(served: Served, named: str) -> None:
    """Surrogate bids: a bid is its sender's own, whoever he names and whoever he is."""
    visitors = await visitors_of(served)
    auction_id = await opened(visitors)
    path, ann = f"/auctions/{auction_id}", visitors["ann"]
    bid = {"price": "5200.00", named: ann.organisation_id}

    answers = [await visitors[name].post(f"{path}/bids", bid) for name in ("operator", "bob")]
    plain = await visitors["operator"].post(f"{path}/bids", {"price": "5200.00"})

    assert [one.status_code for one in answers] == [403, 422]
    assert answers[1].json()["pointer"] == f"/{named}"
    assert (plain.status_code, plain.json()["code"]) == (403, "not_allowed")
    assert (await ann.get(path)).json()["my_bids"] == 0
