"""Bad bids over the feed are refused as over HTTP: by the same code, field, rule and figure."""

from __future__ import annotations

import json
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection

from tests.api.conftest import Served
from tests.api.test_auction_bad_input import BIDS, SECRET
from tests.api.test_auction_packages import BOMBS, PACKAGES
from tests.api.test_auctions import following, opened, received, visitors_of
from tests.builders import START

NAMES = ("nobody", "ann", "bob", "mill")
BAD_BIDS = [body for body, *_ in BIDS]
BAD_PACKAGES = [{"items": ["2027-03"], "price": "5200.00", **change} for change, *_ in BOMBS]
TOLD = ("code", "pointer", "rule", "figure", "figures", "detail", "status")


async def answered(socket: ClientConnection, frame: str, command_id: str) -> dict[str, Any]:
    """Send a command and return its answer; a view may come before it."""
    await socket.send(frame)
    while (told := await received(socket)).get("cmd") != command_id:
        pass
    return told


@pytest.mark.parametrize(
    ("op", "terms", "bodies"),
    [
        ("bid", {"disclosure": "blind"}, BAD_BIDS),
        ("bid", {"format": "sealed_first"}, BAD_BIDS),
        ("package", PACKAGES, BAD_PACKAGES),
    ],
    ids=["english", "sealed_first", "packages"],
)
async def test_a_frame_is_refused_as_the_same_body_over_http(
    served: Served, op: str, terms: dict[str, Any], bodies: list[dict[str, Any]]
) -> None:
    visitors = await visitors_of(served)
    auction_id = await opened(visitors, **terms)
    path = f"/auctions/{auction_id}"
    good = {"price": SECRET, **({"items": ["2027-03"]} if op == "package" else {})}
    assert (await visitors["ann"].post(f"{path}/{op}s", good)).status_code == 201
    # Inside the last two minutes a good leading bid would move the close.
    served.market.clock.set(START.replace(minute=59))  # type: ignore[attr-defined]
    before = [(await visitors[name].get(path)).content for name in NAMES]
    bob = await following(served, visitors["bob"], auction_id)

    for number, body in enumerate(bodies):
        frame = json.dumps({"op": op, "cmd": f"bad-{number}", "auction": auction_id, **body})
        told = await answered(bob, frame, f"bad-{number}")
        over_http = (await visitors["bob"].post(f"{path}/{op}s", body)).json()
        assert told["op"] == "refused", body
        assert said({**told["detail"], "code": told["code"]}) == said(over_http), body
        assert SECRET not in json.dumps(told)

    assert [(await visitors[name].get(path)).content for name in NAMES] == before
    await bob.close()


def said(problem: dict[str, Any]) -> dict[str, Any]:
    return {name: problem[name] for name in TOLD if name in problem}


async def test_a_fraction_and_a_field_named_twice_cost_no_socket(served: Served) -> None:
    visitors = await visitors_of(served)
    auction_id = await opened(visitors)
    bob = await following(served, visitors["bob"], auction_id)
    begun = f'{{"op":"bid","cmd":"odd","auction":"{auction_id}","price":'

    told = [
        await answered(bob, begun + rest, "odd")
        for rest in (
            "5200.00}",
            '"5200.00","lots":1e2}',
            '"5200.00","price":"5300.00"}',
            '"5200.00","lots":' + "9" * 40 + "}",
            '"5200.00","lots":NaN}',
        )
    ]
    placed = await answered(bob, begun + '"5200.00","lots":10}', "odd")

    details = [(one["code"], one["detail"]["pointer"], one["detail"]["rule"]) for one in told]
    assert details == [
        ("invalid_field", "/price", "no_fractions"),
        ("invalid_field", "/lots", "no_fractions"),
        ("invalid_field", "/price", "duplicate_key"),
        ("invalid_field", "/lots", "integer_digits"),
        ("invalid_field", "/lots", "no_fractions"),
    ]
    assert told[1]["detail"]["figure"] == "1e2"
    # What was never read took no command id.
    assert (placed["op"], placed["data"]["lots"]) == ("ack", 10)
    await bob.close()


@pytest.mark.parametrize("form", ["english", "sealed_first"])
async def test_a_command_has_one_answer_whichever_way_it_is_asked(
    served: Served, form: str
) -> None:
    visitors = await visitors_of(served)
    auction_id = await opened(visitors, format=form)
    bob = await following(served, visitors["bob"], auction_id)
    path, bid = f"/auctions/{auction_id}/bids", {"price": "5200.00"}
    frame = {"op": "bid", "cmd": "once", "auction": auction_id}

    placed = await visitors["bob"].post(path, bid, key="once")
    again = await answered(bob, json.dumps({**frame, **bid}), "once")
    other = await answered(bob, json.dumps({**frame, "price": "5300.00"}), "once")
    told = await visitors["bob"].get("/commands/once")
    refused = await answered(bob, json.dumps({**frame, **bid, "cmd": "worse"}), "worse")
    refused_again = await visitors["bob"].post(path, bid, key="worse")
    foreign = await visitors["ann"].get("/commands/once")

    assert (again["op"], again["data"]) == ("ack", placed.json())
    assert told.json()["answer"] == placed.json()
    assert (other["op"], other["code"]) == ("refused", "command_reused")
    assert said({**refused["detail"], "code": refused["code"]}) == said(refused_again.json())
    assert foreign.status_code == 404
    await bob.close()
