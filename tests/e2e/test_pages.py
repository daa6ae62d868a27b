"""The pages in a real browser: quiet, reflowing, honest about refusals and about the line."""

from __future__ import annotations

import asyncio
import json
import random
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, Route, WebSocketRoute, expect

from aggregator.journal.facts import stamp
from aggregator.settlement.simulator import SimulatedBank
from matching.money import Rounding, scaled
from tests.builders import START
from tests.e2e.conftest import CELL, PHONE, Town
from web.feed.folds import digest_of
from web.feed.patches import bare, difference
from web.pages.assets import static_url
from web.pages.routes import PAGES

pytestmark = pytest.mark.browser

NARROW = {"width": 360, "height": 740}


@pytest.fixture
async def pool(town: Town) -> str:
    await town.offer("laibin", (1, "5000.00"), (300, "4900.00"))
    return await town.open_pool()


@pytest.mark.parametrize(("language", "login"), [("zh", "guinan"), ("en", "operator")])
async def test_every_page_is_quiet_worded_and_fits_a_narrow_screen(
    town: Town, pool: str, language: str, login: str
) -> None:
    places = {"{instrument}/{region}/{tenor}": CELL, "{pool_id}": pool}
    page = await town.look(language, NARROW, login=login)

    for shown in PAGES:
        path = shown.path
        for name, place in places.items():
            path = path.replace(name, place)
        if "{" in path:
            continue
        await town.go(page, path)
        assert await page.locator("h1").count() == 1, path
        assert await page.evaluate("document.documentElement.scrollWidth") <= 360, path
        words = await page.evaluate("document.body.innerText")
        assert "page." not in words, path
        assert "word." not in words, path


async def test_what_is_long_takes_two_lines_in_half_a_card(town: Town) -> None:
    mill = await town.as_program("laibin")
    closes_at = stamp(town.stage.clock.now() + timedelta(hours=1))
    terms = {"side": "sell", "cell": CELL, "lots": 100, "start": "4900.00", "step": "5.00"}
    await mill.post("/auctions", {**terms, "closes_at": closes_at})
    await town.stage.pass_by(hours=2)
    page = await town.look("zh", NARROW, login="laibin")

    await town.go(page, "/auctions")
    await expect(page.locator("main")).to_contain_text("已结束")

    wide = await page.evaluate(
        "[...document.querySelectorAll('main td')]"
        ".filter((cell) => cell.scrollWidth > cell.clientWidth + 1).map((cell) => cell.innerText)"
    )
    assert wide == []


async def test_a_page_of_one_s_own_asks_a_stranger_to_sign_in_and_comes_back(town: Town) -> None:
    page = await town.look("en")

    await town.go(page, "/money")

    assert page.url == f"{town.url}/login?next=/money"
    await page.get_by_label("Log-in").fill("guinan.pay")
    await page.get_by_label("Password").fill("wrong password")
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.locator(".wrong").nth(1)).to_have_text("The log-in or the password is wrong.")


async def test_a_sign_in_never_leads_to_another_site(town: Town) -> None:
    page = await town.look("en")
    await town.go(page, "/login?next=//example.org/")

    found = await page.evaluate(
        """async (url) => (await import(url)).next()""", static_url("js/pages/login.js")
    )

    assert found == "/"


async def test_the_language_is_switched_and_kept(town: Town) -> None:
    page = await town.look("en")
    await town.go(page, "/pools")

    await page.get_by_role("link", name="中文").click()
    await town.ready(page)
    await town.go(page, "/auctions")

    await expect(page.locator("h1")).to_have_text("竞价")
    assert await page.evaluate("document.documentElement.lang") == "zh-CN"


async def test_a_refusal_stands_beside_its_field(town: Town, pool: str) -> None:
    page = await town.look("en", PHONE, login="guinan")
    await town.go(page, f"/pools/{pool}")
    lots, limit = page.locator("[name=lots]"), page.locator("[name=limit]")

    await lots.fill("eighty")
    await limit.fill("0.0001")
    await page.get_by_role("button", name="Join").click()
    await expect(lots).to_have_attribute("aria-invalid", "true")
    await expect(lots).to_be_focused()
    await lots.fill("80")
    await page.get_by_role("button", name="Join").click()
    await page.get_by_role("dialog").get_by_role("button", name="Join").click()

    await expect(limit).to_have_attribute("aria-invalid", "true")
    await expect(limit).to_be_focused()
    described = await limit.get_attribute("aria-describedby")
    assert described is not None
    await expect(page.locator(f"#{described.split()[1]}")).to_contain_text("at most 2 decimals")


