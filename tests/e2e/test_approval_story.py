"""A clerk bids inside his mandate and beyond it, the boss says yes on a phone, finance pays.

The clerk stands in for the boss a while. When he is let go, the line of his open page goes dead.
"""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from playwright.async_api import Page, expect

from aggregator.journal.facts import stamp
from tests.builders import a_person
from tests.e2e.conftest import CELL, PHONE, Town
from web.demonstration.world import PASSWORD

pytestmark = pytest.mark.browser


async def hired(town: Town, login: str, *roles: str) -> None:
    town.known.add(login)
    firm, _, name = login.partition(".")
    await a_person(
        town.stage.market,
        town.firms[firm],
        login,
        *roles,
        name=name,
        password=PASSWORD,
        language="en",
    )


async def agree(page: Page, act: str) -> None:
    await page.get_by_role("dialog").get_by_role("button", name=act).click()


async def bid(page: Page, lots: str, price: str) -> None:
    await page.get_by_label("Quantity").fill(lots)
    await page.get_by_label("Or type a price").fill(price)
    await page.get_by_role("button", name="Place the bid").click()
    await agree(page, "Place the bid")


async def test_a_boss_approves_on_a_phone_while_the_auction_runs(town: Town) -> None:
    await hired(town, "guinan.clerk", "buyer")
    await hired(town, "guinan.boss", "owner")
    mill = await town.as_program("laibin")
    closes_at = stamp(town.stage.clock.now() + timedelta(hours=1))
    made = await mill.post(
        "/auctions",
        {
            "side": "sell",
            "cell": CELL,
            "lots": 100,
            "start": "5000.00",
            "step": "10.00",
            "closes_at": closes_at,
        },
    )
    boss = await town.look("en", PHONE, login="guinan.boss")
    await town.go(boss, "/mandates")
    await boss.get_by_role("button", name="Set the policy").click()
    await expect(boss.locator("main")).to_contain_text("owner")
    grant = boss.locator("form", has=boss.get_by_role("button", name="Grant a mandate"))
    await grant.get_by_label("Per act").fill("200000")
    await grant.get_by_label("In all").fill("400000")
    await grant.get_by_role("button", name="Grant a mandate").click()
    await expect(boss.locator("main")).to_contain_text("400,000.00")

    clerk = await town.look("en", login="guinan.clerk")
    await town.go(clerk, f"/auctions/{made['auction_id']}")
    await bid(clerk, "20", "5000")
    await expect(clerk.locator("main")).to_contain_text("You lead")
    await bid(clerk, "80", "5010")
    await expect(clerk.locator("main")).to_contain_text("Beyond your mandate")
    await clerk.get_by_role("button", name="Ask for approval").first.click()
    await expect(clerk.locator("#said")).to_contain_text("Sent for approval")

    await town.go(boss, "/approvals")
    await expect(boss.locator("main")).to_contain_text("400,800.00")
    await boss.get_by_role("button", name="Approve").click()
    await agree(boss, "Approve")
    await expect(boss.locator("main")).to_contain_text("carried out")
    await expect(clerk.locator("main")).to_contain_text("5,010.00")

    shown = await (await town.as_program("guinan.clerk")).get(f"/auctions/{made['auction_id']}")
    assert (shown["my_lots"], shown["is_leading"]) == (80, True)

    await town.stage.pass_by(hours=1)
    await _fund(await town.look("en", login="guinan.pay"), town)
    await _stand_in(boss, clerk, town)
    await _let_go(boss, clerk, town)


async def _fund(finance: Page, town: Town) -> None:
    await town.go(finance, "/deals")
    await finance.locator("main table a").first.click()
    await town.ready(finance)
    await finance.get_by_role("button", name=re.compile("^Pay CNY .* into escrow$")).click()
    await agree(finance, "Pay")
    await expect(finance.locator("#said")).to_contain_text("The money is in escrow")


async def _stand_in(boss: Page, clerk: Page, town: Town) -> None:
    """Let the boss name the clerk for while he is away, and end it early."""
    await town.go(boss, "/approvals")
    await boss.get_by_label("Substitute").select_option(label="clerk")
    until = boss.locator("[name=ends_at]")
    a_week_on = await until.input_value()
    await until.fill(await boss.locator("[name=begins_at]").input_value())
    await boss.get_by_role("button", name="Name the substitute").press("Enter")
    await expect(boss.get_by_role("alert").filter(has_text="after it begins")).to_be_visible()
    await until.fill(a_week_on)
    await boss.get_by_role("button", name="Name the substitute").press("Enter")
    await expect(boss.get_by_role("row", name="clerk")).to_contain_text("in force")
    await town.go(clerk, "/approvals")
    await expect(clerk.locator("main")).to_contain_text("You decide in the place of boss")
    await boss.get_by_role("button", name="End it").click()
    await agree(boss, "End it")
    await expect(boss.locator("main")).to_contain_text("Nobody stands in for anybody.")


async def _let_go(boss: Page, clerk: Page, town: Town) -> None:
    await expect(clerk.locator("#line")).to_have_text("live")
    await town.go(boss, "/people")
    leaver = boss.locator("tr", has=boss.get_by_role("rowheader", name="clerk"))
    await leaver.get_by_role("button", name="Let go").click()
    await agree(boss, "Let go")

    await expect(clerk.locator("#line")).to_have_text("session over, sign in again")
    refused = await clerk.request.get(f"{town.url}/api/v1/deals")
    assert refused.status == 401
