"""A market without anything: its operator makes all by pages."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from aggregator.settings import MarketAccount
from tests.api.conftest import PASSWORD, serving
from tests.builders import a_market
from tests.e2e.conftest import entered
from tests.e2e.tap import Tap

pytestmark = pytest.mark.browser


async def test_an_operator_of_an_empty_market_defines_what_is_traded_and_lets_a_firm_in(
    orm: str, browser: Browser, tap: Tap
) -> None:
    async with serving(a_market()) as served:
        served.url = tap.through(served.url)
        operator = await served.operator()
        page = await entered(
            browser, served.url, operator.login, "/", password=PASSWORD, locale="zh-CN"
        )
        steps = page.locator(".call", has_text="开市准备")
        await expect(steps).to_contain_text("已完成 0/4 项")
        await expect(steps).to_contain_text("AGG_BANK_ACCOUNT")
        await steps.get_by_role("link", name="定义地区").click()

        catalogue = page.locator("details", has=page.locator("summary", has_text="商品目录与地区"))
        await expect(catalogue).to_contain_text("先定义地区和品种")
        await catalogue.get_by_role("button", name="加入地区").click()
        await expect(catalogue.locator("tbody tr")).to_have_count(1)
        await _fill(catalogue.locator("form").first, code="GX", name_zh="广西", name_en="Guangxi")
        await catalogue.get_by_role("button", name="加入地区").click()
        await expect(catalogue.locator("tbody tr")).to_have_count(2)
        await _define_sugar(page)

        await page.locator("summary", has_text="登记企业").click()
        firm = page.locator("details", has=page.locator("summary", has_text="登记企业"))
        await _fill(firm, name="桂南食品厂", owner_group="guinan", monthly_lots="80")
        await firm.get_by_label("地区").select_option("GX")
        await firm.get_by_role("button", name="登记企业").click()
        await expect(firm).to_contain_text("请把此链接发给该企业负责人")

        [sugar] = (await operator.get("/instruments")).json()["instruments"]
        assert (sugar["id"], sugar["fee_bps"], sugar["deposit_bps"]) == ("SUGAR-W1", 20, 1250)
        await page.goto("/")
        await expect(steps).to_contain_text("已完成 3/4 项")
        served.context.account = MarketAccount("市场公司", "6222021001", "工商银行")
        async with page.expect_response("**/first-steps"):
            await page.reload()
        await expect(page.locator("main")).to_contain_text("还没有已结清的成交")
        await expect(steps).to_have_count(0)
        regions = (await operator.get("/regions")).json()["regions"]
        assert [(one["code"], one["parent"]) for one in regions] == [("CN", None), ("GX", "CN")]
        await page.context.close()


async def test_a_firm_is_told_where_to_pay_in_or_that_nobody_has_said_it(
    orm: str, browser: Browser, tap: Tap
) -> None:
    async with serving(a_market()) as served:
        served.url = tap.through(served.url)
        finance = await served.member("Guinan Foods", "finance")
        page = await entered(browser, served.url, finance.login, "/money", password=PASSWORD)
        way = page.locator("aside")
        await expect(way).to_contain_text("has not entered the market's own account yet")
        await expect(way.get_by_role("button", name="Copy")).to_have_count(1)

        served.context.account = MarketAccount("Sugar Market Ltd", "6222021001", "ICBC Nanning")
        await page.reload()

        await expect(way).to_contain_text("Sugar Market Ltd")
        await expect(way).to_contain_text("ICBC Nanning")
        await expect(way).not_to_contain_text("has not entered")
        await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        await way.get_by_role("button", name="Copy 6222021001").click()
        await expect(page.locator("#said")).to_contain_text("Copied")
        assert await page.evaluate("navigator.clipboard.readText()") == "6222021001"
        await page.context.close()


async def _define_sugar(page: Page) -> None:
    """Fill in a product; what is wrong is told beside its field, and nothing typed is lost."""
    form = page.locator("form", has=page.locator("[name=tick]"))
    await _fill(
        form,
        id="sugar",
        name_zh="一级白砂糖",
        name_en="White sugar, grade one",
        standard="GB/T 317-2018",
        packaging="50 kg",
        fee_bps="0.2",
        deposit_bps="12.5",
        return_policy="受潮、结块的货物，结清后 7 天内可退。",
    )
    await form.get_by_role("button", name="加入品种").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_contain_text("12.5")
    await dialog.get_by_role("button", name="加入品种").click()
    await expect(form.locator("[name=id]")).to_have_attribute("aria-invalid", "true")
    await _fill(form, id="SUGAR-W1")
    await form.get_by_role("button", name="加入品种").click()
    await dialog.get_by_role("button", name="加入品种").click()
    # In its table, not in a hint: what is opened sooner is closed as the desk is filled anew.
    await expect(page.locator("#catalogue tbody")).to_contain_text(["广西", "SUGAR-W1"])


async def _fill(form: Locator, **values: str) -> None:
    for name, value in values.items():
        await form.locator(f"[name={name}]").fill(value)
