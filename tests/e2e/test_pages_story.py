"""Story (a) by hand: factories pool in browsers, a mill bids, and the price appears live."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Page, expect

from aggregator.ledger.verifying import verify
from tests.e2e.canaries import scan
from tests.e2e.conftest import CELL, PHONE, Town
from tests.e2e.tap import Tap
from web.demonstration.world import PASSWORD

pytestmark = pytest.mark.browser


async def test_factories_pool_in_browsers_and_their_price_appears_live(
    town: Town, tap: Tap
) -> None:
    pool = await town.open_pool()
    await town.others_settle()
    board = await town.look("en")
    await town.go(board, "/")
    await expect(board.locator("main")).to_contain_text("not enough independent firms")

    mill = await town.look("en", login="laibin")
    await _publish_offer(town, mill)
    await town.offer("baise", (1, "5010.00"), (250, "4950.00"))

    first = await _sign_in_and_pledge(town, pool)
    second = await town.look("en", PHONE, login="yongjiang")
    await _pledge(town, second, pool, "Join", lots="100")
    await expect(first.locator("main")).to_contain_text("满 3 家独立企业参加后显示进度")

    await town.stage.pass_by(hours=1)
    third = await town.look("zh", login="liuzhou")
    await _pledge(town, third, pool, "参加团购", lots="150")
    await town.stage.pass_by(minutes=15)
    # The first member's page has not been touched meanwhile.
    await expect(first.locator("main")).to_contain_text("锁定期：可以参加、加量、提高限价")
    await expect(first.get_by_role("progressbar")).to_have_attribute("value", "100")
    await expect(first.get_by_role("button", name="撤回认购")).to_have_count(0)

    await town.stage.pass_by(minutes=45)
    await expect(first.locator("main")).to_contain_text("已成团，您的数量 80 吨")
    await _undercut(town, mill)
    await town.stage.pass_by(minutes=15)
    await expect(first.locator("main")).to_contain_text("我的结果")
    await expect(second.locator("main")).to_contain_text("My result")

    await expect(board.locator("main")).to_contain_text("Not published")
    await _carry_out_by_hand(town, first, mill)

    await expect(board.locator("td .price")).to_have_text(re.compile(r"^4,[89]\d\d\.00$"))
    assert board.url == f"{town.url}/"
    assert not (await verify()).differences
    # All of it was overheard: but for what the law lets others know, much would be found.
    assert len(scan(tap, {})) > 100


async def _publish_offer(town: Town, mill: Page) -> None:
    await town.go(mill, "/offers")
    await mill.get_by_text("Publish an offer").first.click()
    await mill.get_by_label("Delivery month").select_option("2027-03")
    rows = mill.locator("fieldset tbody tr")
    for row, (lots, price) in enumerate((("1", "5,000.00"), ("300", "4900"))):
        await rows.nth(row).locator("input").nth(0).fill(lots)
        await rows.nth(row).locator("input").nth(1).fill(price)
    await mill.get_by_label("Capacity").fill("2000")
    await mill.get_by_role("button", name="Publish an offer").click()
    await _agree(mill, "Publish an offer")
    await expect(mill.locator("main")).to_contain_text("from 300 t: 4,900.00")


async def _sign_in_and_pledge(town: Town, pool: str) -> Page:
    await town.as_program("guinan")
    page = await town.look("zh")
    await town.go(page, f"/pools/{pool}")
    await page.get_by_role("link", name="登录后参与").click()
    await town.ready(page)
    await page.get_by_label("登录名").fill("guinan")
    await page.get_by_label("密码").fill(PASSWORD)
    await page.get_by_role("button", name="登录").click()
    await page.wait_for_url(f"**/pools/{pool}")
    await town.ready(page)
    await _pledge(town, page, pool, "参加团购", lots="80", is_open=True)
    return page


async def _pledge(
    town: Town, page: Page, pool: str, act: str, *, lots: str, is_open: bool = False
) -> None:
    """Fill in the form, see what it would cost, and press the binding button twice."""
    if not is_open:
        await town.go(page, f"/pools/{pool}")
    await page.locator("[name=lots]").fill(lots)
    await page.locator("[name=limit]").fill(
        {"80": "5,047.00", "100": "5,048.00"}.get(lots, "5,053.00")
    )
    freight, landed = {
        "80": ("131.00", "5,040.80"),
        "100": ("127.00", "5,036.80"),
        "150": ("119.00", "5,028.80"),
    }[lots]
    await page.locator("[name=freight]").fill(freight)
    await expect(page.locator("main")).to_contain_text(landed)
    await page.get_by_role("button", name=act, exact=True).click()
    await page.get_by_role("dialog").get_by_role("button", name=act).dblclick()
    await expect(page.locator("aside .facts").first).to_contain_text(f"{lots} ")
    login = {"80": "guinan", "100": "yongjiang", "150": "liuzhou"}[lots]
    money = await (await town.as_program(f"{login}.pay")).get("/money")
    assert len(money["holds"]) == 1


async def _undercut(town: Town, mill: Page) -> None:
    """Bid one step in the room, be outbid by another mill, and bid again in time."""
    await town.go(mill, "/auctions")
    await mill.locator("main table a").first.click()
    await town.ready(mill)
    await expect(mill.locator("main")).to_contain_text("Purchase, bid down")
    step = mill.get_by_role("button", name=re.compile(r"^Bid [\d,.]+ × 330 t$"))
    await step.click()
    await _agree(mill, "Place the bid", is_double=True)
    await expect(mill.locator("main")).to_contain_text("You lead")
    await expect(mill.locator("aside")).to_contain_text("#1")

    [auction] = (await (await town.as_program("baise")).get("/auctions?state=open"))["auctions"]
    path = f"/auctions/{auction['auction_id']}"
    rival = await town.as_program("baise")
    shown = await rival.get(path)
    await rival.post(f"{path}/bids", {"price": shown["next_allowed"]})
    await expect(mill.locator("main")).to_contain_text("You do not lead")
    # Two minutes before the close a leading bid moves it.
    await town.stage.pass_by(minutes=9)
    await mill.get_by_label("Or type a price").fill("4860")
    await mill.get_by_role("button", name="Place the bid").click()
    await _agree(mill, "Place the bid")
    await expect(mill.locator("aside")).to_contain_text("#2")
    await expect(mill.locator("#said")).to_contain_text("the close moves to")
    await expect(mill.locator("main")).to_contain_text("4,860.00")


async def _carry_out_by_hand(town: Town, buyer: Page, mill: Page) -> None:
    """Fund, ship, deliver, accept and invoice one deal, each by who may, on the page."""
    await buyer.get_by_role("link", name="查看成交").click()
    await town.ready(buyer)
    path = buyer.url.removeprefix(town.url)
    await expect(buyer.locator("main")).to_contain_text("由贵公司其他角色的同事办理")

    finance = await town.look("zh", PHONE, login="guinan.pay")
    await town.go(finance, "/deals")
    await finance.locator("main table a").first.click()
    await town.ready(finance)
    await finance.get_by_role("button", name=re.compile("^支付 .* 元到托管$")).click()
    await _agree(finance, "付款", is_double=True)
    await expect(finance.locator("#said")).to_contain_text("已付款到托管")

    await town.go(mill, path)
    await mill.get_by_label("Carrier").fill("Guiyun Logistics")
    await mill.get_by_role("button", name="Ship").click()
    await _agree(mill, "Ship")
    await mill.get_by_label("Place").fill("Nanning warehouse")
    await mill.get_by_label("Document number").fill("W-2027-0001")
    await mill.get_by_role("button", name="Record the delivery").click()
    await _agree(mill, "Record the delivery")

    accept = buyer.get_by_role("button", name="验收", exact=True)
    await accept.click()
    await _agree(buyer, "验收")
    await expect(buyer.locator(".stages [aria-current]")).to_have_text("已验收")

    await mill.get_by_role("button", name="Issue the invoice").click()
    await _agree(mill, "Issue the invoice")
    await expect(mill.locator(".stages [aria-current]")).to_have_text("settled")
    await expect(buyer.locator(".stages [aria-current]")).to_have_text("已结清")
    await expect(buyer.locator("main")).to_contain_text("五项凭证（5/5）")
    shown = await (await town.as_program("guinan")).get(path)
    assert shown["cell"] == CELL
    total = sum(int(line["amount"].replace(".", "")) for line in shown["accepted_lines"])
    assert f"{total // 100:,}.{total % 100:02d}" in await buyer.locator("tfoot").inner_text()


async def _agree(page: Page, act: str, *, is_double: bool = False) -> None:
    button = page.get_by_role("dialog").get_by_role("button", name=act)
    await (button.dblclick() if is_double else button.click())
    await expect(page.get_by_role("dialog")).to_have_count(0)
