"""Auction rooms in browsers: a soft close on phones, and a form for every format."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from playwright.async_api import Locator, Page, expect

from aggregator.journal.facts import stamp
from tests.e2e.conftest import CELL, COLLEAGUE, OPERATOR, PHONE, Town

pytestmark = pytest.mark.browser

# The visitor turns to another window, and what sounds meanwhile is counted.
_LOOK_AWAY = """() => {
  window.tones = 0;
  const start = OscillatorNode.prototype.start;
  OscillatorNode.prototype.start = function (at) {
    window.tones += 1;
    start.call(this, at);
  };
  document.hasFocus = () => false;
  window.looksAgain = () => {
    delete document.hasFocus;
    dispatchEvent(new Event("focus"));
  };
}"""


async def bought(town: Town, login: str = OPERATOR, **rules: Any) -> str:
    """Let the operator buy 300 lots in ten minutes, or another as told; return the path."""
    owner = await town.as_program(login)
    made = await owner.post(
        "/auctions",
        {
            "side": "buy",
            "cell": CELL,
            "lots": 300,
            "start": "5000.00",
            "step": "10.00",
            "title": "Three hundred tonnes",
            "closes_at": stamp(town.stage.clock.now() + timedelta(minutes=10)),
            **rules,
        },
    )
    return f"/auctions/{made['auction_id']}"


async def bid_by_hand(page: Page, price: str) -> None:
    await page.get_by_label("Or type a price").fill(price)
    await page.get_by_role("button", name="Place the bid").click()
    await agree(page, "Place the bid")


def may_be_empty(page: Page, name: str) -> Locator:
    """Return the word beside a field's label that says that it may be left empty."""
    return page.locator(f".field:has([name={name}]) label .hint")


async def agree(page: Page, act: str) -> None:
    await page.get_by_role("dialog").get_by_role("button", name=act).click()
    await expect(page.get_by_role("dialog")).to_have_count(0)


async def fits(page: Page) -> None:
    """A phone's page is never wider than the phone."""
    width = await page.evaluate("document.documentElement.scrollWidth")
    assert width <= PHONE["width"]


async def test_two_bidders_a_buyer_and_an_observer_through_a_soft_close(town: Town) -> None:
    path = await bought(town)
    laibin = await town.look("en", PHONE, login="laibin")
    baise = await town.look("en", PHONE, login="baise")
    buyer = await town.look("en", PHONE, login=OPERATOR)
    observer = await town.look("en", PHONE)
    everyone = (laibin, baise, buyer, observer)
    for page in everyone:
        await town.go(page, path)
        await fits(page)

    await bid_by_hand(laibin, "4980")
    receipts = laibin.locator("aside section", has=laibin.get_by_role("heading", name="Receipts"))
    await expect(receipts.locator("li")).to_contain_text(["4,980.00"])
    given = await receipts.locator("li .mono").all_text_contents()
    await laibin.reload()
    await expect(receipts.locator("li .mono")).to_have_text(given)
    for page in everyone:
        await expect(page.locator("main")).to_contain_text("4,980.00")
    await expect(laibin.locator("main")).to_contain_text("You lead")
    await expect(baise.get_by_role("button", name=re.compile(r"^Bid 4,970.00"))).to_be_visible()
    await laibin.get_by_role("button", name="Sound: off").click()
    await expect(laibin.get_by_role("button", name="Sound: on")).to_be_visible()
    await laibin.evaluate(_LOOK_AWAY)

    # One minute before the close the other one takes the lead: two minutes are left again.
    await town.stage.pass_by(minutes=9)
    await baise.get_by_role("button", name=re.compile(r"^Bid 4,970.00")).click()
    await agree(baise, "Place the bid")
    for page in everyone:
        await expect(page.locator("#said")).to_contain_text("the close moves to")
        await expect(page.locator("main")).to_contain_text("4,970.00")
    await expect(laibin.locator("main")).to_contain_text("You do not lead")
    await expect(laibin).to_have_title(re.compile("^● .*Somebody has bid better"))
    assert await laibin.evaluate("window.tones") > 0
    await laibin.evaluate("looksAgain()")
    await expect(laibin).not_to_have_title(re.compile("●"))
    await expect(observer.locator("main")).not_to_contain_text("Baise")
    await expect(buyer.locator("main")).to_contain_text("百色糖厂")

    # Inside the extension once more, and then nobody.
    await town.stage.pass_by(seconds=90)
    await bid_by_hand(laibin, "4950")
    await expect(baise.locator("main")).to_contain_text("4,950.00")
    await expect(observer.locator("main")).to_contain_text("Extensions")
    await town.stage.pass_by(minutes=2)

    await expect(laibin.locator("main")).to_contain_text("you won")
    await expect(baise.locator("main")).to_contain_text("other bids came first")
    await expect(buyer.locator("main")).to_contain_text("来宾糖厂")
    await expect(observer.locator("main")).to_contain_text("awarded")
    for page in everyone:
        await fits(page)
        await expect(page.get_by_role("link", name="Download the proof")).to_be_visible()
    async with baise.expect_download() as download:
        await baise.get_by_role("link", name="Download the proof").click()
    assert (await download.value).suggested_filename.endswith(".bundle.json")


