"""Two worlds that differ in a rival's hidden bids alone: every answer and frame is the same."""

from __future__ import annotations

import json
from typing import Any

import pytest

from aggregator.reactions import ON_TIMER
from aggregator.workers.ringing import ring_due
from tests.api.conftest import Served, Visitor
from tests.api.test_auction_packages import PACKAGES
from tests.api.test_auctions import following, opened, received, visitors_of
from tests.builders import START

SECRETS = ("5111.00", "5222.00")
Answer = tuple[int, str, int]


def item_bid(price: str) -> dict[str, Any]:
    return {"items": ["2027-03"], "price": price}


async def bids(visitor: Visitor, auction_id: str, prices: tuple[str, ...]) -> list[Answer]:
    """Bid, well or badly; return what was answered, with what differs by nature left out."""
    found = []
    for price in prices:
        is_package = "/packages" in auction_id
        path = auction_id if is_package else f"{auction_id}/bids"
        body = item_bid(price) if is_package else {"price": price}
        answer = await visitor.post(f"/auctions/{path}", body)
        told = answer.json()
        for name in ("auction_id", "bid_id", "hash", "request"):
            told.pop(name, None)
        found.append((answer.status_code, json.dumps(told), len(answer.content)))
    return found


@pytest.mark.parametrize(
    "terms",
    [
        {"disclosure": "blind"},
        {"disclosure": "rank"},
        {"format": "sealed_first", "disclosure": "full"},
        {"format": "second_price", "disclosure": "best"},
        {**PACKAGES, "disclosure": "full"},
    ],
    ids=lambda terms: f"{terms.get('format', 'english')}-{terms['disclosure']}",
)
async def test_a_rivals_hidden_bids_change_nothing_for_anybody(
    served: Served, terms: dict[str, Any]
) -> None:
    visitors = await visitors_of(served)
    alone, contested = [await opened(visitors, **terms) for _ in range(2)]
    names = ("nobody", "ann", "mill", "operator")
    feeds = {
        (name, auction_id): await following(served, visitors[name], auction_id)
        for name in names[1:]
        for auction_id in (alone, contested)
    }
    suffix = "/packages" if terms.get("format") == "packages" else ""

    # Ann leads from the beginning; Bob's bids are worse, so that even a rank stays as it was.
    mine = ("5900.00", "5900.50", "4000.00", "5890.00", "5950.00")
    answers = []
    for auction_id in (alone, contested):
        first = await bids(visitors["ann"], f"{auction_id}{suffix}", mine[:1])
        if auction_id == contested:
            placed = await bids(visitors["bob"], f"{auction_id}{suffix}", SECRETS)
            assert [status for status, *_ in placed] == [201, 201]
        answers.append(first + await bids(visitors["ann"], f"{auction_id}{suffix}", mine[1:]))
    views = {
        name: [
            (await visitors[name].get(f"/auctions/{one}")).text.replace(one, "")
            for one in (alone, contested)
        ]
        for name in names
    }
    # The close shows to everyone: had Bob's bids been shown, its number would be another.
    served.market.clock.set(START.replace(hour=2))  # type: ignore[attr-defined]
    await ring_due(served.market, ON_TIMER)
    closed_at = {key: await number_of_the_close(socket) for key, socket in feeds.items()}

    assert answers[0] == answers[1]
    for name in names:
        assert without_ids(views[name][0]) == without_ids(views[name][1])
        assert len(views[name][0]) == len(views[name][1])
        assert not any(secret in views[name][1] for secret in SECRETS)
    for name in names[1:]:
        assert closed_at[name, alone] == closed_at[name, contested]
    for socket in feeds.values():
        await socket.close()


def without_ids(text: str) -> Any:
    """Return a view without what differs in any two auctions: ids and the draw's commitment."""
    seen = json.loads(text)
    seen.pop("draw_commitment", None)
    for one in seen.get("my_packages", []):
        one.pop("bid_id")
    return seen


async def number_of_the_close(socket: Any) -> int:
    """Return the topic's number when it shows the close; frames may have been put together."""
    while True:
        frame = await received(socket)
        if frame["op"] == "delta" and frame["data"].get("phase") == "closed":
            return int(frame["seq"])


async def test_each_audience_is_told_by_its_own_word(served: Served) -> None:
    visitors = await visitors_of(served)
    visitors["miller"] = await served.member("Other mill", "seller", kind="mill")
    terms = {"disclosure": "best", "observer_disclosure": "blind", "owner_disclosure": "blind"}
    auction_id = await opened(visitors, **terms)
    path = f"/auctions/{auction_id}"
    hidden = {
        name: without_ids((await visitors[name].get(path)).text)
        for name in ("nobody", "miller", "mill")
    }

    placed = await visitors["ann"].post(f"{path}/bids", {"price": "5111.00"})

    assert placed.status_code == 201, placed.text
    for name, before in hidden.items():
        assert without_ids((await visitors[name].get(path)).text) == before, name
    seen = (await visitors["bob"].get(path)).json()
    assert (seen["audience"], seen["best"]) == ("member", "5111.00")
    assert hidden["miller"]["audience"] == "public"

    served.market.clock.set(START.replace(hour=2))  # type: ignore[attr-defined]
    await ring_due(served.market, ON_TIMER)
    results = {
        name: (await visitors[name].get(path)).json()["result"]
        for name in ("miller", "bob", "mill")
    }
    assert results["miller"] == {"is_awarded": True}
    assert results["bob"]["awarded_lots"] == 100
    assert results["mill"]["awards"][0]["price"] == "5111.00"


async def test_an_owner_follows_a_rank_auction_where_its_rules_say_so(served: Served) -> None:
    visitors = await visitors_of(served)
    auction_id = await opened(visitors, disclosure="rank", owner_disclosure="full")

    await visitors["ann"].post(f"/auctions/{auction_id}/bids", {"price": "5111.00"})

    seen = {
        name: (await visitors[name].get(f"/auctions/{auction_id}")).json()
        for name in ("mill", "operator", "bob")
    }
    assert seen["mill"]["standing"][0]["price"] == "5111.00"
    assert "standing" not in seen["operator"]
    assert "5111.00" not in json.dumps(seen["bob"])
    assert seen["bob"]["owner_disclosure"] == "full"
