"""Every page as axe-core sees it, in both languages, at a desk and on a phone, by day and by night.

axe-core is a program of others that finds what a screen reader could not tell and weak eyes not
see. A dialog that asks before an act, and whatever a page keeps folded, is looked at too.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.async_api import Browser, Page, expect

from aggregator.clock import SimulatedClock
from tests.builders import START, a_market
from tests.e2e.conftest import DESK, OPERATOR, PHONE, Town, deals
from tests.e2e.tap import Tap
from web.demonstration.leaving import leave_open
from web.demonstration.report import Report
from web.demonstration.stage import Stage, staged
from web.demonstration.story import play
from web.demonstration.told import INSTRUMENT, Told
from web.demonstration.visitor import Visitor
from web.demonstration.world import FIRMS
from web.locale import LANGUAGES
from web.pages.routes import PAGES

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(600)]


@dataclass(frozen=True)
class Look:
    """A window and an hour of the day."""

    size: dict[str, int]
    scheme: Literal["light", "dark"]
    has_contrast: bool = True


SERIOUS = ("serious", "critical")
# Contrast takes most of the time and knows no language, so one look in four goes without.
LOOKS: dict[str, tuple[Look, ...]] = {
    "zh": (Look(DESK, "light"), Look(PHONE, "dark")),
    "en": (Look(PHONE, "light"), Look(DESK, "dark", has_contrast=False)),
}
TOGETHER = 3
EYES: dict[str, str | None] = {
    "login": None, "join": None, "recover": None, "board": None,
    "desk": OPERATOR, "offers": "laibin",
    "contracts": "foshan", "contract": "foshan", "strip": "foshan", "auction": "laibin",
    "money": "guinan.pay", "people": "guinan.pay", "record": "guinan.pay",
    "mandates": "guinan.pay", "approvals": "guinan.pay", "account": "guinan.pay",
}  # fmt: skip
FURTHER = (
    ("guinan", "/"), ("foshan", "/strips/{open_strip}"), ("baise", "/contracts/{contract_id}"),
    ("guinan.pay", "/deals/{deal_id}"), ("laibin", "/deals/{deal_id}"),
    (OPERATOR, "/auctions/{auction_id}"), (OPERATOR, "/strips/{strip_id}"),
    (OPERATOR, "/pools/{pool_id}"), ("yongjiang", "/pools/{open_pool}"),
    ("guilin", "/auctions/{open_auction}"), ("guilin", "/auctions/{packages}"),
    ("wuxuan", "/auctions/{open_auction}"), ("baise", "/strips/{open_strip}"),
)  # fmt: skip
# What a page shows where a script wrote something else than words.
_SLIPS = re.compile(r"\[object|\bundefined\b|\bNaN\b")
_LOOK = """async (contrast) => {
  for (const folded of document.querySelectorAll("details")) folded.open = true;
  const found = await axe.run(document, {
    resultTypes: ["violations"], rules: { "color-contrast": { enabled: contrast } },
  });
  return found.violations.flatMap(({ id, impact, nodes }) =>
    nodes.map(({ target, html, any, all, none }) => ({
      id, impact, target: target.join(" "), html: html.slice(0, 200),
      why: [...any, ...all, ...none].map(({ message }) => message).join(" "),
    })));
}"""


@dataclass
class Rooms:
    """A market with something on every page."""

    town: Town
    told: Told
    ids: dict[str, str] = field(default_factory=dict)
    wrong: dict[str, str] = field(default_factory=dict)

    def visits(self) -> Iterator[tuple[str | None, str]]:
        """Return each page with whom it shows most to."""
        for page in PAGES:
            yield EYES.get(page.name, "guinan"), page.path.format(**self.places())

    def others(self, language: str) -> Iterator[tuple[str | None, str]]:
        """Return further visits, half of them in each language."""
        for who, path in FURTHER[LANGUAGES.index(language) :: len(LANGUAGES)]:
            yield who, path.format(**self.places())

    def places(self) -> dict[str, str]:
        return {
            "instrument": INSTRUMENT,
            "region": "GX",
            "tenor": self.told.tenors[0],
            "pool_id": self.told.pool,
            "auction_id": self.told.pool_auction,
            "strip_id": self.told.strip,
            **self.ids,
        }

    async def look(self, language: str) -> None:
        left = [*self.visits(), *self.others(language)]
        pages: dict[str | None, Page] = {}

        async def look_on() -> None:
            while left:
                await self._look_at(language, pages, *left.pop(0))

        async with asyncio.TaskGroup() as group:
            for _ in range(TOGETHER):
                group.create_task(look_on())

    async def _look_at(
        self, language: str, pages: dict[str | None, Page], who: str | None, path: str
    ) -> None:
        page = pages.pop(who, None)
        if page is None:
            page = await self.town.look(language, DESK, login=who)
        await self.town.go(page, path)
        slip = _SLIPS.search(await page.locator("body").inner_text())
        if slip is not None:
            self.wrong[f"{path} says {slip[0]}"] = f"{path} as {who} in {language}"
        await page.evaluate(AXE_SCRIPT)
        await self._examine(page, language, f"{path} as {who} in {language}")
        pages[who] = page

    async def look_at_a_question(self) -> None:
        """Look at the dialog that asks before an act."""
        page = await self.town.look("en", DESK, login="guilin")
        await self.town.go(page, f"/auctions/{self.ids['open_auction']}")
        await page.get_by_role("button", name=re.compile("^Bid ")).click()
        await expect(page.get_by_role("dialog")).to_be_visible()
        await page.evaluate(AXE_SCRIPT)
        await self._examine(page, "zh", "a dialog")

    async def close_the_pool(self) -> Any:
        """Let the pool close that was left open, and return what who joined it as told has."""
        await self.town.stage.pass_by(days=3)
        guinan = await self.town.stage.visitor("guinan")
        return (await guinan.get(f"/pools/{self.ids['open_pool']}"))["you"]

    async def _examine(self, page: Page, language: str, where: str) -> None:
        for look in LOOKS[language]:
            width, height = look.size["width"], look.size["height"]
            await page.set_viewport_size({"width": width, "height": height})
            await page.emulate_media(color_scheme=look.scheme, reduced_motion="reduce")
            for found in await page.evaluate(_LOOK, look.has_contrast):
                if found["impact"] in SERIOUS:
                    self.wrong.setdefault(f"{found['id']} {found['html']}", f"{where}: {found}")


@pytest.fixture
async def rooms(orm: str, browser: Browser, tap: Tap) -> AsyncIterator[Rooms]:
    clock = SimulatedClock(START)
    async with staged(a_market(clock), clock, Report(is_quiet=True), run="axe") as stage:
        stage.base_url, tap.now = tap.through(stage.base_url), clock.now
        told = await play(stage)
        await leave_open(stage)
        people = {login for firm in FIRMS for login in (firm.key, firm.finance)}
        found = Rooms(Town(stage, browser, {}, known={OPERATOR, *people}), told)
        found.ids = await furnished(stage, told)
        yield found
        await found.town.close()
        tap.deals = await deals()


async def furnished(stage: Stage, told: Told) -> dict[str, str]:
    """Add what the story lacks, and return where its things are."""
    guinan, payer = await stage.visitor("guinan"), await stage.visitor("guinan.pay")
    [deal, *_] = (await guinan.get("/deals"))["deals"]
    [contract, *_] = (await (await stage.visitor("foshan")).get("/contracts"))["contracts"]
    pools = (await guinan.get("/pools"))["pools"]
    open_pool = next(one["pool_id"] for one in pools if one["pool_id"] != told.pool)
    await guinan.post(f"/pools/{open_pool}/pledges", {"lots": 100, "limit": "5040.00"})
    strips = (await guinan.get("/strips"))["strips"]
    auctions = (await guinan.get("/auctions?state=open"))["auctions"]
    formats = {one["format"]: one["auction_id"] for one in auctions}
    await _office(guinan, payer, formats["english"])
    await guinan.post(
        "/requests",
        {"instrument": INSTRUMENT, "region": "GX", "first_tenor": told.tenors[1], "lots": 60},
    )
    ticket = {"matter": "quality", "lots": 10, "reason": "yellow bags"}
    await guinan.post(f"/deals/{deal['deal_id']}/tickets", ticket)
    return {
        "deal_id": deal["deal_id"],
        "contract_id": contract["contract_id"],
        "open_pool": open_pool,
        "open_strip": next(one["strip_id"] for one in strips if one["strip_id"] != told.strip),
        "open_auction": formats["english"],
        "packages": formats["packages"],
    }


async def _office(clerk: Visitor, boss: Visitor, auction_id: str) -> None:
    """Bind the firm's bids to its owner, give its clerk a little of his own, and let him ask."""
    person = (await clerk.get("/me"))["person"]
    await boss.post("/policies", {"act": "auctions.bid", "chain": ["role:owner"]})
    mandate = {"person": person, "acts": ["auctions.bid"], "per_act": "200000.00"}
    await boss.post(
        "/mandates", {**mandate, "total": "400000.00", "ends_at": "2027-03-01T00:00:00Z"}
    )
    terms = {"price": "4950.00", "lots": 200}
    await clerk.post("/approvals", {"act": "auctions.bid", "subject": auction_id, "terms": terms})


async def test_no_page_has_a_serious_finding_in_either_language(rooms: Rooms) -> None:
    for language in LANGUAGES:
        await rooms.look(language)
    await rooms.look_at_a_question()

    assert rooms.town.complaints == []
    assert rooms.wrong == {}
    assert (await rooms.close_the_pool())["group"]["lots"] == 100
