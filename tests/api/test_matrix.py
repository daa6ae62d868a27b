"""Every route, asked by ten kinds of actor about an own, a foreign and an absent thing.

Who is not in the hand-written table is refused, in words that do not tell the three apart. Who
is in it cannot tell a foreign firm's thing from one that does not exist.
"""

from __future__ import annotations

import re
from typing import Any

import pytest

from aggregator.journal.reading import Pool
from tests.api.asking import body_of
from tests.api.conftest import Served, Visitor
from tests.api.test_deals import formed
from tests.api.test_passkeys import a_device, added
from tests.architecture.permitting import KINDS, NOBODY, written
from tests.builders import with_cash, with_sugar
from tests.unit.aggregator.test_pictures import a_photograph
from web import api
from web.api.routing import ENDPOINTS, Endpoint
from web.auth.rates import Rate
from web.context import EdgeLimits

RICH = 10**11
CELL = "SUGAR-W1/GX/2027-03"
FIRM_KINDS = ("approver", "buyer", "finance", "logistics", "owner", "seller", "viewer")
PUBLIC_THINGS = {
    *("auction_id", "instrument", "number", "pool_id", "region", "strip_id", "tenor", "year"),
}
# Made late in a trade; here no firm has one, so theirs is absent too.
NOT_MADE = {
    *("bid_id", "call_off_id", "claim_id", "contract_id", "document_id", "import_id", "line_id"),
    *("motion_id", "payment_id", "photograph_id", "proposal_id", "slot_id", "ticket_id"),
}
_PLACE = re.compile(r"\{(\w+)\}")
# They end or change the very person who asks.
OF_ONESELF = {"/password", "/sessions", "/sessions/current", "/sessions/switch", "/joinings"}


@pytest.fixture
def edge_limits() -> EdgeLimits:
    much = Rate(per_s=100_000, burst=1_000_000)
    return EdgeLimits(organisation=much, address=much, login=much)


class World:
    """Two firms with a person for each role; the first has made one of everything."""

    def __init__(self, served: Served) -> None:
        self.served = served
        self.ids: dict[str, str] = {"tenor": "2027-03", "region": "GX", "instrument": "SUGAR-W1"}
        self.ids |= {"year": "2028", "act": "auctions.bid", "number": "1"}

    async def open(self) -> World:
        served = self.served
        await with_sugar(served.market)
        self.own = await self._people("First firm")
        self.rival = await self._people("Second firm")
        for kind, firm in (("operator", "The market"), ("auditor", "The auditor")):
            visitor = await served.member(firm, kind, kind=kind)
            self.own[kind] = self.rival[kind] = visitor
        self.own[NOBODY] = self.rival[NOBODY] = served.nobody()
        self.mill = await served.member("The mill", "seller", kind="mill")
        await with_cash(served.market, self.mill.organisation_id, RICH)
        await self._make()
        return self

    async def _people(self, name: str) -> dict[str, Visitor]:
        first = await self.served.member(name, FIRM_KINDS[0], kind="trader")
        firm = first.organisation_id
        await with_cash(self.served.market, firm, RICH)
        rest = {kind: await self.served.visitor(firm, kind) for kind in FIRM_KINDS[1:]}
        return {FIRM_KINDS[0]: first, **rest}

    async def _make(self) -> None:
        own, operator = self.own, self.own["operator"]
        self.ids["organisation_id"] = own["owner"].organisation_id
        self.ids["person_id"] = (await own["viewer"].get("/me")).json()["person"]
        pool = {
            "cell": CELL,
            "firming_at": "2027-01-05T00:00:00Z",
            "closes_at": "2027-01-06T00:00:00Z",
        }
        await self._post(operator, "/pools", pool, "pool_id")
        pledge = {"lots": 100, "limit": "5100.00"}
        await self._post(own["buyer"], f"/pools/{self.ids['pool_id']}/pledges", pledge, "pledge_id")
        auction = {
            "side": "sell",
            "cell": CELL,
            "lots": 10,
            "start": "5000.00",
            "step": "10.00",
            "closes_at": "2027-01-05T00:00:00Z",
        }
        await self._post(self.mill, "/auctions", auction, "auction_id")
        strip = {
            "title": "Spring",
            "instrument": "SUGAR-W1",
            "region": "GX",
            "tenors": ["2027-03"],
            "closes_at": "2027-01-05T00:00:00Z",
        }
        await self._post(operator, "/strips", strip, "strip_id")
        order = {"form": "period", "tenor": "2027-03", "lots": 10, "limit": "5000.00"}
        await self._post(own["buyer"], f"/strips/{self.ids['strip_id']}/orders", order, "order_id")
        offer = {"cell": "SUGAR-W1/GX/2027-04", "breaks": [{"from_lots": 1, "price": "5000.00"}]}
        await self._post(own["seller"], "/offers", {**offer, "capacity_lots": 10}, "offer_id")
        request = {"instrument": "SUGAR-W1", "region": "GX", "first_tenor": "2027-05", "lots": 10}
        await self._post(own["buyer"], "/requests", request, "request_id")
        place = {"region": "GX", "name": "Nanning 3"}
        await self._post(own["logistics"], "/receiving-places", place, "place_id")
        await self._make_office()
        found = {"buyer": own["buyer"], "seller": self.mill}
        self.ids["deal_id"] = await formed(self.served, found, lots=10)
        rows = await Pool().rows(
            "select id from notice where organisation_id = $1 order by id limit 1",
            own["owner"].organisation_id,
        )
        self.ids["notice_id"] = rows[0]["id"]
        rows = await Pool().rows(
            "select id from command where organisation_id = $1 order by id limit 1",
            own["owner"].organisation_id,
        )
        self.ids["command_id"] = rows[0]["id"]

    async def _make_office(self) -> None:
        own = self.own
        policy = {"act": "auctions.bid", "chain": ["role:owner"]}
        assert (await own["owner"].post("/policies", policy)).status_code == 201
        terms = {"price": "5000.00", "lots": 1}
        asked = {"act": "auctions.bid", "subject": self.ids["auction_id"], "terms": terms}
        await self._post(own["buyer"], "/approvals", asked, "approval_id")
        mandate = {
            "person": (await own["buyer"].get("/me")).json()["person"],
            "acts": ["auctions.bid"],
            "per_act": "1.00",
            "total": "1.00",
            "reserve": "1.00",
            "ends_at": "2027-01-05T00:00:00Z",
        }
        await self._post(own["owner"], "/mandates", mandate, "mandate_id")
        await self._post(own["owner"], "/invitations", {"roles": ["buyer"]}, "invitation_id")
        token = {"label": "ERP", "scopes": ["deals.read"]}
        await self._post(own["owner"], "/tokens", token, "token_id")
        passkey = await added(self.served, own["owner"], a_device(self.served))
        self.ids["passkey_id"] = str(passkey.json()["passkey_id"])
        webhook = {"address": "https://example.com/market"}
        await self._post(own["owner"], "/webhooks", webhook, "webhook_id")
        account = {"number": "DE89370400440532013000"}
        await self._post(own["owner"], "/bank-accounts", account, "account_id")
        grant = {"reason": "look at a deal", "hours": 1}
        await self._post(own["owner"], "/support-grants", grant, "grant_id")

    async def _post(self, visitor: Visitor, path: str, body: dict[str, Any], name: str) -> None:
        answer = await visitor.post(path, body)
        assert answer.status_code in (200, 201), f"{path}: {answer.text}"
        self.ids[name] = str(answer.json()[name])

    def path(self, endpoint: Endpoint, *, absent: bool) -> str:
        def named(match: re.Match[str]) -> str:
            name = match[1]
            if name in NOT_MADE or (absent and name not in PUBLIC_THINGS):
                return f"{name}_none"
            return self.ids[name]

        return _PLACE.sub(named, endpoint.path)

    async def ask(self, visitor: Visitor, endpoint: Endpoint, *, absent: bool) -> tuple[int, str]:
        """Return the status and the text, with what names the thing and the request masked."""
        body = body_of(endpoint)
        options: dict[str, Any] = (
            {"json": body} if endpoint.is_changing and (endpoint.body or not body) else {}
        )
        if endpoint.body is None:
            options = {}
        if endpoint.file_types:
            kind = endpoint.file_types[0]
            options = {"content": a_photograph("JPEG"), "headers": {"Content-Type": kind}}
        path = self.path(endpoint, absent=absent)
        answer = await visitor._ask(endpoint.method, path, **options)
        text = re.sub(r'"request":"\w+"', '"request":""', answer.text)
        for name in _PLACE.findall(endpoint.path):
            text = text.replace(f"{name}_none", "<id>").replace(self.ids.get(name, "<id>"), "<id>")
        return answer.status_code, text


