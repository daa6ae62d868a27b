"""What a page asks before an act binds names every figure that will bind."""

from __future__ import annotations

from datetime import timedelta

import pytest
from playwright.async_api import Page, expect

from aggregator.journal.facts import stamp
from tests.e2e.conftest import OPERATOR, PHONE, Town

pytestmark = pytest.mark.browser

MONTHS = ("2027-03", "2027-04", "2027-05")


async def opened(town: Town) -> str:
    """Open a forward window; return its path."""
    operator = await town.as_program(OPERATOR)
    closes_at = stamp(town.stage.clock.now() + timedelta(hours=1))
    window = {"title": "Spring", "instrument": "SUGAR-W1", "region": "GX", "tenors": MONTHS}
    made = await operator.post("/strips", {**window, "closes_at": closes_at})
    return f"/strips/{made['strip_id']}"


async def asked(page: Page, act: str) -> Page:
    """Press the button of an act and wait for what is asked."""
    await page.get_by_role("button", name=act, exact=True).click()
    await expect(page.get_by_role("dialog")).to_be_visible()
    return page


async def test_an_order_names_its_months_and_an_offer_its_least(town: Town) -> None:
    path = await opened(town)
    buyer = await town.look("en", PHONE, login="guinan")
    await town.go(buyer, path)
    await buyer.locator("#order-form").select_option("flexible")
    await buyer.get_by_label("First month").select_option("2027-04")
    await buyer.get_by_label("Quantity").fill("60")
    await buyer.get_by_label("Highest goods price (CNY/t)").fill("5000")
    await buyer.get_by_label("Most in one month").fill("40")
    await buyer.get_by_label("At least").fill("30")
    dialog = (await asked(buyer, "Place an order")).get_by_role("dialog")
    await expect(dialog).to_contain_text("Apr 2027 – May 2027")
    await expect(dialog).to_contain_text("Most in one month40 t")
    await expect(dialog).to_contain_text("At least30 t")
    await dialog.get_by_role("button", name="Not yet").click()
    await buyer.locator("#order-form").select_option("block")
    await buyer.locator(".steps-table input").nth(2).fill("25")
    await buyer.get_by_label("Highest goods price (CNY/t)").fill("5000")
    dialog = (await asked(buyer, "Place an order")).get_by_role("dialog")
    await expect(dialog).to_contain_text("May 2027 25 t")

    mill = await town.look("zh", login="laibin")
    await town.go(mill, path)
    pairs = mill.locator(".steps-table")
    for place, figures in ((0, ("300", "4940")), (3, ("200", "25"))):
        for at, figure in enumerate(figures):
            await pairs.nth(place).locator("input").nth(at).fill(figure)
    await mill.get_by_label("总供货上限").fill("300")
    await mill.get_by_label("最少总量").fill("100")
    dialog = (await asked(mill, "提交密封报价")).get_by_role("dialog")
    await expect(dialog).to_contain_text("最少总量100 吨")
    await expect(dialog).to_contain_text("满 200 吨 每吨返 25.00")


async def test_a_pledge_names_what_it_would_take_more_and_the_size_it_declares(town: Town) -> None:
    await town.offer("laibin", (1, "5000.00"), (300, "4900.00"))
    pool = await town.open_pool()
    buyer = await town.look("en", PHONE, login="guinan")
    await town.go(buyer, f"/pools/{pool}")
    for name, figure in (("lots", "80"), ("limit", "5040"), ("tolerance", "20"), ("size", "90")):
        await buyer.locator(f"[name={name}]").fill(figure)

    dialog = (await asked(buyer, "Join")).get_by_role("dialog")

    await expect(dialog).to_contain_text("Would take more20 t")
    await expect(dialog).to_contain_text("Usual quantity a month90 t")


async def test_an_offer_names_how_long_it_stands_and_who_sees_it(town: Town) -> None:
    mill = await town.look("en", login="laibin")
    await town.go(mill, "/offers")
    await mill.locator("summary", has_text="Publish an offer").click()
    await mill.locator("fieldset table input").nth(1).fill("4900")
    await mill.get_by_label("Capacity").fill("500")
    await mill.get_by_label("Valid until").fill("2027-01-15T10:00")

    dialog = (await asked(mill, "Publish an offer")).get_by_role("dialog")
    await expect(dialog).to_contain_text("15 Jan 2027, 10:00 GMT+8")
    await expect(dialog).to_contain_text("seen by everybody")
    await dialog.get_by_role("button", name="Not yet").click()
    await mill.get_by_label("Show it to everybody").uncheck()
    dialog = (await asked(mill, "Publish an offer")).get_by_role("dialog")

    await expect(dialog).to_contain_text("seen by nobody before the close")


async def test_an_invitation_of_no_role_says_what_is_missing_beside_it(town: Town) -> None:
    boss = await town.look("en", PHONE, login="guinan.pay")
    await town.go(boss, "/people")
    roles = boss.locator("fieldset", has_text="buyer")

    await boss.get_by_role("button", name="Invite").click()
    await expect(roles).to_contain_text("is required")
    await boss.get_by_label("buyer", exact=True).check()
    await boss.get_by_label("finance", exact=True).check()
    await boss.get_by_role("button", name="Invite").click()

    await expect(roles).to_contain_text("who commits the firm does not release its money")