async def test_a_lost_answer_is_asked_for_again_and_the_act_happens_once(
    town: Town, pool: str
) -> None:
    page = await town.look("en", login="guinan")
    await town.go(page, f"/pools/{pool}")
    keys: list[str] = []

    async def lose_the_first(route: Route) -> None:
        keys.append(route.request.headers["idempotency-key"])
        if len(keys) == 1:
            await route.fetch()
            await route.abort()
        else:
            await route.continue_()

    await page.route("**/pledges", lose_the_first)
    town.forgive("net::ERR_FAILED")
    await page.locator("[name=lots]").fill("80")
    await page.locator("[name=limit]").fill("5040.00")
    await page.get_by_role("button", name="Join").click()
    await page.get_by_role("dialog").get_by_role("button", name="Join").click()

    await expect(page.locator("#said")).to_contain_text("You are in")
    assert len(keys) == 2
    assert keys[0] == keys[1]
    money = await (await town.as_program("guinan.pay")).get("/money")
    assert len(money["holds"]) == 1


async def test_a_countdown_goes_by_the_market_s_clock_not_the_visitor_s(
    town: Town, pool: str
) -> None:
    page = await town.look("en")
    await page.clock.install(time="2031-07-01T00:00:00Z")

    await town.go(page, f"/pools/{pool}")

    left = await page.locator("time[data-until]").first.inner_text()
    assert left.startswith(("01:59:5", "02:00:0"))


async def test_a_broken_line_is_said_and_the_page_catches_up(town: Town, pool: str) -> None:
    page = await town.look("en", login="guinan")
    lines: list[WebSocketRoute] = []
    asked: list[dict[str, Any]] = []
    told: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    def relay(line: WebSocketRoute) -> None:
        market = line.connect_to_server()
        lines.append(line)

        def forward(text: str | bytes) -> None:
            asked.append(json.loads(text))
            market.send(text)

        def hear(text: str | bytes) -> None:
            told.put_nowait(json.loads(text))
            line.send(text)

        line.on_message(forward)
        market.on_message(hear)

    await page.route_web_socket("**/feed", relay)
    await town.go(page, f"/pools/{pool}")
    await expect(page.locator("#line")).to_have_text("live")
    missing = {"me", f"pool:{pool}"}
    while missing:
        frame = await told.get()
        missing -= {frame["topic"]} if frame["op"] == "snapshot" else set()

    await lines[0].close(code=1011, reason="broken")
    await expect(page.locator("#line")).to_have_attribute("data-state", "reconnecting")
    await town.stage.pass_by(hours=1)

    await expect(page.locator("#line")).to_have_text("live")
    await expect(page.locator("main")).to_contain_text("Firming: join, raise")
    again = [frame for frame in asked if frame["op"] == "subscribe" and "since" in frame]
    assert {frame["topic"] for frame in again} == {"me", f"pool:{pool}"}


async def test_what_the_line_told_is_not_lost_to_an_older_answer(town: Town, pool: str) -> None:
    page = await town.look("en", login="guinan")
    await town.go(page, f"/pools/{pool}")
    await expect(page.locator("#line")).to_have_text("live")

    await page.evaluate(
        """async (url) => {
          const { newest } = await import(url);
          const shown = (name) => {
            const place = document.createElement("output");
            place.id = name;
            document.body.append(place);
            let answer;
            const source = newest(
              () => new Promise((go) => { answer = go; }),
              (view) => { place.textContent = view; },
            );
            return { ...source, answer: (view) => answer(view) };
          };
          // An answer that had been asked for before the line told more comes after it.
          const [early, late] = [shown("early"), shown("late")];
          const first = early.ask();
          early.take("told");
          early.answer("asked");
          // One that was asked for after all that the line told makes up for it.
          late.take("told");
          await new Promise((go) => setTimeout(go, 10));
          const second = late.ask();
          late.answer("asked");
          await Promise.all([first, second]);
        }""",
        static_url("js/core/live.js"),
    )
    await town.stage.pass_by(minutes=1)

    await expect(page.locator("#early")).to_have_text("told")
    await expect(page.locator("#late")).to_have_text("asked")


async def test_the_reference_client_folds_and_digests_as_the_market_does(town: Town) -> None:
    page = await town.look("en")
    await town.go(page, "/login")
    chance = random.Random(7)
    pairs = [(bare(_view(chance)), bare(_view(chance))) for _ in range(60)]
    asked = [{"old": old, "patch": difference(old, new)} for old, new in pairs]

    found = await page.evaluate(
        """async ([url, asked]) => {
          const { canonical, merged, sha256 } = await import(url);
          return Promise.all(asked.map(({ old, patch }) => sha256(canonical(merged(old, patch)))));
        }""",
        [static_url("js/core/feed.js"), asked],
    )

    assert found == [digest_of(new) for _, new in pairs]


