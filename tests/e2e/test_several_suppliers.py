"""A group buy whose auction two suppliers share, as a member and a supplier see it."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from aggregator.ledger.verifying import verify
from tests.e2e.conftest import PHONE, Town
from tests.e2e.test_pool_pages import look_at, open_pool

pytestmark = pytest.mark.browser


async def test_a_member_sees_his_suppliers_and_what_was_levelled(town: Town) -> None:
    await town.offer("laibin", (300, "4900.00"))
    pool = await open_pool(town, mode="both", auction_minutes=10, max_share=60)
    for login, lots in (("guinan", 80), ("yongjiang", 101), ("wuzhou", 120)):
        body = {"lots": lots, "limit": "5050.00", "freight": "30.00"}
        await (await town.as_program(login)).post(f"/pools/{pool}/pledges", body)
    await town.stage.pass_by(hours=2)
    member = await town.as_program("yongjiang")
    room = (await member.get(f"/pools/{pool}"))["you"]["group"]["auction_id"]
    for mill, price in (("laibin", "4850.00"), ("baise", "4880.00")):
        seller = await town.as_program(mill)
        assert (await seller.get(f"/auctions/{room}"))["lots"] == 301
        await seller.post(f"/auctions/{room}/bids", {"price": price, "lots": 301})
    await town.stage.pass_by(minutes=15)

    page = await look_at(town, f"/pools/{pool}", "yongjiang", language="en", size=PHONE)
    aside = page.locator("aside")
    await expect(aside).to_contain_text("Several suppliers won")
    await expect(aside.locator("tbody tr")).to_have_count(2)
    await expect(aside).to_contain_text("4,850.00")
    await expect(aside).to_contain_text("4,880.00")
    await aside.locator("tbody a").first.click()
    await town.ready(page)
    assert "/deals/" in page.url
    for mill, lots in (("laibin", "180 t"), ("baise", "121 t")):
        sold = await look_at(town, f"/pools/{pool}", mill, language="en")
        await expect(sold.locator("aside .facts").first).to_contain_text(lots)
    assert not (await verify()).differences