@pytest.fixture
async def world(served: Served) -> World:
    return await World(served).open()


@pytest.mark.slow
@pytest.mark.timeout(400)
async def test_nobody_does_or_learns_what_is_not_his(world: World) -> None:
    api.load()
    by_hand, wrong, asked = written(), list[str](), 0
    for (method, path), endpoint in sorted(ENDPOINTS.items()):
        allowed = by_hand[method, path]
        for kind in sorted(set(KINDS.values()) - allowed):
            answers = {
                await world.ask(world.own[kind], endpoint, absent=False),
                await world.ask(world.rival[kind], endpoint, absent=False),
                await world.ask(world.rival[kind], endpoint, absent=True),
            }
            asked += 3
            statuses = {status for status, _ in answers}
            if statuses != {401 if kind == NOBODY else 403}:
                wrong.append(f"{method} {path} answers {kind} with {sorted(statuses)}")
            elif len(answers) != 1:
                wrong.append(f"{method} {path} tells {kind} the three apart")

    assert wrong == []
    assert asked > 2_000


@pytest.mark.slow
@pytest.mark.timeout(400)
async def test_a_foreign_thing_looks_absent(world: World) -> None:
    api.load()
    by_hand, wrong, asked = written(), list[str](), 0
    for (method, path), endpoint in sorted(ENDPOINTS.items()):
        private = set(_PLACE.findall(path)) - PUBLIC_THINGS - {"act"}
        if not private or path in OF_ONESELF:
            continue
        for kind in sorted(by_hand[method, path] & set(FIRM_KINDS)):
            foreign = await world.ask(world.rival[kind], endpoint, absent=False)
            absent = await world.ask(world.rival[kind], endpoint, absent=True)
            asked += 2
            if foreign != absent:
                wrong.append(f"{method} {path} tells {kind} {foreign} from {absent}")
            elif absent[0] != 404:
                wrong.append(f"{method} {path} answers {kind} with {absent}")

    assert wrong == []
    assert asked > 150


async def test_who_owns_a_thing_reads_it(world: World) -> None:
    api.load()
    by_hand, wrong = written(), list[str]()
    for (method, path), endpoint in sorted(ENDPOINTS.items()):
        private = set(_PLACE.findall(path)) - PUBLIC_THINGS
        if method != "GET" or not private or private & NOT_MADE:
            continue
        for kind in sorted(by_hand[method, path] & set(FIRM_KINDS)):
            status, _ = await world.ask(world.own[kind], endpoint, absent=False)
            own_only = path == "/approvals/{approval_id}" and kind not in (
                *("approver", "buyer", "finance", "owner"),
            )
            if status != (404 if own_only else 200):
                wrong.append(f"{method} {path} answers {kind} with {status}")

    assert wrong == []
