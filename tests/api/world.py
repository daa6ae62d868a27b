"""A market in which a firm has one of everything, and three firms' people to ask for it.

`own` traded it, `partner` is the mill it was traded with, `rival` is a stranger to both.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, NamedTuple

import pytest

from aggregator.deals import closing
from aggregator.journal.reading import Pool
from aggregator.reactions import ON_TIMER
from aggregator.workers.ringing import ring_due
from tests.api.asking import body_of
from tests.api.conftest import Served, Visitor
from tests.api.test_contract_story import done, got, open_slots
from tests.api.test_deals import formed
from tests.api.test_imports import NEED, OFFER, imported
from tests.api.test_passkeys import a_device, added
from tests.api.test_photographs import sent
from tests.architecture.permitting import NOBODY, PLACE, PUBLIC_THINGS
from tests.builders import START, with_account, with_cash, with_sugar, with_tier, with_way_back
from tests.integration.prices.test_publication import settle
from tests.unit.aggregator.test_pictures import a_photograph
from web import api
from web.api.routing import Endpoint
from web.auth.rates import Rate
from web.context import EdgeLimits
from web.feed.limits import FeedLimits

RICH = 10**11
CELL = "SUGAR-W1/GX/2027-03"
TENORS = ("2027-03", "2027-04")
FIRM_KINDS = ("approver", "buyer", "finance", "logistics", "owner", "seller", "viewer")
FIRMS = ("own", "partner", "rival")
_FIELDS = {"organisation_id", "pool_id", "terms_sha256"}
# What answers differ in by themselves; the length of a text goes with the ids in it.
_NONCES = {"content-length", "date", "x-request-id"}
# What waits for one answer of the firm that is asked.
ASKED = (
    "/pools/{pool_id}/pledges/{pledge_id}/accept",
    "/pools/{pool_id}/pledges/{pledge_id}/decline",
    "/strips/{strip_id}/orders/{order_id}/approve",
    "/strips/{strip_id}/orders/{order_id}/decline",
)
SOON = "2027-01-05T00:00:00Z"


@pytest.fixture
def edge_limits() -> EdgeLimits:
    much = Rate(per_s=100_000, burst=1_000_000)
    feed = FeedLimits(hello_ms=60_000, frames_per_s=100_000, burst=1_000_000)
    return EdgeLimits(organisation=much, address=much, login=much, feed=feed)


@pytest.fixture
async def world(served: Served) -> World:
    api.load()
    return await World(served).open()


class Told(NamedTuple):
    """What one is told, with the ids and the request masked."""

    status: int
    text: str
    headers: str

    def __str__(self) -> str:
        return f"{self.status} {self.text[:300]}"


class World:
    """Three firms with a person for each role, and what the first of them has."""

    def __init__(self, served: Served) -> None:
        self.served = served
        self.asked = 0
        self.people: dict[str, dict[str, Visitor]] = {}
        # Events that only some firms see: an auction of the partner's, and a pool for the first.
        self.hidden: dict[str, str] = {}
        # By a path, where what is asked of it waits for an answer.
        self.asking: dict[str, dict[str, str]] = {}
        # By the parameter's name, after the path before it where that is needed to tell it.
        self.ids: dict[str, str] = {"tenor": "2027-03", "region": "GX", "instrument": "SUGAR-W1"}
        self.ids |= {"year": "2028", "act": "auctions.bid", "number": "1"}

    async def open(self) -> World:
        served = self.served
        await with_sugar(served.market)
        market = {
            kind: await served.member(firm, kind, kind=kind)
            for kind, firm in (("operator", "The market"), ("auditor", "The auditor"))
        }
        for name, kind in zip(FIRMS, ("factory", "mill", "trader"), strict=True):
            firm = await served.member(f"{name} firm", FIRM_KINDS[0], kind=kind)
            await with_cash(served.market, firm.organisation_id, RICH)
            rest = {
                role: await served.visitor(firm.organisation_id, role) for role in FIRM_KINDS[1:]
            }
            nobody = {NOBODY: served.nobody()}
            self.people[name] = {FIRM_KINDS[0]: firm, **rest, **market, **nobody}
        self.own, self.partner, self.rival = (self.people[name] for name in FIRMS)
        self.operator = market["operator"]
        self.ids["organisation_id"] = self.own["owner"].organisation_id
        leaver = await served.visitor(self.ids["organisation_id"], "viewer")
        self.ids["person_id"] = await self._person(leaver)
        await self._gathered()
        await self._contract()
        await self._left_to_answer()
        await self._events()
        await self._needs()
        await self._deal()
        await self._bank()
        await self._parked()
        await self._office()
        self.ids["notice_id"] = await self._first("notice")
        self.ids["command_id"] = await self._first("command")
        return self

    async def _gathered(self) -> None:
        """Gather a pool that the first firm is too small for, and a bundle beyond its limit."""
        half, whole = START + timedelta(minutes=30), START + timedelta(hours=1)
        pool_id = await self.pool(half.isoformat(), closes_at=whole.isoformat())
        mill = self.partner["seller"]
        strip_id = await self.strip(whole.isoformat(), counter={"seller": mill.organisation_id})
        breaks = [{"from_lots": 300, "price": "4900.00"}]
        await done(mill, "/offers", {"cell": CELL, "breaks": breaks, "capacity_lots": 1000})
        others = [
            await self.served.member(f"{name} firm", "buyer", kind="factory")
            for name in ("third", "fourth")
        ]
        self.defaulter = others[1]
        for other, lots in ((self.rival["buyer"], 100), *zip(others, (100, 200), strict=True)):
            await with_cash(self.served.market, other.organisation_id, RICH)
            await self._join(other, pool_id, strip_id, lots=lots, limit="5000.00")
        own = await self._join(self.own["buyer"], pool_id, strip_id, lots=60, limit="4900.00")
        for way in ASKED:
            self.asking[way] = own

    async def _join(
        self, buyer: Visitor, pool_id: str, strip_id: str, *, lots: int, limit: str
    ) -> dict[str, str]:
        pledge = {"lots": lots, "limit": "5050.00", "size": lots}
        order = {"form": "period", "tenor": TENORS[0], "lots": lots, "limit": limit}
        pledged = await done(buyer, f"/pools/{pool_id}/pledges", pledge)
        ordered = await done(buyer, f"/strips/{strip_id}/orders", order)
        return {
            "pool_id": pool_id,
            "pledge_id": str(pledged["pledge_id"]),
            "strip_id": strip_id,
            "order_id": str(ordered["order_id"]),
        }

    async def _left_to_answer(self) -> None:
        """Free lots of a firm that does not pay, and agree with the mill on terms."""
        [deal] = (await got(self.defaulter, "/deals"))["deals"]
        await Pool().rows(
            "update deal set due_at = $2 where id = $1 returning id",
            *(deal["deal_id"], self.served.market.clock.now()),
        )
        await closing.lapse(self.served.market, deal["deal_id"])
        path = f"/strips/{self.asking[ASKED[-1]]['strip_id']}"
        steps = {tenor: [{"lots": 500, "price": "4960.00"}] for tenor in TENORS}
        said = await done(
            self.partner["seller"], f"{path}/offers", {"steps": steps, "capacity": 500}
        )
        agreed = {"round": 1, "terms_sha256": said["terms_sha256"]}
        told = await done(self.operator, f"{path}/rounds/accept", agreed)
        assert told["state"] == "asking"
        self.ids["terms_sha256"] = said["terms_sha256"]

    async def _contract(self) -> None:
        """Sign two months; call lots of the first off, and ask to change the second."""
        closes_at = START + timedelta(hours=1)
        strip_id = await self.strip(closes_at.isoformat())
        path = f"/strips/{strip_id}"
        place = {"region": "GX", "name": "Nanning"}
        await self._make("/receiving-places", "place_id", place, "logistics")
        for tenor in TENORS:
            order = {"form": "period", "tenor": tenor, "lots": 40, "limit": "5000.00"}
            await done(self.own["buyer"], f"{path}/orders", order)
        steps = {tenor: [{"lots": 300, "price": "4980.00"}] for tenor in TENORS}
        await done(self.partner["seller"], f"{path}/offers", {"steps": steps, "capacity": 600})
        self.served.market.clock.set(closes_at)
        await ring_due(self.served.market, ON_TIMER)
        buyer = self.own["buyer"]
        [contract] = (await got(buyer, "/contracts"))["contracts"]
        self.ids["contract_id"] = contract["contract_id"]
        first, second = await open_slots(buyer, contract["contract_id"])
        self.ids["slot_id"] = first["slot_id"]
        day = {"lots": 15, "delivery_on": "2027-03-15"}
        await self._make(f"/slots/{first['slot_id']}/call-offs", "call_off_id", day)
        wanted = {"kind": "lots", "lots": 41}
        await self._make(f"/slots/{second['slot_id']}/proposals", "proposal_id", wanted)

    async def strip(self, closes_at: str, **terms: Any) -> str:
        """Open a strip; return its id."""
        strip = {
            "title": "Spring",
            "instrument": "SUGAR-W1",
            "region": "GX",
            "tenors": TENORS,
            "closes_at": closes_at,
            "month_bps": 500,
        }
        return str((await done(self.operator, "/strips", strip | terms))["strip_id"])

    async def pool(self, firming_at: str, **terms: Any) -> str:
        """Open a pool; return its id."""
        pool = {"cell": CELL, "firming_at": firming_at, "closes_at": "2027-01-08T00:00:00Z"}
        return str((await done(self.operator, "/pools", pool | terms))["pool_id"])

    async def _events(self) -> None:
        pool_id = self.ids["pool_id"] = await self.pool(SOON)
        await with_tier(self.ids["organisation_id"], 3)
        self.hidden["pool_id"] = await self.pool("2027-01-07T03:00:00Z", has_early_sight=True)
        pledge = {"lots": 100, "limit": "5100.00"}
        await self._make(f"/pools/{pool_id}/pledges", "pledge_id", pledge)
        auction = {"side": "sell", "cell": CELL, "lots": 10, "closes_at": SOON}
        auction |= {"start": "5000.00", "step": "10.00"}
        mill = self.partner["seller"]
        auction_id = await self._make("/auctions", "auction_id", auction, mill)
        invited = auction | {"invited": [self.ids["organisation_id"]]}
        self.hidden["auction_id"] = (await done(mill, "/auctions", invited))["auction_id"]
        bid = {"price": "5000.00", "lots": 1}
        await self._make(f"/auctions/{auction_id}/bids", "bid_id", bid)
        for path, place in (
            (f"/auctions/{auction_id}/pause", "/auctions/{auction_id}/motions/"),
            (f"/pools/{pool_id}/stop", "/pools/{pool_id}/motions/"),
        ):
            reason = {"reason": "a storm"}
            await self._make(path, "motion_id", reason, self.operator, place=place)
        strip_id = self.ids["strip_id"] = await self.strip(SOON)
        order = {"form": "period", "tenor": "2027-03", "lots": 10, "limit": "5000.00"}
        await self._make(f"/strips/{strip_id}/orders", "order_id", order)

    async def _needs(self) -> None:
        breaks = [{"from_lots": 1, "price": "5000.00"}]
        offer = {"cell": "SUGAR-W1/GX/2027-04", "breaks": breaks, "capacity_lots": 10}
        await self._make("/offers", "offer_id", offer, "seller")
        need = {"instrument": "SUGAR-W1", "region": "GX", "first_tenor": "2027-05", "lots": 10}
        await self._make("/requests", "request_id", need)
        for who, kind, file in (
            ("buyer", "requests", f"{NEED}SUGAR-W1,GX,2027-03,30,\n"),
            ("seller", "offers", f"{OFFER}1,SUGAR-W1,GX,2027-05,1,5000.00,10\n"),
        ):
            made = await imported(self.own[who], kind, file)
            self.ids[f"/imports/{kind}/import_id"] = made["import_id"]

    async def _deal(self) -> None:
        """Bring a deal to its papers: some lots refused, photographed, and a ticket open."""
        found = {"buyer": self.own["buyer"], "seller": self.partner["seller"]}
        deal_id = self.ids["deal_id"] = await formed(self.served, found, lots=10)
        path = f"/deals/{deal_id}"
        receipt = {"lots": 10, "place": "Nanning", "document": "WB-17"}
        for firm, who, act, body in (
            ("own", "finance", "fund", {}),
            ("partner", "seller", "ship", {"lots": 10, "carrier": "China Rail"}),
            ("partner", "seller", "deliver", receipt),
            ("own", "buyer", "accept", {"lots": 5}),
            ("partner", "finance", "invoice", {}),
        ):
            await done(self.people[firm][who], f"{path}/{act}", body)
        picture = await sent(self.own["buyer"], deal_id, a_photograph("JPEG", quality=50))
        self.ids["photograph_id"] = picture.json()["photograph_id"]
        matter = {"matter": "documents", "reason": "a stamp is missing"}
        await self._make(f"{path}/tickets", "ticket_id", matter)
        seen = await got(self.own["buyer"], path)
        self.ids["claim_id"] = seen["claims"][-1]["claim_id"]
        self.ids["document_id"] = seen["documents"][0]["id"]

    async def _bank(self) -> None:
        own = await with_account(self.own["finance"].organisation_id)
        ordered = {"amount": "10.00", "payee_account": own}
        await self._make("/payments", "payment_id", ordered, "finance")
        line = {
            "account": "CN-6222-01",
            "entry_reference": "NOBODY-1",
            "direction": "credit",
            "amount": "5.00",
            "booked_on": "2027-01-04",
        }
        taken = await done(self.operator, "/bank/lines", {"lines": [line]})
        filed = {"account": "CN-6222-01"}
        await self._make("/bank/payment-files", "message_id", filed, self.operator)
        self.ids["line_id"] = taken["lines"][0]["line_id"]

    async def _parked(self) -> None:
        """Park a ring of trades, and propose what becomes of it."""
        for number, (seller, buyer) in enumerate((("S", "B"), ("B", "C"), ("C", "S"))):
            await settle(self.served.market, number, buyer=buyer, seller=seller, lots=100 + number)
        [parked] = (await got(self.operator, "/parked-deals"))["deals"]
        deal_id = self.ids["/parked-deals/deal_id"] = parked["trade"]["deal_id"]
        verdict = {"verdict": "release", "reason": "two harvests"}
        path = f"/parked-deals/{deal_id}/reviews"
        place = "/parked-deals/{deal_id}/reviews/"
        await self._make(path, "motion_id", verdict, self.operator, place=place)

    async def _office(self) -> None:
        boss = self.own["owner"]
        await done(boss, "/policies", {"act": "auctions.bid", "chain": ["role:owner"]})
        terms = {"price": "5010.00", "lots": 1}
        asked = {"act": "auctions.bid", "subject": self.ids["auction_id"], "terms": terms}
        await self._make("/approvals", "approval_id", asked)
        mandate = {"acts": ["auctions.bid"], "per_act": "1.00", "total": "1.00", "reserve": "1.00"}
        bounds = {"person": await self._person(self.own["buyer"]), "ends_at": SOON}
        for path, name, body in (
            ("/mandates", "mandate_id", mandate | bounds),
            ("/invitations", "invitation_id", {"roles": ["buyer"]}),
            ("/tokens", "token_id", {"label": "ERP", "scopes": ["deals.read"]}),
            ("/webhooks", "webhook_id", {"address": "https://example.com/market"}),
            ("/bank-accounts", "account_id", {"number": "DE89370400440532013000"}),
            ("/support-grants", "grant_id", {"reason": "look at a deal", "hours": 1}),
        ):
            await self._make(path, name, body, boss)
        await done(boss, "/company/identity", {"uscc": "91350100M000100Y43"})
        other = {"vat": "DE136695976"}
        await self._make("/company/identity/correction", "consent_id", other, boss)
        self.ids["recovery_id"] = await with_way_back(await self._person(boss))
        deputy = self.ids["substitute_id"] = await self._person(self.own["approver"])
        self.ids["/substitutes/person_id"] = await self._person(boss)
        window = {"person": deputy, "begins_at": f"{START:%Y-%m-%dT%H:%M:%SZ}", "ends_at": SOON}
        await done(boss, "/substitutes", window)
        passkey = await added(self.served, boss, a_device(self.served))
        self.ids["passkey_id"] = str(passkey.json()["passkey_id"])

    async def _make(
        self,
        path: str,
        name: str,
        body: Mapping[str, Any],
        who: str | Visitor = "buyer",
        *,
        place: str = "",
    ) -> str:
        """Let somebody, or the first firm's person of a role, make a thing; keep its id."""
        visitor = self.own[who] if isinstance(who, str) else who
        made = str((await done(visitor, path, body))[name])
        self.ids[place + name] = made
        return made

    async def _person(self, visitor: Visitor) -> str:
        return str((await got(visitor, "/me"))["person"])

    async def _first(self, table: str) -> str:
        rows = await Pool().rows(
            f"select id from {table} where organisation_id = $1 order by id limit 1",
            self.ids["organisation_id"],
        )
        return str(rows[0]["id"])

    def named(self, path: str, *, absent: bool = False) -> dict[str, str]:
        """Return the ids that stand in a path by the names in it."""
        ids = self.ids | self.asking.get(path, {})
        return {
            match[1]: f"{match[1]}_none"
            if absent and match[1] not in PUBLIC_THINGS
            else ids.get(path[: match.start()] + match[1]) or ids[match[1]]
            for match in PLACE.finditer(path)
        }

    async def ask(
        self,
        visitor: Visitor,
        endpoint: Endpoint,
        named: Mapping[str, str],
        body: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> Told:
        """Ask an endpoint for what is named, with a body that it takes where none is given."""
        if endpoint.body:
            usual = body_of(endpoint)
            usual |= {name: self.ids[name] for name in usual if name in self.ids.keys() & _FIELDS}
            options["json"] = usual if body is None else body
        if endpoint.file_types:
            kind = endpoint.file_types[0]
            options |= {"content": a_photograph("JPEG"), "headers": {"Content-Type": kind}}
        path = endpoint.path.format_map(named)
        answer = await visitor._ask(endpoint.method, path, **options)
        self.asked += 1
        told = sorted((name, one) for name, one in answer.headers.items() if name not in _NONCES)
        text = re.sub(r'"request":"\w+"', '"request":""', answer.text)
        for found in named.values():
            text = text.replace(found, "<id>")
        return Told(answer.status_code, text, str(told))
