"""Acts beyond a mandate, asked for where they are refused and approved on a phone, each once."""

from __future__ import annotations

import pytest
from playwright.async_api import Page, expect

from tests.builders import a_deal
from tests.e2e.conftest import CELL, COLLEAGUE, OPERATOR, PHONE, Town
from tests.e2e.test_approval_story import agree, hired
from tests.e2e.test_auction_rooms import fits
from web.demonstration.visitor import Refused

pytestmark = pytest.mark.browser


async def ask(page: Page) -> None:
    await expect(page.locator("main")).to_contain_text("Beyond your mandate")
    await page.get_by_role("button", name="Ask for approval").first.click()
    await expect(page.locator("#said")).to_contain_text("Sent for approval")


async def approve(boss: Page, *shown: str) -> None:
    """Read the card and say yes."""
    card = boss.locator(".approval")
    for text in shown:
        await expect(card).to_contain_text(text)
    await card.get_by_role("button", name="Approve").click()
    await agree(boss, "Approve")
    await expect(boss.locator("#said")).to_contain_text("carried out")


async def test_a_changed_pledge_and_an_offer_are_approved_on_a_phone(town: Town) -> None:
    # Who traded with each other may name each other.
    await a_deal(town.stage.market, buyer=town.firms["guinan"], seller=town.firms["laibin"])
    pool = await town.open_pool()
    clerk = await town.as_program("guinan")
    pledge = {"lots": 60, "limit": "5050.00"}
    await clerk.post(f"/pools/{pool}/pledges", pledge)
    await hired(town, "guinan.boss", "owner")
    boss = await town.look("en", PHONE, login="guinan.boss")
    await _bind_pledges(town, boss)

    page = await town.look("en", login="guinan")
    await town.go(page, f"/pools/{pool}")
    await page.locator("[name=limit]").fill("5060.00")
    await page.get_by_role("button", name="Change my pledge", exact=True).click()
    await agree(page, "Change my pledge")
    await ask(page)
    await town.go(boss, "/approvals")
    await approve(boss, "Group-buy pledge · change a pledge", "5,060.00", "303,600.00")

    [asked] = (await clerk.get("/approvals"))["approvals"]
    assert (asked["state"], asked["outcome"]["limit"]) == ("executed", "5060.00")
    with pytest.raises(Refused) as again:
        await (await town.as_program("guinan.boss")).post(
            f"/approvals/{asked['approval_id']}/approve", {"fingerprint": asked["fingerprint"]}
        )
    assert again.value.problem["code"] == "wrong_state"
    await _offers(town)


async def _bind_pledges(town: Town, boss: Page) -> None:
    """Let pledges be free only with the mill, chosen by its name."""
    await town.go(boss, "/mandates")
    rule = boss.locator("form", has=boss.get_by_role("button", name="Set the policy"))
    await rule.get_by_label("Act").select_option(label="Group-buy pledge")
    await rule.get_by_role("checkbox", name="来宾糖厂").check()
    await rule.get_by_role("button", name="Set the policy").click()
    await expect(boss.get_by_role("row", name="Group-buy pledge")).to_contain_text("来宾糖厂")


async def _offers(town: Town) -> None:
    """Let a mill's clerk offer beyond what he may, and his boss say yes."""
    await hired(town, "laibin.boss", "owner")
    bound = {"act": "supply.offer", "chain": ["role:owner"]}
    await (await town.as_program("laibin.boss")).post("/policies", bound)
    boss = await town.look("zh", PHONE, login="laibin.boss")
    clerk = await town.look("en", login="laibin")
    await town.go(clerk, "/offers")
    await clerk.locator("summary", has_text="Publish an offer").click()
    await clerk.locator("[name=tenor]").first.select_option("2027-04")
    await clerk.get_by_label("Price 1").fill("4990")
    await clerk.get_by_label("Capacity").fill("200")
    await clerk.get_by_role("button", name="Publish an offer").click()
    await agree(clerk, "Publish an offer")
    await ask(clerk)

    await town.go(boss, "/approvals")
    card = boss.locator(".approval")
    await expect(card).to_contain_text("4,990.00")
    await expect(card).to_contain_text("998,000.00")
    await card.get_by_role("button", name="批准").click()
    await agree(boss, "批准")
    await expect(boss.locator("#said")).to_contain_text("已执行")

    offers = (await (await town.as_program("laibin")).get("/offers"))["offers"]
    assert [(one["capacity_lots"], one["state"]) for one in offers] == [(200, "standing")]


async def test_a_purchase_beyond_the_mandate_is_opened_from_a_phone(town: Town) -> None:
    await hired(town, "guinan.boss", "owner")
    bound = {"act": "auctions.bid", "chain": ["role:owner"]}
    await (await town.as_program("guinan.boss")).post("/policies", bound)
    clerk = await town.look("zh", PHONE, login="guinan")
    boss = await town.look("zh", PHONE, login="guinan.boss")
    await town.go(clerk, "/auctions")
    await clerk.locator("summary", has_text="开启竞价").click()
    await clerk.locator("[name=lots]").first.fill("130")
    await clerk.locator("[name=start]").first.fill("4985")
    await clerk.locator("[name=reserve]").fill("4875")
    await clerk.get_by_role("button", name="开启竞价").click()
    await agree(clerk, "开启竞价")
    await expect(clerk.locator("main")).to_contain_text("超出")
    await clerk.get_by_role("button", name="请求审批").first.click()
    await expect(clerk.locator("#said")).to_contain_text("已提交审批")

    await town.go(boss, "/approvals")
    card = boss.locator(".approval")
    for text in ("发起采购", "公开竞价", "130 吨", "4,985.00", "4,875.00", "648,050.00"):
        await expect(card).to_contain_text(text)
    await expect(card.get_by_role("link")).to_have_count(0)
    await fits(boss)
    await card.get_by_role("button", name="批准").click()
    await agree(boss, "批准")
    await expect(boss.locator("#said")).to_contain_text("已执行")

    [opened] = (await (await town.as_program("laibin")).get("/auctions"))["auctions"]
    assert (opened["side"], opened["lots"], opened["owner_name"]) == ("buy", 130, "桂南食品厂")
    [hold] = (await (await town.as_program("guinan.pay")).get("/money"))["holds"]
    assert hold["amount"] == "64805.00"


async def test_who_proposed_to_stop_a_pool_is_told_that_another_approves(town: Town) -> None:
    operator = await town.as_program(OPERATOR)
    await town.colleague()
    pool = await town.open_pool()
    proposer = await town.look("en", login=OPERATOR)
    colleague = await town.look("en", PHONE, login=COLLEAGUE)
    await town.go(proposer, f"/pools/{pool}")

    await proposer.get_by_label("Public reason").fill("No rail this month")
    await proposer.get_by_role("button", name="Propose: Stop this group buy").click()
    await agree(proposer, "Propose: Stop this group buy")
    await expect(proposer.locator("main")).to_contain_text("You proposed it; another person")
    await expect(proposer.get_by_role("button", name="Approve")).to_have_count(0)

    await town.go(colleague, f"/pools/{pool}")
    await colleague.get_by_role("button", name="Approve").click()
    await agree(colleague, "Approve")
    await expect(colleague.locator("main")).to_contain_text("No rail this month")
    await expect(proposer.get_by_label("Public reason")).to_have_count(0)
    assert (await operator.get(f"/pools/{pool}"))["phase"] == "lapsed"
    assert (await operator.get(f"/pools/{pool}"))["cell"] == CELL
