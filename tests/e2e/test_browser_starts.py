from __future__ import annotations

import pytest
from playwright.async_api import Browser


@pytest.mark.browser
async def test_the_browser_shows_chinese_and_runs_scripts(browser: Browser) -> None:
    context = await browser.new_context(locale="zh-CN")
    page = await context.new_page()

    await page.set_content("<p id=here>蔗糖</p><script>here.append(navigator.language)</script>")

    assert await page.text_content("#here") == "蔗糖zh-CN"
    await context.close()
