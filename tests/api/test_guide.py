"""The guided tour: parts taken with one click, played to their end, apart from each other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import httpx
import pytest

from aggregator.clock import SimulatedClock
from aggregator.market import Actor, Answer, Market, Unit
from aggregator.parties import registering
from aggregator.parties.passwords import hash_password
from aggregator.parties.queries import organisations
from aggregator.reactions import ON_TIMER
from aggregator.workers.ringing import ring_due
from tests.builders import (
    START,
    a_market,
    an_organisation,
    with_cash,
    with_sugar,
)
from web.app import create_app
from web.demonstration.company import Company
from web.demonstration.months import tenors_from
from web.demonstration.parts import PLAYED
from web.demonstration.tour import Played, Tour
from web.demonstration.touring import GUIDE, TOURS, Guide
from web.demonstration.visitor import Refused
from web.demonstration.world import ACCOUNT, COLLEAGUE_LOGIN, FIRMS, OPERATOR_LOGIN, PASSWORD

URL = "https://demonstration"
OTHERS = (
    "chongzuo",
    "laibin",
    "baise",
    "wuxuan",
    "guigang",
    "yulin",
    "hechi",
    "nanning",
    "zhanjiang",
    "guilin",
)


@dataclass
class Guest:
    """A visitor's browser: cookies, and nothing else that is remembered."""

    stage: Stage
    client: httpx.AsyncClient
    played: Played = field(default_factory=Played)

    @property
    def tour(self) -> Tour:
        found = Tour.read(self.client.cookies["tour"])
        assert found is not None
        return found

    async def take(self, part: str) -> str:
        answer = await self.client.post(TOURS, json={"part": part})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["path"])

    async def guide(self) -> Any:
        answer = await self.client.get(GUIDE, params={"lang": "en"})
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def now(self) -> str | None:
        """Return the name of the step that is left to do."""
        steps = (await self.guide())["tour"]["steps"]
        return next((step["name"] for step in steps if step["state"] == "now"), None)

    async def get(self, path: str) -> Any:
        return (await self.client.get(f"/api/v1{path}")).json()

    async def act(self, path: str, body: Any = None) -> Any:
        key = f"guest-{next(self.stage.keys)}"
        answer = await self.client.post(
            f"/api/v1{path}", json=body or {}, headers={"Idempotency-Key": key}
        )
        assert answer.status_code < 300, answer.text
        return answer.json()

    async def others_play(self, beats: int) -> None:
        """Let the others of this tour have some beats."""
        for _ in range(beats):
            self.played.beats += 1
            await PLAYED[self.tour.part].beat(self.stage.company, self.tour, self.played)


@dataclass
class Stage:
    market: Market
    clock: SimulatedClock
    company: Company
    app: Any
    keys: Any = field(default_factory=lambda: iter(range(1, 1000)))

    def guest(self) -> Guest:
        transport = httpx.ASGITransport(self.app)
        return Guest(
            self, httpx.AsyncClient(transport=transport, base_url=URL, headers={"Origin": URL})
        )

    async def pass_until(self, instant: str) -> None:
        self.clock.set(datetime.fromisoformat(instant))
        await ring_due(self.market, ON_TIMER)


@pytest.fixture
async def stage(orm: str) -> AsyncIterator[Stage]:
    """Serve a demonstration whose others play when the test says so."""
    clock = SimulatedClock(START)
    market = a_market(clock)
    await with_sugar(market, "GX", "YN")
    await registering.found_operator(market, OPERATOR_LOGIN, PASSWORD, name="运营")
    [operator] = await organisations()
    of = {COLLEAGUE_LOGIN: operator.id}
    for firm in FIRMS:
        if firm.key in OTHERS:
            made = await an_organisation(market, firm.name, kind=firm.kind, group=firm.name_en)
            await with_cash(market, made, 5_000_000_000)
            of |= {firm.key: made, firm.finance: made}
    await people(market, of)
    company = Company(market, PLAYED, beat_s=3600)
    app = create_app(market, guide=Guide(company))
    yield Stage(market, clock, company, app)
    await company.stop()


async def people(market: Market, of: Mapping[str, str]) -> None:
    """Let everybody of the demonstration come in, by one password that is made once."""
    hashed = await hash_password(PASSWORD)
    roles = {firm.key: firm.roles for firm in FIRMS}
    roles |= {firm.finance: ("finance", "owner") for firm in FIRMS}
    roles[COLLEAGUE_LOGIN] = ("operator",)

    async def step(unit: Unit) -> Answer:
        for login, organisation_id in of.items():
            new = registering.NewPerson(login, "某人", PASSWORD, roles[login], "zh")
            await registering.add_within(unit, organisation_id, new, hashed)
        return {}

    await market.perform(Actor.SYSTEM, "parties.register", step)


