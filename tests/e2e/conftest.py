"""A small town of sugar for browsers: firms with people and money, a server, a set clock."""

from __future__ import annotations

import logging
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
import structlog
from playwright.async_api import Browser, BrowserContext, Page, expect

from aggregator import logs
from aggregator.clock import SimulatedClock
from aggregator.deals.facts import DealSettled
from aggregator.journal.facts import stamp
from aggregator.journal.reading import Pool
from aggregator.market import Actor, Answer, Unit
from aggregator.parties import registering
from aggregator.parties.sessions import member
from aggregator.prices import publication
from tests.builders import START, a_market, a_person, an_organisation, with_cash
from tests.builders import with_sugar as define_sugar
from tests.e2e.canaries import scan
from tests.e2e.disclosures import DISCLOSURES
from tests.e2e.processes import tapping
from tests.e2e.tap import Tap
from web.demonstration.report import Report
from web.demonstration.stage import Stage, staged
from web.demonstration.world import PASSWORD

CELL = "SUGAR-W1/GX/2027-03"
OPERATOR, COLLEAGUE = "operator", "colleague"
BUYER, SELLER, FINANCE = ("buyer", "logistics"), ("seller", "logistics"), ("finance", "owner")
FIRMS = (
    ("guinan", "桂南食品厂", "Guinan Foods", "factory", 80),
    ("yongjiang", "邕江饮料厂", "Yongjiang Beverages", "factory", 100),
    ("liuzhou", "柳州糖果厂", "Liuzhou Confectionery", "factory", 150),
    ("wuzhou", "梧州蜜饯厂", "Wuzhou Preserves", "factory", 120),
    ("laibin", "来宾糖厂", "Laibin Mill", "mill", 0),
    ("baise", "百色糖厂", "Baise Mill", "mill", 0),
)
# What is waited for comes at once where nobody else wants the processors.
PATIENCE_MS = 60_000
expect.set_options(timeout=PATIENCE_MS)
PHONE, DESK = {"width": 390, "height": 844}, {"width": 1280, "height": 900}

# Chromium logs every refused request; the pages show those beside the field.
_REFUSALS = re.compile(r"Failed to load resource: the server responded with a status of 4\d\d")


async def entered(
    browser: Browser, url: str, login: str, path: str, *, password: str, locale: str = "en-GB"
) -> Page:
    """Open a path of a market in a browser of its own, signed in."""
    context = await browser.new_context(base_url=url, locale=locale)
    context.set_default_timeout(PATIENCE_MS)
    answer = await context.request.post(
        "/api/v1/sessions", data={"login": login, "password": password}, headers={"Origin": url}
    )
    assert answer.ok, await answer.text()
    page = await context.new_page()
    await page.goto(path)
    await expect(page.locator("#page:not([aria-busy])")).to_be_visible()
    return page