async def test_a_sealed_room_takes_a_price_and_tells_nothing(town: Town) -> None:
    path = await bought(town, format="sealed_first")
    laibin = await town.look("en", PHONE, login="laibin")
    buyer = await town.look("en", PHONE, login=OPERATOR)
    for page in (laibin, buyer):
        await town.go(page, path)

    await laibin.locator("[name=lots]").fill("300")
    await laibin.locator("[name=price]").fill("4900")
    await laibin.get_by_role("button", name="Place the sealed bid").click()
    await agree(laibin, "Place the bid")

    await expect(laibin.locator("aside")).to_contain_text("#1")
    await expect(buyer.locator("main")).not_to_contain_text("4,900.00")
    await town.stage.pass_by(minutes=10)
    await expect(buyer.locator("main")).to_contain_text("4,900.00")
    await expect(laibin.locator("main")).to_contain_text("you won")


async def test_a_dutch_room_shows_the_price_of_the_moment(town: Town) -> None:
    path = await bought(town, format="dutch", interval_s=60)
    laibin = await town.look("en", PHONE, login="laibin")
    await town.go(laibin, path)
    await expect(laibin.locator(".clock-price")).to_have_text("5,000.00")

    await town.stage.pass_by(minutes=2)
    await laibin.reload()
    await town.ready(laibin)
    await expect(laibin.locator(".clock-price")).to_have_text("5,020.00")
    await laibin.get_by_role("button", name="Take at the price now").click()
    await agree(laibin, "Place the bid")

    await expect(laibin.locator("main")).to_contain_text("you won")
    await expect(laibin.locator("main")).to_contain_text("5,020.00")


async def test_a_limit_left_behind_bids_by_itself(town: Town) -> None:
    path = await bought(town)
    laibin = await town.look("en", PHONE, login="laibin")
    await town.go(laibin, path)
    await laibin.get_by_text("Let the market bid for me").click()
    await laibin.locator("[name=limit]").fill("4800")
    await laibin.get_by_role("button", name="Leave this limit").click()
    await agree(laibin, "Place the bid")
    await expect(laibin.locator("aside")).to_contain_text("Your limit stands at 4,800.00")

    rival = await town.as_program("baise")
    await rival.post(f"{path}/bids", {"price": "4900.00", "lots": 300})

    await expect(laibin.locator("main")).to_contain_text("4,890.00")
    await expect(laibin.locator("main")).to_contain_text("You lead")


