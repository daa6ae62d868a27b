"""A buyer brings a spreadsheet to his requests, puts a bad cell right, and takes all back."""

from __future__ import annotations

import asyncio

import pytest
from playwright.async_api import FilePayload, Route, expect

from tests.e2e.conftest import CELL, PHONE, Town

pytestmark = pytest.mark.browser

INSTRUMENT, REGION, MONTH = CELL.split("/")


def a_file(limit: str) -> FilePayload:
    text = (
        "品种,地区,首个交货月份,数量（手）,最高到厂价\n"
        f"{INSTRUMENT},{REGION},{MONTH},120,5100.00\n"
        f"{INSTRUMENT},{REGION},{MONTH},60,{limit}\n"
    )
    return {"name": "需求.csv", "mimeType": "text/csv", "buffer": text.encode("gb18030")}


async def test_a_spreadsheet_becomes_drafts_and_is_taken_back(town: Town) -> None:
    page = await town.look("zh", PHONE, login="guinan")

    await town.go(page, "/requests")
    await page.get_by_text("从电子表格导入").click()
    panel = page.locator("#import-requests")
    await panel.get_by_label("文件（XLSX 或 CSV）").set_input_files(a_file("=1+1"))
    await expect(panel.get_by_role("alert")).to_contain_text("2 行中有 1 处需要更正")
    await expect(panel.get_by_role("row", name="E3")).to_contain_text("不得使用公式")
    await panel.get_by_label("文件（XLSX 或 CSV）").set_input_files(a_file("5090.00"))
    await panel.get_by_role("button", name="全部导入（2 条）").click()
    await page.get_by_role("dialog").get_by_role("button", name="全部导入（2 条）").click()
    await expect(page.locator("#said")).to_contain_text("已导入 2 条。")
    await expect(page.get_by_text("5,090.00")).to_be_visible()
    await panel.get_by_role("button", name="全部撤回").click()
    await page.get_by_role("dialog").get_by_role("button", name="全部撤回").click()

    await expect(panel.get_by_role("row", name="已撤回")).to_be_visible()
    await expect(page.get_by_text("没有草稿")).to_be_visible()


async def test_an_answer_that_comes_late_does_not_replace_a_newer_one(town: Town) -> None:
    page = await town.look("zh", login="guinan")
    may_come = asyncio.Event()

    async def late(route: Route) -> None:
        answer = await route.fetch()
        await may_come.wait()
        await route.fulfill(response=answer)

    await page.route("**/imports/requests/preview", late, times=1)
    await town.go(page, "/requests")
    await page.get_by_text("从电子表格导入").click()
    panel = page.locator("#import-requests")
    choose = panel.get_by_label("文件（XLSX 或 CSV）")
    async with page.expect_request("**/imports/requests/preview"):
        await choose.set_input_files(a_file("=1+1"))
    await choose.set_input_files(a_file("5090.00"))
    await expect(panel.get_by_role("button", name="全部导入（2 条）")).to_be_visible()
    async with page.expect_request_finished(lambda one: one.url.endswith("/preview")):
        may_come.set()

    await expect(panel.get_by_role("button", name="全部导入（2 条）")).to_be_visible()
    await expect(panel.get_by_role("alert")).to_have_count(0)
