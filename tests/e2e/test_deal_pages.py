"""A delivery below its grade in browsers: photographed, graded by the table, and ticketed."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from aggregator.journal.reading import Pool
from aggregator.ledger.verifying import verify
from aggregator.prices import reviewing
from tests.builders import a_command, a_deal
from tests.e2e.conftest import OPERATOR, PHONE, Town
from tests.integration.prices.test_publication import settle
from tests.unit.aggregator.test_pictures import a_photograph

pytestmark = pytest.mark.browser


async def test_a_delivery_below_its_grade_is_photographed_graded_and_ticketed(
    town: Town, tmp_path: Path
) -> None:
    desk = await town.look("en", login=OPERATOR)
    await town.go(desk, "/desk")
    await _publish_adjustments(desk)
    await town.stage.pass_by(minutes=1)
    deal_id = await _shipped(town)
    buyer = await town.look("en", PHONE, login="guinan")
    await town.go(buyer, f"/deals/{deal_id}")
    file = tmp_path / "bags.jpg"
    file.write_bytes(a_photograph("JPEG"))

    await buyer.locator("summary", has_text="Add a photograph").click()
    await buyer.locator("[name=picture]").set_input_files(file)
    await buyer.get_by_role("button", name="Add", exact=True).click()
    await expect(buyer.locator(".pictures img")).to_have_count(1)
    await expect(buyer.locator("main")).to_contain_text("Moisture, 1/100 %")
    await buyer.get_by_label("Moisture, 1/100 %").fill("25")
    await buyer.get_by_role("button", name="Accept").first.click()
    await expect(buyer.get_by_role("dialog")).to_contain_text("2.5 %")
    await buyer.get_by_role("dialog").get_by_role("button", name="Accept").click()
    await expect(buyer.locator("main")).to_contain_text("Below quality")
    await buyer.locator("summary", has_text="Open a service ticket").click()
    await buyer.get_by_label("Lots in dispute").fill("4")
    await buyer.get_by_label("What is the matter").fill("yellow bags")
    await buyer.get_by_role("button", name="Open a service ticket").click()
    await _agree(buyer, "Open a service ticket")

    seller = await town.look("en", login="laibin")
    await town.go(seller, f"/deals/{deal_id}")
    await expect(seller.locator(".pictures img")).to_have_count(1)
    await seller.get_by_label("Answer").fill("a sample is on its way")
    await seller.get_by_role("button", name="Answer").click()
    await expect(seller.locator("main")).to_contain_text("a sample is on its way")
    await seller.get_by_role("button", name="Issue the invoice").click()
    await seller.get_by_role("dialog").get_by_role("button", name="Issue the invoice").click()
    await seller.locator("summary", has_text="Tax platform's number").click()
    await seller.get_by_label("Tax platform's number").fill("25452000000012345678")
    await seller.get_by_role("button", name="Keep the number").click()
    await expect(seller.locator("main")).to_contain_text("25452000000012345678")
    await _is_a_document_on_paper(seller)
    await town.go(desk, "/desk")
    await expect(desk.locator("main")).to_contain_text("Service tickets (1)")
    await desk.get_by_role("button", name="Decide").click()
    await _agree(desk, "Decide")
    await expect(desk.locator("main")).not_to_contain_text("Service tickets (1)")

    (photograph,) = await Pool().rows("select content from photograph")
    assert b"SecretCamera" not in photograph["content"]
    (ticket,) = await Pool().rows("select state, lots from ticket")
    assert (ticket["state"], ticket["lots"]) == ("rejected", 4)
    assert not (await verify()).differences


async def test_a_second_person_releases_what_looked_like_circular_trade(town: Town) -> None:
    market = town.stage.market
    for number, (seller, buyer) in enumerate((("S", "B"), ("B", "S"))):
        await settle(market, number, buyer=buyer, seller=seller)
    colleague, reason = await town.colleague(), "two harvests"
    await reviewing.propose(
        market, colleague, a_command(), "deal_001", verdict="release", reason=reason
    )
    desk = await town.look("zh", PHONE, login=OPERATOR)
    await town.go(desk, "/desk")

    await expect(desk.locator("main")).to_contain_text("疑似循环贸易（1）")
    await expect(desk.locator("main")).to_contain_text("two harvests")
    await expect(desk.get_by_role("cell", name="已搁置")).to_have_count(2)
    await desk.get_by_role("button", name="批准：放行").click()
    await _agree(desk, "批准：放行")
    await expect(desk.locator("main")).not_to_contain_text("疑似循环贸易")
    await desk.locator("summary", has_text="试算平衡表").click()
    await expect(desk.locator(".trial tbody tr")).to_have_count(3)

    rows = await Pool().rows("select deal_id, state from price_deal where deal_id < 'deal_002'")
    assert {row["deal_id"]: row["state"] for row in rows} == {
        "deal_000": "waiting",
        "deal_001": "waiting",
    }


async def test_promise_and_measure_read_in_the_page_s_language(town: Town) -> None:
    deal_id = await _shipped(town, weight_kg=39_980)
    page = await town.look("zh", login="guinan")

    await town.go(page, f"/deals/{deal_id}")

    terms = page.locator("section", has=page.get_by_role("heading", name="约定与实测"))
    await expect(terms).to_contain_text("不迟于 2027年")
    await expect(terms).to_contain_text("4,900.00 元/吨")
    await expect(terms).to_contain_text("40 吨 · 39,980 kg")


async def _is_a_document_on_paper(page: Page) -> None:
    """What is printed at night is black on white, and offers nothing to press."""
    await page.emulate_media(media="print", color_scheme="dark")
    for name in ("form", "button", "nav", 'a[href^="/api/"]'):
        await expect(page.locator(f"{name}:visible")).to_have_count(0)
    await expect(page.locator("html")).to_have_css("background-color", "rgb(255, 255, 255)")
    await expect(page.locator(".panel").first).to_have_css("background-color", "rgb(255, 255, 255)")
    await expect(page.locator("main")).to_contain_text("25452000000012345678")


async def _publish_adjustments(desk: Page) -> None:
    await desk.locator("summary", has_text="Publish price adjustments").click()
    form = desk.locator("details[open]", has_text="Publish price adjustments")
    await form.get_by_label("Measure", exact=True).fill("moisture_bps")
    row = form.locator("fieldset tbody tr").first
    await row.locator("input").nth(0).fill("21")
    await row.locator("input").nth(1).fill("250")
    await form.get_by_role("button", name="Publish price adjustments").click()
    await _agree(desk, "Publish price adjustments")
    await expect(desk.locator("#said")).to_contain_text("The rows are published")


async def _shipped(town: Town, **weighed: int) -> str:
    """Return a deal of 40 t that waits for its buyer's acceptance."""
    deal_id = await a_deal(
        town.stage.market,
        buyer=town.firms["guinan"],
        seller=town.firms["laibin"],
        lots=40,
        goods_minor=490_000,
        freight_minor=10_000,
    )
    finance, mill = await town.as_program("guinan.pay"), await town.as_program("laibin")
    await finance.post(f"/deals/{deal_id}/fund", {})
    await mill.post(f"/deals/{deal_id}/ship", {"lots": 40, "carrier": "China Rail"})
    receipt = {"lots": 40, "place": "Nanning 3", "document": "WB-17", **weighed}
    await mill.post(f"/deals/{deal_id}/deliver", receipt)
    return deal_id


async def _agree(page: Page, act: str) -> None:
    await page.get_by_role("dialog").get_by_role("button", name=act).click()