async def test_a_factory_joins_and_is_carried_to_a_settled_deal(stage: Stage) -> None:
    guest = stage.guest()
    pool = await guest.take("factory")
    assert await guest.now() == "join"

    await guest.others_play(2)
    await guest.act(f"{pool}/pledges", {"lots": 100, "limit": "5040.00"})
    assert await guest.now() == "gather"
    assert stage.app.state.context.account == ACCOUNT
    await guest.others_play(3)
    await stage.pass_until((await guest.get(pool))["closes_at"])
    assert await guest.now() == "pay"
    await guest.others_play(3)
    assert await guest.now() == "accept"
    [deal] = (await guest.get("/deals"))["deals"]
    assert deal["goods"] == "4880.00"
    await guest.act(f"/deals/{deal['deal_id']}/accept", {"lots": 100})
    await guest.others_play(3)

    told = (await guest.guide())["tour"]
    assert told["is_over"]
    assert told["progress"] == "5 of 5 steps done"
    assert (await guest.get(f"/deals/{deal['deal_id']}"))["state"] == "settled"
    other = await stage.company.person(f"{guest.tour.login}.liucheng")
    assert [deal["state"] for deal in (await other.get("/deals"))["deals"]] == ["settled"]
    seller = await stage.company.person("laibin")
    names = {deal["counterparty_en"] for deal in (await seller.get("/deals"))["deals"]}
    assert any(name.startswith("Visitor Foods ") for name in names)


async def test_a_mill_offers_undercuts_ships_and_is_paid(stage: Stage) -> None:
    guest = stage.guest()
    assert await guest.take("mill") == "/offers"
    breaks = [{"from_lots": 1, "price": "5000.00"}]
    cell = f"SUGAR-W1/GX/{tenors_from(START)[0]}"
    await guest.act("/offers", {"cell": cell, "breaks": breaks, "capacity_lots": 500})
    assert await guest.now() == "bid"
    await stage.pass_until((await guest.get(f"/pools/{guest.tour.scene}"))["closes_at"])

    steps = {step["name"]: step for step in (await guest.guide())["tour"]["steps"]}
    auction = steps["bid"]["path"]
    await guest.others_play(1)
    room = await guest.get(auction)
    assert minor(room["best"]) <= minor(room["start"])
    await guest.act(f"{auction}/bids", {"price": "4870.00", "lots": room["lots"]})
    await guest.others_play(8)
    assert (await guest.get(auction))["is_leading"]
    assert await guest.now() == "win"
    seen = await (await stage.company.person(OPERATOR_LOGIN)).get(auction)
    assert seen["bidders_en"][guest.tour.organisation_id].startswith("Visitor Mill ")
    await stage.pass_until((await guest.get(auction))["closes_at"])
    assert await guest.now() == "ship"
    await guest.others_play(1)

    deal = next(step for step in (await guest.guide())["tour"]["steps"] if step["name"] == "ship")
    path, lots = deal["path"], (await guest.get(deal["path"]))["lots"]
    await guest.act(f"{path}/ship", {"lots": lots, "carrier": "桂运", "vehicle": "桂A"})
    assert await guest.now() == "deliver"
    await guest.act(f"{path}/deliver", {"lots": lots, "place": "仓库", "document": "磅单"})
    await guest.others_play(1)
    await guest.act(f"{path}/invoice")
    assert (await guest.guide())["tour"]["is_over"]


async def test_a_trader_buys_accepts_and_sells_on(stage: Stage) -> None:
    guest = stage.guest()
    room = await guest.take("trader")
    await guest.others_play(1)
    for _ in range(3):
        told = await guest.get(room)
        await guest.act(f"{room}/bids", {"price": told["next_allowed"], "lots": told["lots"]})
        await guest.others_play(4)
        assert not (await guest.get(room))["is_leading"]
    await guest.act(f"{room}/bids", {"price": "4960.00", "lots": 100})
    await guest.others_play(8)
    await stage.pass_until((await guest.get(room))["closes_at"])
    await guest.others_play(3)
    assert await guest.now() == "accept"
    deal = next(one for one in (await guest.get("/deals"))["deals"] if one["side"] == "buyer")
    await guest.act(f"/deals/{deal['deal_id']}/accept", {"lots": 100})
    assert await guest.now() == "sell"


