"""A firm's bank account from its declaration to its end, as finance and its owner see it."""

from __future__ import annotations

import pytest
from playwright.async_api import Locator, Page, expect

from tests.e2e.conftest import OPERATOR, PHONE, Town
from tests.e2e.test_approval_story import agree, hired

pytestmark = pytest.mark.browser

FIRST, SECOND = "DE89370400440532013000", "GB82WEST12345698765432"


def accounts(page: Page) -> Locator:
    return page.locator("#accounts")


def account(page: Page, number: str) -> Locator:
    return accounts(page).get_by_role("listitem").filter(has_text=number)


async def paid_from(town: Town, number: str) -> None:
    """Let the bank show a payment from the account, in the firm's own name."""
    boss = await town.as_program("guinan.boss")
    money = await boss.get("/money")
    line = {
        "account": "622200000001",
        "entry_reference": f"in-{number}",
        "direction": "credit",
        "amount": "12.00",
        "booked_on": "2027-03-01",
        "payer": "桂南食品厂",
        "remittance": money["deposit_reference"],
        "payer_account": number,
    }
    taken = await (await town.as_program(OPERATOR)).post("/bank/lines", {"lines": [line]})
    assert taken["matched"] == 1


async def test_an_account_is_declared_agreed_cooled_verified_and_ended(town: Town) -> None:
    await hired(town, "guinan.boss", "owner")
    boss = await town.look("en", login="guinan.boss")
    await town.go(boss, "/money")
    await _declared(boss, FIRST)
    await expect(account(boss, FIRST)).to_contain_text("Make a payment from it to the market")
    await expect(accounts(boss)).to_contain_text("A further account needs a second person")
    await paid_from(town, FIRST)
    await expect(account(boss, FIRST)).to_contain_text("Money may be paid out to it.")
    await _alone_he_is_warned(boss)

    await town.stage.pass_by(minutes=1)
    await _declared(boss, SECOND)
    await expect(account(boss, SECOND)).to_contain_text("Nobody else here can agree")
    await expect(account(boss, SECOND).get_by_role("button", name="Agree")).to_have_count(0)
    await hired(town, "guinan.fin", "finance")
    finance = await town.look("zh", PHONE, login="guinan.fin")
    await town.go(finance, "/money")
    await town.go(boss, "/money")
    await expect(account(boss, SECOND)).to_contain_text("It waits for fin to agree.")
    await expect(account(boss, SECOND).get_by_role("button", name="Agree")).to_have_count(0)
    await account(finance, SECOND).get_by_role("button", name="同意").click()
    await agree(finance, "同意")
    await _cooled_verified_and_ended(town, boss, finance)


async def _declared(page: Page, number: str) -> None:
    await page.get_by_label("Account number").fill(number)
    await page.get_by_role("button", name="Declare an account").click()
    await expect(page.locator("#said")).to_contain_text("The account is declared.")


async def _alone_he_is_warned(boss: Page) -> None:
    await account(boss, FIRST).get_by_role("button", name="Use no longer").click()
    dialog = boss.get_by_role("dialog")
    await expect(dialog).to_contain_text("Invite a second person first")
    await boss.keyboard.press("Escape")
    await expect(dialog).to_have_count(0)


async def _cooled_verified_and_ended(town: Town, boss: Page, finance: Page) -> None:
    for page, said in ((finance, "请从该账户向市场汇入"), (boss, "Paid out to from")):
        await expect(account(page, SECOND)).to_contain_text(said)
    await paid_from(town, SECOND)
    await expect(account(finance, SECOND)).to_contain_text("已验证")
    await expect(account(finance, SECOND)).to_contain_text("可付款时间：")
    payee = finance.get_by_label("收款账号")
    await expect(payee.locator("option")).to_have_text([FIRST])

    await town.stage.pass_by(days=3)
    await hired(town, "guinan.cash", "finance")
    later = await town.look("zh", PHONE, login="guinan.cash")
    await town.go(later, "/money")
    await expect(account(later, SECOND)).to_contain_text("可向该账户付款。")
    await expect(later.get_by_label("收款账号").locator("option")).to_have_text([FIRST, SECOND])
    await account(later, SECOND).get_by_role("button", name="停用").click()
    await agree(later, "停用")
    await expect(account(later, SECOND)).to_have_count(0)
    await expect(later.get_by_label("收款账号").locator("option")).to_have_text([FIRST])
