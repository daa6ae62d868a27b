"""Auctions over HTTP, as a client of nobody's making meets them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from aggregator.market import Market
from aggregator.parties import registering
from aggregator.parties.registering import NewPerson
from aggregator.reactions import ON_TIMER
from aggregator.workers.ringing import ring_due
from tests.builders import (
    START,
    a_command,
    a_market,
    an_actor,
    an_organisation,
    with_cash,
    with_sugar,
)
from web.app import create_app
from web.feed.operations import OPERATIONS

PASSWORD = "correct horse battery"
OPERATOR = an_actor("operator", "operator")
RULES: dict[str, Any] = {
    "side": "sell",
    "cell": "SUGAR-W1/GX/2027-03",
    "lots": 100,
    "closes_at": "2027-01-04T02:00:00Z",
    "start": "5000.00",
    "step": "10.00",
}


@dataclass
class Visitor:
    """One person's client; a command id is made for each change."""

    client: httpx.AsyncClient
    token: str | None = None
    commands: int = 0

    async def get(self, path: str) -> httpx.Response:
        return await self.client.get(f"/api/v1{path}", headers=self._headers())

    async def post(
        self, path: str, body: dict[str, Any] | None = None, command: str | None = None
    ) -> httpx.Response:
        self.commands += 1
        headers = self._headers()
        headers["Idempotency-Key"] = command or f"{self.token or 'nobody'}-{self.commands}"[-80:]
        return await self.client.post(f"/api/v1{path}", json=body, headers=headers)

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}


@asynccontextmanager
async def a_served_market() -> AsyncIterator[tuple[Market, dict[str, Visitor]]]:
    """A market with a mill, two traders and the operator, all signed in, and nobody."""
    market = a_market()
    await registering.found_operator(market, "operator", PASSWORD, name="The market")
    await with_sugar(market)
    for name, kind, role in (
        ("mill", "mill", "seller"),
        ("ann", "trader", "buyer"),
        ("bob", "trader", "buyer"),
    ):
        organisation_id = await an_organisation(market, f"Firm {name}", kind=kind)
        person = NewPerson(name, f"Person {name}", PASSWORD, (role,), "en")
        await registering.add_person(market, OPERATOR, a_command(), organisation_id, person)
        await with_cash(market, organisation_id, 10**10)
    app = create_app(market)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
        visitors = {"nobody": Visitor(client)}
        for name in ("operator", "mill", "ann", "bob"):
            asked = {"login": name, "password": PASSWORD, "bearer": True}
            signed_in = await client.post("/api/v1/sessions", json=asked)
            visitors[name] = Visitor(client, signed_in.json()["token"])
        yield market, visitors


async def opened(visitors: dict[str, Visitor], **rules: Any) -> str:
    answer = await visitors["mill"].post("/auctions", {**RULES, **rules})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["auction_id"])


async def test_a_sale_from_opening_to_award(orm: str) -> None:
    async with a_served_market() as (market, visitors):
        auction_id = await opened(visitors, title="March sugar")
        await visitors["ann"].post(f"/auctions/{auction_id}/bids", {"price": "5000.00"})

        receipt = await visitors["bob"].post(
            f"/auctions/{auction_id}/bids", {"price": "5010.00", "lots": 100}
        )
        market.clock.set(START.replace(hour=2))  # type: ignore[attr-defined]
        await ring_due(market, ON_TIMER)
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


async def test_a_bid_sent_again_is_placed_once(orm: str) -> None:
    async with a_served_market() as (_, visitors):
        auction_id = await opened(visitors)
        path, bid = f"/auctions/{auction_id}/bids", {"price": "5000.00"}

        first = await visitors["ann"].post(path, bid, "one-id")
        again = await visitors["ann"].post(path, bid, "one-id")
        other = await visitors["ann"].post(path, {"price": "5020.00"}, "one-id")
        seen = (await visitors["ann"].get(f"/auctions/{auction_id}")).json()

    assert first.json() == again.json()
    assert again.headers["Idempotent-Replayed"] == "true"
    assert other.json()["code"] == "command_reused"
    assert seen["my_bids"] == 1


async def test_refusals_name_field_rule_and_figure(orm: str) -> None:
    async with a_served_market() as (_, visitors):
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


async def test_a_rivals_hidden_bid_changes_no_byte_for_others(orm: str) -> None:
    async with a_served_market() as (_, visitors):
        auction_id = await opened(visitors, disclosure="blind", reserve="5100.00")
        path = f"/auctions/{auction_id}"
        await visitors["ann"].post(f"{path}/bids", {"price": "5200.00"})
        before = [await visitors[name].get(path) for name in ("nobody", "ann")]

        await visitors["bob"].post(f"{path}/bids", {"price": "5000.00"})
        after = [await visitors[name].get(path) for name in ("nobody", "ann")]

    for was, now in zip(before, after, strict=True):
        assert was.content == now.content
        assert was.headers["ETag"] == now.headers["ETag"]
        assert b"5100" not in now.content


async def test_the_operator_pauses_resumes_and_cancels_in_public(orm: str) -> None:
    async with a_served_market() as (_, visitors):
        auction_id = await opened(visitors)
        path, operator = f"/auctions/{auction_id}", visitors["operator"]

        refused = await visitors["mill"].post(f"{path}/pause", {"reason": "no"})
        paused = await operator.post(f"{path}/pause", {"reason": "storm"})
        bid = await visitors["ann"].post(f"{path}/bids", {"price": "5000.00"})
        resumed = await operator.post(f"{path}/resume")
        cancelled = await operator.post(f"{path}/cancel", {"reason": "wrong lots"})
        seen = (await visitors["nobody"].get(path)).json()

    assert refused.status_code == 403
    assert (paused.status_code, paused.json()["state"]) == (200, "paused")
    assert (bid.json()["code"], bid.json()["figures"]) == ("paused", {"reason": "storm"})
    assert (resumed.json()["state"], cancelled.json()["state"]) == ("open", "cancelled")
    assert (seen["phase"], seen["reason"]) == ("cancelled", "wrong lots")


async def test_a_bid_may_come_over_the_feed(orm: str) -> None:
    async with a_served_market():
        path, body = OPERATIONS["bid"].taken_apart(
            {"auction": "auc_1", "price": "5000.00", "lots": 3}
        )

    assert path == {"auction_id": "auc_1"}
    assert body == {"price": "5000.00", "lots": 3}