async def test_an_operator_assigns_opens_pauses_and_resumes(stage: Stage) -> None:
    guest = stage.guest()
    assert await guest.take("operator") == "/desk"
    [line] = (await guest.get("/bank/unmatched"))["lines"]
    payer = (await (await stage.company.person("guilin")).get("/me"))["organisation"]
    await guest.act(f"/bank/unmatched/{line['line_id']}/assign", {"organisation_id": payer})
    cell = f"SUGAR-W1/YN/{tenors_from(START)[0]}"
    await guest.act("/pools", {"cell": cell, "closes_at": "2027-01-20T00:00:00.000Z"})
    room = f"/auctions/{guest.tour.scene}"

    for act, phase in (("pause", "paused"), ("resume", "open")):
        assert await guest.now() == act
        await guest.act(f"{room}/{act}", {"reason": "Wrong weight"})
        await guest.others_play(1)
        assert (await guest.get(room))["phase"] == phase

    assert (await guest.guide())["tour"]["is_over"]


async def test_visitors_at_once_do_not_touch_each_other(stage: Stage) -> None:
    one, other = stage.guest(), stage.guest()
    pools = await asyncio.gather(one.take("factory"), other.take("factory"))
    assert one.tour.organisation_id != other.tour.organisation_id
    await one.act(f"{pools[0]}/pledges", {"lots": 100, "limit": "5040.00"})

    left = await one.client.delete(f"{TOURS}/current")

    assert left.status_code == 204
    assert (await one.guide())["tour"] is None
    assert (await one.client.get("/api/v1/me")).status_code == 401
    assert await other.now() == "join"
    assert await one.take("trader") == f"/auctions/{one.tour.scene}"


async def test_who_comes_too_late_is_told_and_may_take_it_again(stage: Stage) -> None:
    guest = stage.guest()
    pool = await guest.take("factory")
    await stage.pass_until((await guest.get(pool))["closes_at"])

    assert (await guest.guide())["tour"]["is_missed"]
    assert await guest.take("factory") != pool
    assert not (await guest.guide())["tour"]["is_missed"]


async def test_a_mill_with_all_the_offers_it_may_have_keeps_nobody_out(stage: Stage) -> None:
    mill, cell = await stage.company.person("laibin"), f"SUGAR-W1/GX/{tenors_from(START)[0]}"
    terms = {"cell": cell, "breaks": [{"from_lots": 1, "price": "5000.00"}], "capacity_lots": 500}
    for _ in range(5):
        await mill.post("/offers", terms)
    with pytest.raises(Refused, match="too_many_offers"):
        await mill.post("/offers", terms)

    assert (await stage.guest().take("mill")) == "/offers"


async def test_a_tour_is_nobody_else_s(stage: Stage) -> None:
    guest, thief = stage.guest(), stage.guest()
    await guest.take("factory")
    thief.client.cookies.set("tour", guest.tour.text)

    assert (await thief.guide())["tour"] is None
    assert (await thief.client.delete(f"{TOURS}/current")).status_code == 204
    assert await guest.now() == "join"


async def test_another_site_takes_no_part_and_nobody_an_unknown_one(stage: Stage) -> None:
    guest = stage.guest()

    foreign = await guest.client.post(
        TOURS, json={"part": "mill"}, headers={"Origin": "https://example.org"}
    )
    unknown = [
        await guest.client.post(TOURS, content=content)
        for content in (b'{"part": "owner"}', b"[]", b"{", b'{"part": ["mill"]}')
    ]

    assert foreign.json()["code"] == "origin_refused"
    assert [answer.json()["pointer"] for answer in unknown] == ["/part"] * 4


async def test_a_real_market_has_no_guide(orm: str) -> None:
    app = create_app(a_market())
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url=URL) as client:
        assert (await client.get(GUIDE)).status_code == 404
        answer = await client.post(TOURS, json={"part": "mill"}, headers={"Origin": URL})
        assert answer.status_code == 404
        page = (await client.get("/")).text

    assert "guide" not in page


@pytest.mark.parametrize("text", ["", "factory", "king.00000000.per_x.org_x.pool_x", "a" * 5000])
def test_what_tells_no_tour_is_none(text: str) -> None:
    assert Tour.read(text) is None


def minor(price: str) -> int:
    return int(price.replace(".", ""))
