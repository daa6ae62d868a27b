"""A boss names an address for his firm's notices in a real browser, and takes it back."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.e2e.conftest import Town
from tests.e2e.test_approval_story import hired

pytestmark = pytest.mark.browser


async def test_a_boss_names_an_address_and_takes_it_back(town: Town) -> None:
    await hired(town, "guinan.boss", "owner")
    page = await town.look("en", login="guinan.boss")

    await town.go(page, "/account")
    panel = page.locator("section", has=page.get_by_role("heading", name="Webhooks"))
    await panel.get_by_label("Address").fill("http://10.0.0.1/hook")
    await panel.get_by_role("button", name="Send notices there").click()
    await expect(panel.get_by_text("an https address of the open internet")).to_be_visible()
    await panel.get_by_label("Address").fill("https://hooks.invalid/market")
    await panel.get_by_text("Deals", exact=True).click()
    await panel.get_by_label("New deal").check()
    await panel.get_by_role("button", name="Send notices there").click()
    await expect(panel.get_by_text("whsec_")).to_be_visible()
    row = panel.get_by_role("row", name="https://hooks.invalid/market")
    await expect(row).to_contain_text("New deal")
    await expect(row).to_contain_text("in use")
    await row.get_by_role("button", name="Deliveries").click()
    await expect(panel.get_by_text("Nothing was sent there yet.")).to_be_visible()
    await row.get_by_role("button", name="Remove").click()
    await expect(panel.get_by_text("No address yet.")).to_be_visible()
