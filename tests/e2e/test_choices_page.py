"""A clerk proves his address, chooses what is mailed to him, and is told by mail."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import expect

from aggregator.market import Actor, Answer, Unit
from aggregator.notices import letters
from aggregator.notices.smtp import Smtp
from aggregator.notices.telling import tell
from aggregator.settlement.facts import PaymentMade
from tests.e2e.conftest import PHONE, Town
from tests.e2e.tap import Tap
from tests.post_office import PostOffice, code_in

pytestmark = pytest.mark.browser


@pytest.fixture
async def office(tap: Tap) -> AsyncIterator[PostOffice]:
    async with PostOffice() as found:
        letters.install(
            Smtp(tap.through(found.url), "notices@market.example"), place="https://market.example"
        )
        yield found
        letters.install(None, place="")


async def test_a_person_proves_his_address_and_chooses(town: Town, office: PostOffice) -> None:
    page = await town.look("en", PHONE, login="guinan.pay")
    await town.go(page, "/account")
    await page.get_by_label("Mail address").fill("pay@guinan.example")
    await page.get_by_role("button", name="Send a code").click()
    await expect(page.get_by_text("A code went to pay@guinan.example")).to_be_visible()
    await town.stage.pass_by(seconds=1)
    await page.get_by_label("Code from the mail").fill(code_in(office.took.pop()))
    await page.get_by_role("button", name="Prove the address").click()
    await expect(page.get_by_text("are mailed to pay@guinan.example")).to_be_visible()

    await town.go(page, "/account#notices")
    await page.locator("#notices").get_by_text("Money and invoices").click()
    ticked = page.get_by_role("checkbox", name="Payment made: Mail")
    await expect(ticked).to_be_checked()
    await expect(page.get_by_role("checkbox", name="Invoice issued: On the pages")).to_have_count(0)
    async with page.expect_response("**/notice-choices"):
        await page.get_by_role("checkbox", name="Payment made: On the pages").uncheck()
    paid = PaymentMade("p", town.firms["guinan"], 12_345, "CNY")

    async def step(unit: Unit) -> Answer:
        await tell(unit, paid)
        return {}

    await town.stage.market.perform(Actor.SYSTEM, "test.tell", step)
    await town.stage.pass_by(minutes=1)

    [told] = office.took
    assert "已付出 123.45 CNY" in told.get_content()
    await town.go(page, "/notices")
    await expect(page.get_by_text("No notices yet.")).to_be_visible()


async def test_without_a_mail_server_the_page_says_so(town: Town) -> None:
    page = await town.look("en", login="guinan")
    await town.go(page, "/account")
    await expect(page.get_by_text("This market sends no mail")).to_be_visible()
    await expect(page.get_by_label("Mail address")).to_have_count(0)


async def test_notices_stand_by_day_the_newest_first_and_unread_ones_are_marked(
    town: Town,
) -> None:
    for amount_minor, later in ((100, {"days": 1}), (200, {"minutes": 1}), (300, {"minutes": 1})):
        paid = PaymentMade(f"p{amount_minor}", town.firms["guinan"], amount_minor, "CNY")

        async def step(unit: Unit, paid: PaymentMade = paid) -> Answer:
            await tell(unit, paid)
            return {}

        await town.stage.market.perform(Actor.SYSTEM, "test.tell", step)
        await town.stage.pass_by(**later)
    page = await town.look("en", PHONE, login="guinan.pay")
    await town.go(page, "/notices")
    today, yesterday = [page.locator("main section").nth(number) for number in (0, 1)]

    await expect(today.get_by_role("heading")).to_contain_text("Today · 5 Jan")
    await expect(yesterday.get_by_role("heading")).to_contain_text("Yesterday · 4 Jan")
    await expect(today.locator("li")).to_contain_text(["3.00", "2.00"])
    await expect(yesterday.locator("li")).to_contain_text(["1.00"])
    await expect(page.get_by_text("unread", exact=True)).to_have_count(3)
    await page.get_by_role("button", name="Mark all as read (3)").click()
    await expect(page.get_by_text("unread", exact=True)).to_have_count(0)
    await expect(today.locator("li")).to_contain_text(["3.00", "2.00"])
