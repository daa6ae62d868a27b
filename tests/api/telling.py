"""A market of firms with secrets, and a record of every byte that it tells each of them.

Each secret is a figure or a word that occurs nowhere else, and belongs to the firms that may know
it. What is recorded for anybody else must not contain it, in any of its spellings.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.client import connect

from tests.api.conftest import PASSWORD, Served, Visitor
from tests.api.test_deals import formed
from tests.builders import an_organisation, with_cash, with_sugar
from web import api
from web.api.routing import ENDPOINTS

CELL = "SUGAR-W1/GX/2027-03"
CLOSES = {"closes_at": "2027-01-06T00:00:00Z"}
ROLES = ("buyer", "logistics", "owner", "seller")
RICH = 10**11
OBSERVERS = ("rival", "operator", "auditor", "nobody")
_PLACE = re.compile(r"\{(\w+)\}")

SECRETS: Mapping[str, Mapping[str, str]] = {
    "first": {
        "pledge_limit": "5173.00",
        "sealed_bid": "5237.00",
        "standing_limit": "5849.00",
        "mandate_total": "771913.00",
        "asked_price": "5413.00",
        "request_limit": "5527.00",
        "order_limit": "5641.00",
        "note": "Kingfisher",
        "place": "Yard Cormorant",
        "label": "Nuthatch",
        "account": "622277441188",
    },
    "mill": {"reserve": "5309.00", "bundle_offer": "4871.00", "private_offer": "4787.00"},
    "first mill": {"deal_price": "4950.00"},
}
"""What each owner alone knows; a secret of two is of both."""


@dataclass
class Told:
    """What was sent to whom, one piece after the other."""

    pieces: list[tuple[str, str, str]] = field(default_factory=list)

    def add(self, who: str, what: str, text: str) -> None:
        self.pieces.append((who, what, text))

    def leaks(self, secrets: Mapping[str, Mapping[str, str]] = SECRETS) -> list[str]:
        """Return where a secret was told to somebody who does not own it."""
        found = []
        for owners, named in secrets.items():
            for name, secret in named.items():
                pattern = spellings(secret)
                found += [
                    f"{who} was told {name} of {owners} by {what}"
                    for who, what, text in self.pieces
                    if who not in owners.split() and pattern.search(text)
                ]
        return found


def spellings(secret: str) -> re.Pattern[str]:
    """Return what finds a secret as decimal text, as whole units and as minor units."""
    ways = {secret}
    if re.fullmatch(r"[0-9]+\.00", secret):
        ways |= {secret.removesuffix(".00"), secret.replace(".", "")}
    inner = "|".join(sorted(map(re.escape, ways), key=len, reverse=True))
    return re.compile(rf"(?<![0-9A-Za-z.])(?:{inner})(?![0-9A-Za-z])")


@dataclass
class SecretWorld:
    """Two buying firms, a mill, the market's desks and a passer-by; the first buys in secret."""

    served: Served
    secrets: dict[str, str] = field(
        default_factory=lambda: {k: v for named in SECRETS.values() for k, v in named.items()}
    )
    people: dict[str, Visitor] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)
    sealed: str = ""

    async def open(self) -> SecretWorld:
        market = self.served.market
        await with_sugar(market)
        self.ids = {"tenor": "2027-03", "region": "GX", "instrument": "SUGAR-W1", "year": "2028"}
        for name, kind in (("first", "trader"), ("rival", "trader"), ("mill", "mill")):
            firm = await an_organisation(market, f"Firm {name}", kind=kind)
            await with_cash(market, firm, RICH)
            self.people[name] = await self._person(firm, name, *ROLES)
        self.people["clerk"] = await self._person(
            self.people["first"].organisation_id, "clerk", "buyer"
        )
        for name in ("operator", "auditor"):
            desk = await an_organisation(market, f"The {name}", kind=name)
            self.people[name] = await self._person(desk, name, name)
        self.people["nobody"] = self.served.nobody()
        return self

    async def _person(self, firm: str, name: str, *roles: str) -> Visitor:
        login = f"person-{name}"
        await self.served.add_person(firm, login, *roles)
        visitor = self.served.nobody()
        body = {"login": login, "password": PASSWORD, "bearer": True}
        visitor.token = (await visitor.post("/sessions", body)).json()["token"]
        visitor.organisation_id, visitor.login = firm, login
        return visitor

    async def keep_secrets(self) -> None:
        """Let the first firm and the mill do everything that nobody else is to learn of."""
        told = self.secrets
        rules = {"side": "sell", "cell": CELL, "lots": 100, "start": "5000.00"}
        rules = {**rules, "step": "10.00", **CLOSES}
        await self._made("mill", "auction_id", "/auctions", {**rules, "format": "sealed_first"})
        self.sealed = self.ids["auction_id"]
        await self._done("first", f"/auctions/{self.sealed}/bids", {"price": told["sealed_bid"]})
        hidden = {**rules, "disclosure": "blind", "reserve": told["reserve"]}
        await self._made("mill", "auction_id", "/auctions", hidden)
        standing = {"limit": told["standing_limit"]}
        await self._done("first", f"/auctions/{self.ids['auction_id']}/standing", standing)
        pool = {"cell": CELL, "firming_at": "2027-01-05T00:00:00Z", **CLOSES}
        await self._made("operator", "pool_id", "/pools", pool)
        pledge = {"lots": 100, "limit": told["pledge_limit"]}
        pool_path = f"/pools/{self.ids['pool_id']}"
        await self._made("first", "pledge_id", f"{pool_path}/pledges", pledge)
        offer = {"cell": CELL, "capacity_lots": 10, "is_public": False}
        offer["breaks"] = [{"from_lots": 1, "price": told["private_offer"]}]
        await self._made("mill", "offer_id", "/offers", offer)
        await self._keep_forward_secrets()
        await self._keep_office_secrets()
        self.ids["deal_id"] = await formed(
            self.served, {"buyer": self.people["first"], "seller": self.people["mill"]}, lots=10
        )

    async def _keep_forward_secrets(self) -> None:
        told = self.secrets
        window = {"instrument": "SUGAR-W1", "region": "GX", "tenors": ["2027-03"], **CLOSES}
        await self._made("operator", "strip_id", "/strips", {"title": "Spring", **window})
        path = f"/strips/{self.ids['strip_id']}"
        order = {"form": "period", "tenor": "2027-03", "lots": 10, "limit": told["order_limit"]}
        await self._made("first", "order_id", f"{path}/orders", order)
        steps = {"2027-03": [{"lots": 50, "price": told["bundle_offer"]}]}
        offer = {"steps": steps, "capacity": 50, "min_total": 1}
        await self._done("mill", f"{path}/offers", offer)

    async def _keep_office_secrets(self) -> None:
        told = self.secrets
        request = {"instrument": "SUGAR-W1", "region": "GX", "first_tenor": "2027-05", "lots": 10}
        request["limit"] = told["request_limit"]
        await self._made("first", "request_id", "/requests", request)
        place = {"region": "GX", "name": told["place"]}
        await self._made("first", "place_id", "/receiving-places", place)
        clerk = (await self.people["clerk"].get("/me")).json()["person"]
        self.ids["person_id"] = clerk
        mandate = {
            "person": clerk,
            "acts": ["auctions.bid"],
            "per_act": "1.00",
            "total": told["mandate_total"],
            "reserve": "1.00",
            "ends_at": "2027-01-05T00:00:00Z",
        }
        await self._made("first", "mandate_id", "/mandates", mandate)
        await self._done("first", "/policies", {"act": "auctions.bid", "chain": ["role:owner"]})
        asked = {"act": "auctions.bid", "subject": self.ids["auction_id"], "note": told["note"]}
        asked["terms"] = {"price": told["asked_price"], "lots": 100}
        await self._made("clerk", "approval_id", "/approvals", asked)
        await self._made("first", "grant_id", "/support-grants", {"reason": "help", "hours": 1})
        account = {"number": told["account"], "bank_code": "102100099996"}
        await self._made("first", "account_id", "/bank-accounts", account)
        token = {"label": told["label"], "scopes": ["deals.read"]}
        await self._made("first", "token_id", "/tokens", token)

    async def _made(self, who: str, name: str, path: str, body: object) -> None:
        self.ids[name] = str((await self._done(who, path, body))[name])

    async def _done(self, who: str, path: str, body: object) -> Mapping[str, Any]:
        answer = await self.people[who].post(path, body)
        assert answer.status_code in (200, 201), f"{path}: {answer.text}"
        return dict(answer.json())

    async def told(self, observers: tuple[str, ...] = OBSERVERS) -> Told:
        """Let everybody else ask for everything, and follow what may be followed."""
        record = await self.asked(observers)
        for who in observers:
            await self._follow(who, record)
        return record

    async def asked(self, observers: tuple[str, ...]) -> Told:
        """Let observers ask for everything over HTTP."""
        api.load()
        record = Told()
        paths = [path for method, path in sorted(ENDPOINTS) if method == "GET"]
        for who in observers:
            for path in paths:
                await self._ask(who, path, self.ids, record)
                if "{auction_id}" in path:
                    await self._ask(who, path, {"auction_id": self.sealed}, record)
        return record

    async def _ask(self, who: str, path: str, ids: Mapping[str, str], record: Told) -> None:
        asked = _PLACE.sub(lambda place: ids.get(place[1], "none"), path)
        answer = await self.people[who].get(asked)
        headers = f"{answer.headers.get('etag')} {answer.headers.get('content-length')}"
        record.add(who, f"GET {path}", f"{answer.status_code} {answer.text} {headers}")

    async def _follow(self, who: str, record: Told) -> None:
        topics, hello = ["prices:*"], {"op": "hello", "client": "test"}
        if self.people[who].token:
            events = [f"{name}:{self.ids[f'{name}_id']}" for name in ("auction", "pool", "strip")]
            topics += ["me", f"auction:{self.sealed}", *events]
            hello["token"] = self.people[who].token
        async with connect(self.served.feed_url, subprotocols=["aggregator.feed.v1"]) as socket:
            await socket.send(json.dumps(hello))
            await asyncio.wait_for(socket.recv(), 30)
            for topic in topics:
                await socket.send(json.dumps({"op": "subscribe", "topic": topic}))
                frame = '"op":"heartbeat"'
                while '"op":"heartbeat"' in frame:
                    frame = str(await asyncio.wait_for(socket.recv(), 30))
                record.add(who, f"feed {topic.partition(':')[0]}", frame)