async def test_rounds_are_answered_round_by_round(town: Town) -> None:
    path = await bought(town, format="japanese", interval_s=60)
    laibin = await town.look("en", PHONE, login="laibin")
    await town.go(laibin, path)
    rival = await town.as_program("baise")
    await rival.post(f"{path}/bids", {"price": "5000.00", "lots": 300})
    await laibin.get_by_role("button", name="Accept 5,000.00").click()
    await agree(laibin, "Place the bid")
    await expect(laibin.locator("aside")).to_contain_text("#1")

    await town.stage.pass_by(minutes=1)
    await laibin.get_by_role("button", name="Accept 4,990.00").click()
    await agree(laibin, "Place the bid")
    await expect(laibin.locator("aside")).to_contain_text("#2")
    await town.stage.pass_by(minutes=1)

    await expect(laibin.locator("main")).to_contain_text("you won")
    await fits(laibin)


async def test_months_are_asked_for_at_the_prices_of_a_round(town: Town) -> None:
    months = [
        {"tenor": "2027-03", "lots": 200, "start": "5000.00"},
        {"tenor": "2027-04", "lots": 100, "start": "5000.00"},
    ]
    path = await bought(town, format="clock", interval_s=60, items=months, start=None)
    laibin = await town.look("en", PHONE, login="laibin")
    await town.go(laibin, path)
    await laibin.locator("[name='2027-03']").fill("200")
    await laibin.locator("[name='2027-04']").fill("50")
    await laibin.get_by_role("button", name="Take these quantities").click()
    await agree(laibin, "Take these quantities")
    await expect(laibin.locator("aside")).to_contain_text("250 t")

    await town.stage.pass_by(minutes=1)

    await expect(laibin.locator("main")).to_contain_text("you won")
    await expect(laibin.locator("main")).to_contain_text("My award · Apr 2027")
    await fits(laibin)


async def test_one_of_the_operators_people_proposes_and_another_approves(town: Town) -> None:
    path = await bought(town)
    first = await town.look("en", login=OPERATOR)
    await town.go(first, path)
    await town.colleague()
    second = await town.look("en", PHONE, login=COLLEAGUE)
    await town.go(second, path)

    await first.locator("[name=reason]").first.fill("storm")
    await first.get_by_role("button", name="Propose: Pause").click()
    await first.get_by_role("dialog").get_by_role("button", name="Propose: Pause").click()
    await expect(second.locator("aside")).to_contain_text("Proposed: Pause. Reason: storm")
    await second.get_by_role("button", name="Approve").click()
    await agree(second, "Approve")

    for page in (first, second):
        await expect(page.locator("main")).to_contain_text("Paused: storm")
    await fits(second)


async def test_a_seller_drafts_packages_and_buyers_win_them(town: Town) -> None:
    mill = await town.look("en", login="laibin")
    await town.go(mill, "/auctions")
    await mill.get_by_text("Open an auction").first.click()
    await expect(mill.locator("[name=draft] option")).to_have_count(9)
    await mill.locator("[name=draft]").select_option("bundles")
    await expect(mill.locator("[name=format]")).to_have_value("packages")
    await mill.locator("[name=reserve]").fill("5100")
    for name, figure in (("score_name", "days early"), ("score_unit", "10"), ("score_most", "30")):
        await mill.locator(f"[name={name}]").fill(figure)
    inputs = mill.locator("fieldset tbody input")
    for place, figure in enumerate(("100", "5000", "200", "5100", "50", "5200")):
        await inputs.nth(place).fill(figure)
    await mill.get_by_role("button", name="Open an auction").click()
    await agree(mill, "Open an auction")
    await mill.wait_for_url(re.compile("/auctions/auc_"))
    path = "/auctions/" + mill.url.rsplit("/", 1)[1]

    buyer = await town.look("en", PHONE, login="guinan")
    await town.go(buyer, path)
    for box in (0, 2):
        await buyer.locator("fieldset input[type=checkbox]").nth(box).check()
    await buyer.locator("[name=price]").fill("5300")
    await buyer.get_by_label("days early").fill("7")
    await buyer.get_by_role("button", name="Place the sealed bid").click()
    await agree(buyer, "Place the bid")
    await expect(buyer.locator("aside")).to_contain_text("5,300.00 × 150 t")
    await expect(buyer.locator("main")).to_contain_text("5,370.00days early: 7")
    await expect(buyer.locator("main")).to_contain_text("My packages")
    await fits(buyer)
    await expect(mill.locator("main")).not_to_contain_text("5,300.00")

    await town.stage.pass_by(minutes=24 * 60)
    # A day ends sessions: who has signed in again sees what is his.
    for login, own in (("guinan", "you won"), ("laibin", "5,300.00")):
        again = await town.look("en", PHONE, login=login)
        await town.go(again, path)
        await expect(again.locator("main")).to_contain_text("proved: no other set of packages")
        await expect(again.locator("main")).to_contain_text(own)