@dataclass
class Town:
    """A served market, its firms, and the browsers that look at it."""

    stage: Stage
    browser: Browser
    firms: dict[str, str]
    complaints: list[str] = field(default_factory=list)
    contexts: list[BrowserContext] = field(default_factory=list)
    forgiven: list[str] = field(default_factory=list)
    known: set[str] = field(default_factory=lambda: {OPERATOR})

    @property
    def url(self) -> str:
        return self.stage.base_url

    async def as_program(self, login: str) -> Any:
        """Return a person who acts through the API."""
        await self._add(login)
        return await self.stage.visitor(login)

    async def colleague(self) -> Actor:
        """Let the operator have a second person, who signs in as `COLLEAGUE`."""
        [desk] = await Pool().rows("select id from organisation where kind = 'operator'")
        person_id = await a_person(
            self.stage.market, desk["id"], COLLEAGUE, "operator", password=PASSWORD
        )
        self.known.add(COLLEAGUE)
        return await member(person_id, desk["id"])

    async def look(
        self,
        language: str = "zh",
        size: dict[str, int] = DESK,
        login: str | None = None,
        zone: str = "Asia/Shanghai",
    ) -> Page:
        """Open a browser of its own, signed in where a log-in is given."""
        is_phone = size["width"] < 600
        context = await self.browser.new_context(
            base_url=self.url,
            locale={"zh": "zh-CN", "en": "en-GB"}[language],
            timezone_id=zone,
            viewport={"width": size["width"], "height": size["height"]},
            has_touch=is_phone,
            is_mobile=is_phone,
        )
        self.contexts.append(context)
        context.set_default_timeout(PATIENCE_MS)
        if login is not None:
            await self._add(login)
            answer = await context.request.post(
                "/api/v1/sessions",
                data={"login": login, "password": PASSWORD},
                headers={"Origin": self.url},
            )
            assert answer.ok, await answer.text()
        page = await context.new_page()
        page.on("pageerror", lambda error: self.complaints.append(f"{page.url}: {error}"))
        page.on("console", lambda message: self._hear(page, message))
        return page

    async def go(self, page: Page, path: str) -> None:
        """Open a path and wait until its module has shown it."""
        await page.goto(path)
        await self.ready(page)

    async def ready(self, page: Page) -> None:
        await expect(page.locator("#page:not([aria-busy])")).to_be_visible()

    async def open_pool(self) -> str:
        """Open a pool that firms in an hour and closes in two; return its id."""
        now = self.stage.clock.now()
        operator = await self.as_program(OPERATOR)
        made = await operator.post(
            "/pools",
            {
                "cell": CELL,
                "firming_at": stamp(now + timedelta(hours=1)),
                "closes_at": stamp(now + timedelta(hours=2)),
                "mode": "both",
                "auction_minutes": 10,
            },
        )
        return str(made["pool_id"])

    async def offer(self, mill: str, *breaks: tuple[int, str]) -> None:
        """Let a mill stand with price breaks in the pool's cell."""
        seller = await self.as_program(mill)
        await seller.post(
            "/offers",
            {
                "cell": CELL,
                "breaks": [{"from_lots": lots, "price": price} for lots, price in breaks],
                "capacity_lots": 2000,
            },
        )

    async def others_settle(self) -> None:
        """Let two other mills and factories settle deals: not enough for a price alone."""
        for number in range(2):
            await self._settle(number)

    def forgive(self, text: str) -> None:
        """Let the browser complain of what the test itself breaks."""
        self.forgiven.append(text)

    async def close(self) -> None:
        for context in self.contexts:
            await context.close()

    async def _add(self, login: str) -> None:
        """Give a firm the person of this log-in: `<firm>` trades, `<firm>.pay` pays."""
        if login in self.known:
            return
        self.known.add(login)
        firm = login.removesuffix(".pay")
        _, _, english, kind, _ = next(found for found in FIRMS if found[0] == firm)
        trades = SELLER if kind == "mill" else BUYER
        roles = FINANCE if login != firm else trades
        market, firm_id = self.stage.market, self.firms[firm]
        await a_person(market, firm_id, login, *roles, name=english, password=PASSWORD)

    def _hear(self, page: Page, message: Any) -> None:
        is_complaint = message.type in ("error", "warning") and not _REFUSALS.match(message.text)
        if is_complaint and not any(text in message.text for text in self.forgiven):
            self.complaints.append(f"{page.url}: {message.text}")

    async def _settle(self, number: int) -> None:
        fact = DealSettled(
            deal_id=f"deal_other_{number}",
            cell=CELL,
            buyer_id=f"org_buyer_{number}",
            seller_id=f"org_seller_{number}",
            buyer_group=f"buyer {number}",
            seller_group=f"seller {number}",
            price_minor=488_000 + 1_000 * number,
            lots=100,
            settled_at=self.stage.clock.now(),
        )

        async def step(unit: Unit) -> Answer:
            await publication.on_deal_settled(unit, fact)
            return {}

        await self.stage.market.perform(Actor.SYSTEM, "settlement.import", step)


async def deals() -> dict[str, tuple[str, str]]:
    """Return the buyer and the seller of each deal, and of each month of a contract."""
    rows = await Pool().rows(
        "select id, buyer_id, seller_id from deal union all select s.id, s.buyer_id, c.seller_id"
        " from contract_slot s join strip_contract c on c.id = s.contract_id"
    )
    return {row["id"]: (row["buyer_id"], row["seller_id"]) for row in rows}


@pytest.fixture(autouse=True)
def tap() -> Iterator[Tap]:
    """Overhear every server of a test; at its end nobody may have been told another's secret."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    with tapping() as found:
        logs.configure(stream=found.log)
        yield found
    structlog.reset_defaults()
    root.handlers = handlers
    root.setLevel(level)
    print(found.log.getvalue())
    assert scan(found, DISCLOSURES) == []


@pytest.fixture
def has_guide() -> bool:
    """Whether the town is a demonstration; a module of tests may say so."""
    return False


@pytest.fixture
async def town(orm: str, browser: Browser, has_guide: bool, tap: Tap) -> AsyncIterator[Town]:
    """Serve a market in which five firms have money; no page may complain."""
    clock = SimulatedClock(START)
    market = a_market(clock)
    await define_sugar(market)
    await registering.found_operator(market, OPERATOR, PASSWORD, name="运营")
    firms = {}
    for key, name, english, kind, monthly_lots in FIRMS:
        firms[key] = await an_organisation(
            market, name, kind=kind, group=english, monthly_lots=monthly_lots
        )
        await with_cash(market, firms[key], 500_000_000)
    async with staged(
        market, clock, Report(is_quiet=True), run="browser", has_guide=has_guide
    ) as stage:
        stage.base_url = tap.through(stage.base_url)
        tap.now = clock.now
        found = Town(stage, browser, firms)
        yield found
        await found.close()
    tap.deals = await deals()
    assert found.complaints == []
