"""A bundle in browsers: prices are named and accepted, a slot moves on, months are swapped."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from playwright.async_api import Page, expect

from aggregator.journal.facts import stamp
from tests.e2e.conftest import OPERATOR, PHONE, Town
from tests.e2e.test_auction_rooms import agree, fits

pytestmark = pytest.mark.browser

MONTHS = ("2027-03", "2027-04", "2027-05")
ORDERS = (("guinan", 40, "5001.00"), ("yongjiang", 60, "5003.00"), ("liuzhou", 80, "4900.00"))


async def test_a_bundle_is_talked_over_signed_and_its_months_move_by_hand(town: Town) -> None:
    for login, _, _ in ORDERS:
        buyer = await town.as_program(login)
        await buyer.post("/receiving-places", {"region": "GX", "name": f"{login} 1号仓"})
    await town.as_program("laibin")
    desk = await town.look("en", login=OPERATOR)
    path = await opened_by_hand(town, desk)
    for month, (login, lots, limit) in zip(MONTHS, ORDERS, strict=True):
        order = {"form": "period", "tenor": month, "lots": lots, "limit": limit}
        await (await town.as_program(login)).post(f"{path}/orders", order)
    # Two days end every session.
    await town.stage.pass_by(days=2)

    await talked_over(town, path)

    contract = await transferred(town)
    await swapped(town, contract)


async def opened_by_hand(town: Town, desk: Page) -> str:
    """Open a window with counter-offers at the desk; return its path."""
    await town.go(desk, "/desk")
    await desk.locator("summary", has_text="Open a forward window").click()
    form = desk.locator("details", has=desk.locator("#strip-rounds"))
    await form.locator("#strip-rounds").select_option("counter")
    await form.locator("[name=seller]").select_option(label="来宾糖厂")
    await form.get_by_label("Title").fill("Spring sugar")
    await form.get_by_label("Region").select_option("GX")
    await form.get_by_label("Deposit at signing").fill("5")
    await form.get_by_label("Deposit before the month").fill("10")
    await form.get_by_role("button", name="Open a forward window").click()
    await agree(desk, "Open a forward window")
    await desk.wait_for_url("**/strips/stp_*")
    await expect(desk.locator("main")).to_contain_text("5 % at signing, 10 % before the month")
    return desk.url.removeprefix(town.url)


async def talked_over(town: Town, path: str) -> None:
    """Let the desk name prices, the mill accept them and the one buyer beyond his limit agree."""
    desk = await town.look("en", login=OPERATOR)
    await town.go(desk, path)
    for place in range(len(MONTHS)):
        await desk.locator("aside fieldset input").nth(place).fill("4950")
    await desk.get_by_role("button", name="Name prices by month").click()
    await expect(desk.locator("main")).to_contain_text("Round 1 · the bundle")

    mill = await town.look("zh", PHONE, login="laibin")
    await town.go(mill, path)
    await expect(mill.locator("main")).to_contain_text("第 1 轮 · 捆单方")
    await fits(mill)
    await mill.get_by_role("button", name="接受").click()
    await agree(mill, "接受")
    await expect(mill.locator("main")).to_contain_text("正在征询超出限价的买方")

    buyer = await town.look("en", PHONE, login="liuzhou")
    await town.go(buyer, path)
    await expect(buyer.locator("main")).to_contain_text("Agreed terms lie above your limit")
    await fits(buyer)
    await buyer.get_by_role("button", name="Take this price").click()
    await agree(buyer, "Take this price")
    await expect(buyer.locator("#said")).to_contain_text("Accepted")
    await town.stage.pass_by(minutes=1)
    await town.go(buyer, path)
    await expect(buyer.locator("main")).to_contain_text("396,000.00")


async def transferred(town: Town) -> str:
    """Offer 15 t of March to another firm, which takes them; return the contract's path."""
    giver = await town.look("zh", login="guinan")
    await town.go(giver, "/contracts")
    await giver.get_by_role("link", name="Spring sugar").click()
    await giver.wait_for_url("**/contracts/con_*")
    await town.ready(giver)
    await giver.locator("summary", has_text="变更").first.click()
    form = giver.locator("details[open]", has=giver.locator("select[id^=change]"))
    await form.locator("select").first.select_option("transfer")
    await form.locator("[name=to]").fill("邕江饮料厂")
    await form.locator("[name=lots]").fill("15")
    await previewed(giver, "预览", "提议")

    taker = await town.look("en", PHONE, login="yongjiang")
    await town.go(taker, "/contracts")
    await expect(taker.locator("main")).to_contain_text("15 t")
    await fits(taker)
    await taker.get_by_role("button", name="Consent").click()
    await agree(taker, "Consent")
    await expect(taker.locator("main")).to_contain_text("75 t")
    return giver.url.removeprefix(town.url)