async def test_amounts_on_the_pages_are_exact(town: Town) -> None:
    page = await town.look("en")
    await town.go(page, "/login")
    chance = random.Random(11)
    asked = [(chance.randrange(10**12), chance.randrange(1, 10**4)) for _ in range(60)]

    found = await page.evaluate(
        """async ([url, asked]) => {
          const { decimal, shareUp, times } = await import(url);
          return asked.map(([price, lots]) => {
            const text = decimal(BigInt(price));
            return [text, times(text, lots), shareUp(text, 1250)];
          });
        }""",
        [static_url("js/core/numbers.js"), asked],
    )

    assert found == [
        [_text(price), _text(price * lots), _text(scaled(price, 1250, 10_000, Rounding.UP))]
        for price, lots in asked
    ]


async def test_an_axis_of_hours_names_the_day_at_midnight(town: Town) -> None:
    page = await town.look("en")
    await town.go(page, "/login")
    instants = [1_798_732_800_000 + hours * 3_600_000 for hours in (-6, 0, 6)]

    found = await page.evaluate(
        "async ([url, instants]) => {"
        "  const { axisTime } = await import(url);"
        "  return instants.map((at) => axisTime(at, 6 * 3600000));"
        "}",
        [static_url("js/core/clock.js"), instants],
    )

    assert found == ["18:00", "1 Jan", "06:00"]


async def test_the_operator_s_desk_and_a_forward_window_work_by_hand(
    town: Town, tmp_path: Path
) -> None:
    finance = await town.look("en", login="guinan.pay")
    await town.go(finance, "/money")
    reference = await finance.locator("aside strong.mono").inner_text()
    desk = await town.look("en", login="operator")
    await town.go(desk, "/desk")

    await desk.locator("summary", has_text="Import bank lines").click()
    bank = SimulatedBank("CNY-1", "CNY")
    bank.receive("桂南食品厂", 123_456, remittance=reference, booked_on=START.date())
    bank.receive("Who", 9_900, remittance="nothing", booked_on=START.date())
    statement = tmp_path / "camt.xml"
    statement.write_text(bank.camt(START))
    await desk.locator("[name=statement]").set_input_files(statement)
    await desk.get_by_role("button", name="Import the file").click()
    await expect(desk.locator("main")).to_contain_text("Waits for a person")
    await expect(desk.locator("main")).to_contain_text("Bank lines without an owner (1)")
    # The finance person's page hears of the money by itself.
    await expect(finance.locator("main")).to_contain_text("5,001,234.56")
    await expect(finance.locator("#bell-count")).to_have_text("1")
    await desk.locator("summary", has_text="Paste lines instead").click()
    pasted = desk.locator("details details", has_text="Paste lines instead")
    await pasted.get_by_label("CSV").fill("Date,Amount\n2027-01-04,5.00")
    await pasted.get_by_role("button", name="Import bank lines").click()
    told = "a first line with the names of the columns: account,entry_reference,direction,amount,"
    await expect(pasted.get_by_role("alert").first).to_contain_text(told)

    await desk.locator("summary", has_text="Open a forward window").click()
    form = desk.locator("details", has=desk.locator("summary", has_text="Open a forward window"))
    await form.get_by_label("Title").fill("Spring sugar")
    await form.get_by_label("Region").select_option("GX")
    await form.get_by_role("button", name="Open a forward window").click()
    await _agree(desk, "Open a forward window")
    await desk.wait_for_url("**/strips/stp_*")

    buyer = await town.look("en", PHONE, login="guinan")
    await town.go(buyer, desk.url.removeprefix(town.url))
    await buyer.locator("[name=lots]").fill("40")
    await buyer.locator("[name=limit]").fill("5000")
    await buyer.get_by_role("button", name="Place an order").click()
    await _agree(buyer, "Place an order")
    await expect(buyer.locator("main")).to_contain_text("One month · 40 t")
    await buyer.get_by_role("button", name="Cancel this order").click()
    await _agree(buyer, "Cancel this order")
    await expect(buyer.locator("main")).to_contain_text("cancelled")


async def _agree(page: Page, act: str) -> None:
    await page.get_by_role("dialog").get_by_role("button", name=act).click()


def _text(minor: int) -> str:
    return f"{minor // 100}.{minor % 100:02d}"


def _view(chance: random.Random, depth: int = 3) -> dict[str, Any]:
    return {
        chance.choice(["a", "b", "价", "Z", "e\u0301", "\U0001f36c", "10", "9"]): _value(
            chance, depth
        )
        for _ in range(chance.randrange(6))
    }


def _value(chance: random.Random, depth: int) -> Any:
    simple: list[Any] = ["5000.00", '糖 "\\\n\u2028', 0, 7, True, False, None]
    if depth and chance.random() < 0.4:
        return _view(chance, depth - 1)
    if depth and chance.random() < 0.3:
        return [_value(chance, depth - 1) for _ in range(chance.randrange(4))]
    return chance.choice(simple)