async def test_a_buyer_opens_a_purchase_that_a_mill_undercuts(town: Town) -> None:
    buyer = await town.look("en", PHONE, login="guinan")
    await town.go(buyer, "/auctions")
    await buyer.get_by_text("Open an auction").first.click()
    await expect(buyer.locator("[name=side] option")).to_have_text(["Purchase, bid down"])
    await expect(may_be_empty(buyer, "lots")).to_be_hidden()
    await expect(may_be_empty(buyer, "start")).to_be_hidden()
    await buyer.get_by_role("button", name="Open an auction").click()
    await expect(buyer.locator(".field:has([name=lots]) .wrong")).to_have_text("is required")
    await buyer.locator("[name=lots]").fill("40")
    await buyer.locator("[name=start]").fill("5000")
    await buyer.get_by_role("button", name="Open an auction").click()
    await expect(buyer.get_by_role("dialog")).to_contain_text("its deposit is held")
    await agree(buyer, "Open an auction")
    await buyer.wait_for_url(re.compile("/auctions/auc_"))
    path = "/auctions/" + buyer.url.rsplit("/", 1)[1]
    await fits(buyer)

    mill = await town.look("en", PHONE, login="laibin")
    await town.go(mill, path)
    await bid_by_hand(mill, "4900")
    await expect(buyer.locator("main")).to_contain_text("来宾糖厂")
    await town.stage.pass_by(minutes=60)

    await expect(mill.locator("main")).to_contain_text("you won")
    await expect(buyer.locator("main")).to_contain_text("awarded")


async def test_who_is_invited_by_name_sees_the_auction_and_others_do_not(town: Town) -> None:
    # Whom a firm has dealt with it may invite.
    sold_at = await bought(town, login="laibin", side="sell", lots=20)
    await (await town.as_program("guinan")).post(f"{sold_at}/bids", {"price": "5000.00"})
    await town.stage.pass_by(minutes=10)
    mill = await town.look("en", login="laibin")
    await town.go(mill, "/auctions")
    await mill.get_by_text("Open an auction").first.click()
    await expect(may_be_empty(mill, "lots")).to_be_hidden()
    await expect(may_be_empty(mill, "start")).to_be_visible()
    await mill.locator("[name=format]").select_option("sealed_first")
    await expect(may_be_empty(mill, "start")).to_be_hidden()
    await mill.locator("[name=format]").select_option("english")
    await mill.locator("[name=title]").fill("For one firm")
    await mill.locator("[name=lots]").fill("30")
    await mill.locator("[name=start]").fill("5050")

    await mill.get_by_label("桂南食品厂").check()
    await mill.get_by_role("button", name="Open an auction").click()
    await expect(mill.get_by_role("dialog")).to_contain_text("桂南食品厂")
    await agree(mill, "Open an auction")
    await mill.wait_for_url(re.compile("/auctions/auc_"))
    path = "/auctions/" + mill.url.rsplit("/", 1)[1]

    guest = await town.look("en", PHONE, login="guinan")
    await town.go(guest, "/auctions")
    await guest.get_by_role("link", name="For one firm").click()
    await expect(guest.get_by_role("button", name="Place the bid")).to_be_visible()
    other = await town.look("en", PHONE, login="yongjiang")
    await town.go(other, "/auctions")
    await expect(other.locator("main")).to_contain_text("Auctions")
    await expect(other.locator("main")).not_to_contain_text("For one firm")
    await town.go(other, path)
    await expect(other.locator("main")).to_contain_text("Not found")
