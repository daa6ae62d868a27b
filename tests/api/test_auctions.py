"""Auctions over HTTP, as a client of nobody's making meets them."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from tortoise.transactions import in_transaction
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from aggregator.reactions import ON_TIMER
from aggregator.workers.ringing import ring_due
from tests.api.conftest import Served, Visitor
from tests.builders import START, with_cash, with_sugar

RULES: dict[str, Any] = {
    "side": "sell",
    "cell": "SUGAR-W1/GX/2027-03",
    "lots": 100,
    "closes_at": "2027-01-04T02:00:00Z",
    "start": "5000.00",
    "step": "10.00",
}


async def visitors_of(served: Served) -> dict[str, Visitor]:
    """A mill, two traders with money, the operator, all signed in, and nobody."""
    await with_sugar(served.market)
    found = {
        "nobody": served.nobody(),
        "operator": await served.operator(),
        "mill": await served.member("Firm mill", "seller", kind="mill"),
    }
    for name in ("ann", "bob"):
        found[name] = await served.member(f"Firm {name}", "buyer", kind="trader")
        await with_cash(served.market, found[name].organisation_id, 10**10)
    return found


async def opened(visitors: dict[str, Visitor], **rules: Any) -> str:
    answer = await visitors["mill"].post("/auctions", {**RULES, **rules})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["auction_id"])


async def test_a_sale_from_opening_to_award(served: Served) -> None:
    visitors = await visitors_of(served)
    auction_id = await opened(visitors, title="March sugar")
    await visitors["ann"].post(f"/auctions/{auction_id}/bids", {"price": "5000.00"})

    receipt = await visitors["bob"].post(
        f"/auctions/{auction_id}/bids", {"price": "5010.00", "lots": 100}
    )
    served.market.clock.set(START.replace(hour=2))  # type: ignore[attr-defined]
    await ring_due(served.market, ON_TIMER)
    seen = (await visitors["bob"].get(f"/auctions/{auction_id}")).json()
    listed = (await visitors["nobody"].get("/auctions?side=sell&state=closed")).json()

    assert receipt.status_code == 201
    body = receipt.json()
    assert (body["price"], body["deposit"], body["seq"]) == ("5010.00", "50100.00", 1)
    assert len(body["hash"]) == 64
    assert seen["phase"] == "closed"
    assert seen["my_award"] == {"lots": 100, "price": "5010.00"}
    assert [row["auction_id"] for row in listed["auctions"]] == [auction_id]
    assert listed["auctions"][0]["owner_name"] == "Firm mill"


async def test_a_bid_sent_again_is_placed_once(served: Served) -> None:
    visitors = await visitors_of(served)
    auction_id = await opened(visitors)
    path, bid = f"/auctions/{auction_id}/bids", {"price": "5000.00"}

    first = await visitors["ann"].post(path, bid, key="one-id")
    again = await visitors["ann"].post(path, bid, key="one-id")
    other = await visitors["ann"].post(path, {"price": "5020.00"}, key="one-id")
    seen = (await visitors["ann"].get(f"/auctions/{auction_id}")).json()

    assert first.json() == again.json()
    assert again.headers["Idempotent-Replayed"] == "true"
    assert other.json()["code"] == "command_reused"
    assert seen["my_bids"] == 1


async def test_receipts_are_found_again_by_the_own_firm_alone(served: Served) -> None:
    visitors = await visitors_of(served)
    auction_id = await opened(visitors)
    elsewhere = await opened(visitors)
    ann, bob = visitors["ann"], visitors["bob"]
    path = f"/auctions/{auction_id}"
    first = (await ann.post(f"{path}/bids", {"price": "5000.00"})).json()
    await ann.post(f"{path}/bids", {"price": "5000.00"})
    await ann.post(f"{path}/standing", {"limit": "5300.00"})
    await ann.post(f"/auctions/{elsewhere}/bids", {"price": "5000.00"})
    rival = (await bob.post(f"{path}/bids", {"price": "5310.00"})).json()
    last = (await ann.post(f"{path}/bids", {"price": "5320.00"})).json()

    found = (await ann.get(f"{path}/receipts")).json()

    assert found == {"receipts": [last, first]}
    assert (await bob.get(f"{path}/receipts")).json() == {"receipts": [rival]}
    assert (await visitors["nobody"].get(f"{path}/receipts")).status_code == 401
    assert (await ann.get("/auctions/auc_nowhere/receipts")).status_code == 404


@pytest.mark.parametrize(
    ("rules", "way", "said"),
    [
        ({"format": "sealed_first"}, "bids", {"price": "5200.00"}),
        ({"format": "sealed_uniform"}, "bids", {"price": "5200.00", "lots": 50}),
        ({"format": "second_price"}, "bids", {"price": "5200.00"}),
        (
            {
                "format": "packages",
                "start": None,
                "items": [{"tenor": "2027-03", "lots": 100, "start": "5000.00"}],
            },
            "packages",
            {"items": ["2027-03"], "price": "5200.00"},
        ),
    ],
)
async def test_receipts_of_sealed_bids_are_found_again_by_the_own_firm_alone(
    served: Served, rules: dict[str, Any], way: str, said: dict[str, Any]
) -> None:
    visitors = await visitors_of(served)
    auction_id = await opened(visitors, **rules)
    elsewhere = await opened(visitors, **rules)
    ann, bob = visitors["ann"], visitors["bob"]
    path = f"/auctions/{auction_id}"
    first = await ann.post(f"{path}/{way}", said)
    better = await ann.post(f"{path}/{way}", {**said, "price": "5300.00"})
    await ann.post(f"/auctions/{elsewhere}/{way}", said)
    rival = await bob.post(f"{path}/{way}", {**said, "price": "5250.00"})
    assert (first.status_code, better.status_code) == (201, 201), (first.text, better.text)

    found = (await ann.get(f"{path}/receipts")).json()

    assert found == {"receipts": [better.json(), first.json()]}
    assert (await bob.get(f"{path}/receipts")).json() == {"receipts": [rival.json()]}
    assert (await visitors["mill"].get(f"{path}/receipts")).json() == {"receipts": []}
    served.market.clock.set(START.replace(hour=3))  # type: ignore[attr-defined]
    await ring_due(served.market, ON_TIMER)
    assert (await ann.get(f"{path}/receipts")).json() == found
    assert (await visitors["operator"].get(f"{path}/receipts")).status_code == 403


async def test_refusals_name_field_rule_and_figure(served: Served) -> None:
    visitors = await visitors_of(served)
    auction_id = await opened(visitors)
    path = f"/auctions/{auction_id}/bids"
    await visitors["ann"].post(path, {"price": "5000.00"})
    bob, mill = visitors["bob"], visitors["mill"]

    answers = [
        await bob.post(path, {"price": "5000.50"}),
        await bob.post(path, {"price": "5000.00"}),
        await bob.post(path, {"price": 5010}),
        await bob.post(path, {"price": "5010.00", "lots": 101}),
        await mill.post(path, {"price": "5010.00"}),
        await visitors["nobody"].post(path, {"price": "5010.00"}),
        await bob.post("/auctions/auc_nowhere/bids", {"price": "5010.00"}),
        await bob.post("/auctions", RULES),
        await mill.post("/auctions", {**RULES, "closes_at": "2027-01-04T00:00:00Z"}),
        await mill.post("/auctions", {**RULES, "step": "0.50"}),
    ]

    told = [(answer.status_code, answer.json()["code"]) for answer in answers]
    assert told == [
        (422, "off_tick"),
        (422, "not_improving"),
        (422, "invalid_field"),
        (422, "off_lots"),
        (403, "not_allowed"),
        (401, "not_signed_in"),
        (404, "not_found"),
        (403, "not_allowed"),
        (422, "invalid_field"),
        (422, "invalid_field"),
    ]
    assert answers[1].json()["figures"]["next_allowed"] == "5010.00"
    assert answers[2].json()["pointer"] == "/price"
    assert [answer.json()["pointer"] for answer in answers[-2:]] == ["/closes_at", "/step"]


async def test_a_rivals_hidden_bid_changes_no_byte_for_others(served: Served) -> None:
    visitors = await visitors_of(served)
    auction_id = await opened(visitors, disclosure="blind", reserve="5100.00")
    path = f"/auctions/{auction_id}"
    await visitors["ann"].post(f"{path}/bids", {"price": "5200.00"})
    before = [await visitors[name].get(path) for name in ("nobody", "ann")]

    await visitors["bob"].post(f"{path}/bids", {"price": "5000.00"})
    after = [await visitors[name].get(path) for name in ("nobody", "ann")]

    for was, now in zip(before, after, strict=True):
        assert was.content == now.content
        assert was.headers["ETag"] == now.headers["ETag"]
        assert b"5100.00" not in now.content


async def test_two_persons_of_the_operator_stop_an_auction_in_public(served: Served) -> None:
    visitors = await visitors_of(served)
    auction_id = await opened(visitors)
    path, operator = f"/auctions/{auction_id}", visitors["operator"]
    colleague = await served.visitor(operator.organisation_id, "operator")

    async def stopped(act: str, reason: str) -> Any:
        proposed = (await operator.post(f"{path}/{act}", {"reason": reason})).json()
        return await colleague.post(f"{path}/motions/{proposed['motion_id']}/approve")

    refused = await visitors["mill"].post(f"{path}/pause", {"reason": "no"})
    proposed = await operator.post(f"{path}/pause", {"reason": "storm"})
    alone = await operator.post(f"{path}/motions/{proposed.json()['motion_id']}/approve")
    paused = await colleague.post(f"{path}/motions/{proposed.json()['motion_id']}/approve")
    bid = await visitors["ann"].post(f"{path}/bids", {"price": "5000.00"})
    resumed = await stopped("resume", "the storm is over")
    cancelled = await stopped("cancel", "wrong lots")
    seen = (await visitors["nobody"].get(path)).json()

    assert refused.status_code == 403
    assert (proposed.status_code, proposed.json()["state"]) == (202, "open")
    assert (alone.status_code, alone.json()["code"]) == (403, "same_person")
    assert (paused.status_code, paused.json()["state"]) == (200, "paused")
    assert (bid.json()["code"], bid.json()["figures"]) == ("paused", {"reason": "storm"})
    assert (resumed.json()["state"], cancelled.json()["state"]) == ("open", "cancelled")
    assert (seen["phase"], seen["reason"]) == ("cancelled", "wrong lots")


async def received(socket: ClientConnection) -> dict[str, Any]:
    """Return the next frame that is no heartbeat, which may come before any."""
    async with asyncio.timeout(30):
        while (frame := dict(json.loads(await socket.recv())))["op"] == "heartbeat":
            pass
        return frame


async def following(served: Served, visitor: Visitor, auction_id: str) -> ClientConnection:
    """Open a socket that has had its snapshot of the auction."""
    socket = await connect(served.feed_url, subprotocols=["aggregator.feed.v1"])
    await socket.send(json.dumps({"op": "hello", "token": visitor.token, "client": "test"}))
    assert (await received(socket))["op"] == "welcome"
    await socket.send(json.dumps({"op": "subscribe", "topic": f"auction:{auction_id}"}))
    assert (await received(socket))["op"] == "snapshot"
    return socket


async def test_a_bid_over_the_feed_is_answered_and_shown(served: Served) -> None:
    visitors = await visitors_of(served)
    auction_id = await opened(visitors)
    ann = await following(served, visitors["ann"], auction_id)
    bob = await following(served, visitors["bob"], auction_id)

    frame = {"op": "bid", "cmd": "b-1", "auction": auction_id, "price": "5000.00"}
    await bob.send(json.dumps(frame))
    told = {frame["op"]: frame for frame in (await received(bob), await received(bob))}
    shown = await received(ann)

    assert (told["ack"]["cmd"], told["ack"]["data"]["price"]) == ("b-1", "5000.00")
    assert told["delta"]["data"]["my_best"] == "5000.00"
    assert (shown["op"], shown["seq"], shown["prev"]) == ("delta", 2, 1)
    assert shown["data"] == {"best": "5000.00", "next_allowed": "5010.00"}
    await ann.close()
    await bob.close()


async def test_what_waits_behind_a_bid_is_not_heard_once_the_session_is_over(
    served: Served,
) -> None:
    visitors = await visitors_of(served)
    auction_id = await opened(visitors)
    bob = await following(served, visitors["bob"], auction_id)
    frame = {"op": "bid", "auction": auction_id}

    async with in_transaction() as rival:
        # The first bid waits for its auction, and the second one for the first.
        stream = f"select seq from stream_head where stream = 'auction:{auction_id}' for update"
        await rival.execute_query(stream)
        await bob.send(json.dumps({**frame, "cmd": "b-1", "price": "5000.00"}))
        await bob.send(json.dumps({**frame, "cmd": "b-2", "price": "6000.00"}))
        await visitors["bob"].delete("/sessions/current")
        with pytest.raises(ConnectionClosed) as ended:
            await received(bob)
    for _ in range(500):
        if not served.context.hub._sockets:
            break
        await asyncio.sleep(0.02)
    shown = (await visitors["ann"].get(f"/auctions/{auction_id}")).json()

    assert ended.value.rcvd is not None
    assert ended.value.rcvd.code == 4401
    assert shown["best"] != "6000.00"


async def test_a_rivals_hidden_bid_sends_no_frame_and_leaves_no_gap(served: Served) -> None:
    visitors = await visitors_of(served)
    auction_id = await opened(visitors, disclosure="blind")
    ann = await following(served, visitors["ann"], auction_id)

    await visitors["bob"].post(f"/auctions/{auction_id}/bids", {"price": "5000.00"})
    await visitors["ann"].post(f"/auctions/{auction_id}/bids", {"price": "5200.00"})
    first = await received(ann)

    assert (first["op"], first["seq"], first["data"]["my_best"]) == ("delta", 2, "5200.00")
    await ann.close()


async def test_a_sealed_sale_over_http_tells_nobody_before_its_close(served: Served) -> None:
    visitors = await visitors_of(served)
    auction_id = await opened(visitors, format="sealed_first")
    path = f"/auctions/{auction_id}"
    before = [await visitors[name].get(path) for name in ("nobody", "mill", "operator", "bob")]

    receipt = await visitors["ann"].post(f"{path}/bids", {"price": "5200.00"}, key="one")
    again = await visitors["ann"].post(f"{path}/bids", {"price": "5200.00"}, key="one")
    outcome = await visitors["ann"].get("/commands/one")
    worse = await visitors["ann"].post(f"{path}/bids", {"price": "5100.00"})
    during = [await visitors[name].get(path) for name in ("nobody", "mill", "operator", "bob")]
    served.market.clock.set(START.replace(hour=2))  # type: ignore[attr-defined]
    await ring_due(served.market, ON_TIMER)
    seen = (await visitors["ann"].get(path)).json()

    assert [one.content for one in before] == [one.content for one in during]
    assert receipt.json() == again.json()
    assert outcome.json()["answer"]["price"] == "5200.00"
    assert (worse.status_code, worse.json()["code"]) == (422, "not_improving")
    assert receipt.json()["deposit"] == "50000.00"
    assert (seen["my_outcome"], seen["my_award"]["price"]) == ("won", "5200.00")
    assert len(seen["draw"]["seed"]) == 64


async def test_dutch_japanese_and_clock_auctions_over_http(served: Served) -> None:
    visitors = await visitors_of(served)
    ann = visitors["ann"]
    dutch = await opened(visitors, format="dutch", interval_s=60)
    japanese = await opened(visitors, format="japanese", interval_s=60)
    months = [
        {"tenor": "2027-03", "lots": 60, "start": "5000.00"},
        {"tenor": "2027-04", "lots": 40, "start": "5000.00"},
    ]
    rules = {key: value for key, value in RULES.items() if key != "start"}
    clock = await visitors["mill"].post(
        "/auctions", {**rules, "format": "clock", "interval_s": 60, "items": months}
    )
    clock_id = clock.json()["auction_id"]

    taken = await ann.post(f"/auctions/{dutch}/bids", {"price": "5000.00", "lots": 10})
    accepted = await ann.post(f"/auctions/{japanese}/bids", {"price": "5000.00", "lots": 10})
    asked = await ann.post(f"/auctions/{clock_id}/demands", {"demand": {"2027-04": 40}})
    wrong = await ann.post(f"/auctions/{clock_id}/bids", {"price": "5000.00"})
    strange = await ann.post(f"/auctions/{dutch}/demands", {"demand": {"2027-04": 1}})

    assert (taken.status_code, taken.json()["price"]) == (201, "5000.00")
    assert (accepted.status_code, accepted.json()["round"]) == (201, 0)
    assert (asked.status_code, asked.json()["demand"]) == (201, {"2027-04": 40})
    assert asked.json()["price"] is None
    assert (wrong.json()["code"], strange.json()["code"]) == ("wrong_command", "wrong_command")
    seen = (await ann.get(f"/auctions/{clock_id}")).json()
    assert seen["my_demand"] == {"2027-03": 0, "2027-04": 40}


async def test_a_standing_order_over_http_and_over_the_feed(served: Served) -> None:
    visitors = await visitors_of(served)
    auction_id = await opened(visitors)
    bob = await following(served, visitors["bob"], auction_id)

    order = await visitors["ann"].post(f"/auctions/{auction_id}/standing", {"limit": "5050.00"})
    await bob.send(
        json.dumps({"op": "standing", "cmd": "s-1", "auction": auction_id, "limit": "5030.00"})
    )
    told = [await received(bob) for _ in range(3)]
    ack = next(frame for frame in told if frame["op"] == "ack")

    assert (order.status_code, order.json()["limit"]) == (201, "5050.00")
    assert (ack["data"]["limit"], ack["data"]["is_leading"]) == ("5030.00", False)
    seen = (await visitors["ann"].get(f"/auctions/{auction_id}")).json()
    assert (seen["best"], seen["my_limit"]) == ("5030.00", "5050.00")
    await bob.close()


async def test_fields_of_another_format_are_refused_even_with_idle_values(served: Served) -> None:
    visitors = await visitors_of(served)

    answers = [
        await visitors["mill"].post("/auctions", {**RULES, **extra})
        for extra in (
            {"format": "sealed_first", "soft_close_s": 120},
            {"format": "dutch", "interval_s": 60, "shares": []},
            {"interval_s": 60},
            {"format": "japanese", "interval_s": 60, "improve": "auto"},
            {"bids_on_behalf_of": "org_other"},
        )
    ]

    assert [(one.status_code, one.json()["pointer"]) for one in answers] == [
        (422, "/soft_close_s"),
        (422, "/shares"),
        (422, "/interval_s"),
        (422, "/improve"),
        (422, "/bids_on_behalf_of"),
    ]
