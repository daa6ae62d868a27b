"""A firm that nobody knows yet: from the operator's link to a first group buy, on phones."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Page, expect

from tests.builders import with_cash
from tests.e2e.conftest import PHONE, Town

pytestmark = pytest.mark.browser


async def test_a_new_firm_finds_its_way_alone(town: Town) -> None:
    pool_id = await town.open_pool()
    await town.offer("laibin", (1, "5000.00"), (300, "4880.00"))
    desk = await town.look("en", login="operator")
    await town.go(desk, "/desk")
    await desk.get_by_text("Register a firm").first.click()
    await desk.get_by_label("Name", exact=True).fill("Newbridge Jams")
    await desk.get_by_label("Owner group").fill("Newbridge")
    await desk.get_by_label("Region").last.select_option("GX")
    await desk.get_by_role("button", name="Register a firm").click()
    link = await link_on(desk)

    boss = await town.look("en", PHONE)
    await joins(boss, link, "Wang", "newbridge.boss", "Newbridge Jams invites you as: owner")
    steps = boss.get_by_role("region", name="What is left to do")
    await expect(steps).to_contain_text("0 of 6 done")
    await steps.get_by_role("link", name="Declare the firm's tax number").click()
    await boss.get_by_label("Credit code (USCC)").fill("91350100M000100Y43")
    await boss.get_by_role("button", name="Declare it").click()
    await expect(boss.get_by_text("91350100M000100Y43")).to_be_visible()
    links = {}
    await town.go(boss, "/people")
    for role in ("buyer", "finance"):
        for name in ("buyer", "finance"):
            await boss.get_by_label(name, exact=True).set_checked(name == role)
        async with boss.expect_response("**/invitations"):
            await boss.get_by_role("button", name="Invite").click()
        await expect(boss.locator("[role=status] p.mono")).not_to_have_text(links.get("buyer", "-"))
        links[role] = await link_on(boss)
    await joins(await town.look("en", PHONE), links["finance"], "Zhao", "newbridge.pay", "finance")
    firms = (await (await town.as_program("operator")).get("/organisations"))["organisations"]
    [firm] = [one["id"] for one in firms if one["name"] == "Newbridge Jams"]
    await with_cash(town.stage.market, firm, 100_000_000)

    clerk = await town.look("en", PHONE)
    await joins(clerk, links["buyer"], "Li", "newbridge.clerk", "buyer")
    steps = clerk.get_by_role("region", name="What is left to do")
    await expect(steps).to_contain_text("3 of 6 done")
    await steps.get_by_role("link", name="Make your first pledge, bid or offer").click()
    await clerk.locator(f"a[href='/pools/{pool_id}']").click()
    await clerk.get_by_label("Quantity you need").fill("80")
    await clerk.get_by_label("Highest landed price").fill("5100")
    await clerk.get_by_role("button", name="Join", exact=True).click()
    await clerk.get_by_role("dialog").get_by_role("button", name="Join").click()
    await expect(clerk.get_by_role("heading", name="My pledge")).to_be_visible()
    await town.go(clerk, "/")
    await expect(steps).to_contain_text("4 of 6 done")

    await town.go(clerk, link)
    await expect(clerk.get_by_text("This link works no longer")).to_be_visible()


async def link_on(page: Page) -> str:
    shown = page.locator("[role=status] p.mono")
    await expect(shown).to_have_text(re.compile(r"/join#.{20,}"))
    return str(await shown.text_content())


async def joins(page: Page, link: str, name: str, login: str, told: str) -> None:
    """Follow a link, read who invites, choose a log-in and a password, and stand on the board."""
    await page.goto(link)
    await expect(page.get_by_text(told)).to_be_visible()
    await page.get_by_label("Name", exact=True).fill(name)
    await page.get_by_label("Log-in").fill(login)
    await page.get_by_label("Password").fill("correct horse 8")
    await page.get_by_role("button", name="Join").click()
    await expect(page.get_by_role("heading", name="Market board")).to_be_visible()