async def swapped(town: Town, contract: str) -> None:
    """Swap 22 t of May for as many of March, both by hand."""
    asker = await town.look("en", login="liuzhou")
    await town.go(asker, contract)
    await asker.locator("summary", has_text="Change").first.click()
    form = asker.locator("details[open]", has=asker.locator("select[id^=change]"))
    await form.locator("select").first.select_option("swap")
    await form.locator("[name=to]").fill("桂南食品厂")
    await form.locator("[name=tenor]").select_option(MONTHS[0])
    await form.locator("[name=lots]").fill("22")
    await previewed(asker, "Preview", "Propose")

    giver = await town.look("zh", PHONE, login="guinan")
    await town.go(giver, contract)
    await giver.get_by_role("button", name="预览").first.click()
    await giver.get_by_role("button", name="同意").first.click()
    await agree(giver, "同意")
    await expect(giver.locator("main")).to_contain_text(re.compile("2027年5月"))
    await fits(giver)
    await town.go(asker, contract)
    await expect(asker.locator("main")).to_contain_text("Mar 2027")


async def previewed(page: Page, preview: str, propose: str) -> None:
    await page.locator("details[open]").get_by_role("button", name=preview).click()
    await page.locator("details[open]").get_by_role("button", name=propose).click()
    await agree(page, propose)


async def test_a_clock_is_answered_by_hand_and_a_calendar_declared(town: Town) -> None:
    now = town.stage.clock.now()
    operator = await town.as_program(OPERATOR)
    clock = {"direction": "falling", "start": dict.fromkeys(MONTHS, "5000.00"), "step": "50.00"}
    window = {"title": "Spring clock", "instrument": "SUGAR-W1", "region": "GX"}
    opened = await operator.post(
        "/strips",
        {**window, "tenors": MONTHS, "clock": clock, "closes_at": stamp(now + timedelta(hours=1))},
    )
    path = f"/strips/{opened['strip_id']}"
    for month, (login, lots, _) in zip(MONTHS, ORDERS, strict=True):
        order = {"form": "period", "tenor": month, "lots": lots, "limit": "5000.00"}
        await (await town.as_program(login)).post(f"{path}/orders", order)
    await town.as_program("laibin")
    await town.stage.pass_by(hours=1)

    mill = await town.look("zh", PHONE, login="laibin")
    await town.go(mill, path)
    await mill.locator("aside fieldset input").first.fill("60")
    await mill.get_by_role("button", name="报供货量").click()
    await expect(mill.locator("main")).to_contain_text("60 吨")
    await fits(mill)
    await town.stage.pass_by(minutes=10)
    watcher = await town.look("en")
    await town.go(watcher, path)
    await expect(watcher.locator("main")).to_contain_text("4,950.00")
    await expect(watcher.locator("main")).to_contain_text("Round 2")

    desk = await town.look("en", login=OPERATOR)
    await town.go(desk, "/desk")
    await desk.locator("summary", has_text="Trading calendar").click()
    form = desk.locator("details", has=desk.locator("#calendar-days"))
    await form.locator("[name=region]").select_option("GX")
    await form.locator("[name=days]").fill("2028-01-26,closed,春节,Spring Festival")
    await form.get_by_role("button", name="Publish the calendar").click()
    await agree(desk, "Publish the calendar")
    await expect(desk.locator("#said")).to_contain_text("2028 is declared")
    await expect(form).to_contain_text("Declared:")
