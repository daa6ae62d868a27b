"""Who has lost all but his mail asks, two of the market agree, and he comes back."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Page, expect

from aggregator.journal.reading import Pool
from tests.e2e.conftest import COLLEAGUE, OPERATOR, PHONE, Town
from tests.e2e.test_choices_page import office
from tests.post_office import PostOffice

__all__ = ["office"]

pytestmark = pytest.mark.browser

NEW = "battery staple 9"


async def agree(page: Page) -> None:
    await page.get_by_role("button", name="Approve").click()
    async with page.expect_response("**/agree"):
        await page.get_by_role("dialog").get_by_role("button", name="Approve").click()


async def test_who_lost_his_password_comes_back_by_his_mail(town: Town, office: PostOffice) -> None:
    await town.as_program("guinan.pay")
    await Pool().rows(
        "insert into mail_address (person_id, address, asked_at, code_until, verified_at)"
        " select id, 'lost@mail.example', now(), now(), now() from person"
        " where login = 'guinan.pay' returning person_id"
    )
    lost = await town.look("zh", PHONE)
    await town.go(lost, "/login")
    await lost.get_by_role("link", name="忘记密码，或丢失验证器？").click()
    await lost.get_by_label("登录名").fill("guinan.pay")
    await lost.get_by_role("button", name="请求找回").click()
    await expect(lost.get_by_text("已收到。")).to_be_visible()
    await town.stage.pass_by(minutes=1)

    clerk = await town.look("zh", login="guinan")
    await town.go(clerk, "/people")
    await expect(clerk.get_by_text("待运营方两人同意")).to_be_visible()
    await expect(clerk.get_by_role("button", name="叫停")).to_be_visible()
    await town.colleague()
    for login in (OPERATOR, COLLEAGUE):
        desk = await town.look("en", login=login)
        await town.go(desk, "/desk")
        await expect(desk.get_by_text("Three days after the second yes")).to_be_visible()
        await agree(desk)
    await expect(desk.get_by_text("Three days after the second yes")).to_have_count(0)
    await town.stage.pass_by(days=3, minutes=1)

    [link] = [
        found[1]
        for mail in office.took
        if (found := re.search(r"https://market\.example(/recover#\S+)", mail.get_content()))
    ]
    lost = await town.look("zh", PHONE)
    await town.go(lost, link)
    await lost.get_by_label("新密码").fill(NEW)
    await lost.get_by_role("button", name="设置密码").click()
    await lost.locator("main").get_by_role("link", name="登录").click()
    await lost.get_by_label("登录名").fill("guinan.pay")
    await lost.get_by_label("密码").fill(NEW)
    await lost.get_by_role("button", name="登录", exact=True).click()
    await expect(lost).to_have_url(f"{town.url}/")
