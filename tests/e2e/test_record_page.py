"""The owner's page of what was done in the firm's name, and of who was let in to look."""

from __future__ import annotations

import httpx
import pytest
from playwright.async_api import expect

from tests.e2e.conftest import PHONE, Town
from tests.e2e.test_approval_story import hired
from web.demonstration.visitor import Refused

pytestmark = pytest.mark.browser


async def test_a_refusal_without_its_figures_is_still_a_sentence(town: Town) -> None:
    await hired(town, "guinan.boss", "owner")
    buyer = await town.as_program("guinan")
    pool = await town.open_pool()
    with pytest.raises(Refused):
        await buyer.post(f"/pools/{pool}/pledges", {"lots": 0, "limit": "5000.00"})
    boss = await town.look("zh", PHONE, login="guinan.boss")

    await town.go(boss, "/record")

    await expect(boss.locator("main")).to_contain_text("填写的内容不符合规则")
    await expect(boss.locator("main")).not_to_contain_text("…：…")


async def test_an_owner_lets_the_market_look_sees_it_and_ends_it(town: Town) -> None:
    await hired(town, "guinan.boss", "owner")
    operator = await town.as_program("operator")
    boss = await town.look("en", PHONE, login="guinan.boss")
    await town.go(boss, "/people")
    await boss.get_by_role("link", name="Record").click()
    await boss.get_by_label("Reason").fill("a late lorry")
    await boss.get_by_role("button", name="Let them look").click()
    await expect(boss.locator("main")).to_contain_text("nothing yet")

    (grant,) = (await operator.get("/support-sessions"))["grants"]
    let_in = await operator.post("/support-sessions", {"grant": grant["grant_id"]})
    headers = {"Authorization": f"Bearer {let_in['token']}"}
    async with httpx.AsyncClient(base_url=town.url, headers=headers, trust_env=False) as support:
        assert (await support.get("/api/v1/deals")).status_code == 200
    await boss.reload()
    await expect(boss.locator("main")).to_contain_text("GET /api/v1/deals")
    await boss.get_by_role("button", name="End it now").click()
    await expect(boss.get_by_role("button", name="End it now")).to_have_count(0)

    async with httpx.AsyncClient(base_url=town.url, headers=headers, trust_env=False) as support:
        assert (await support.get("/api/v1/deals")).status_code == 401
    async with boss.expect_download() as waiting:
        await boss.get_by_role("link", name="Export as CSV").click()
    exported = (await (await waiting.value).path()).read_text(encoding="utf-8-sig")
    assert exported.splitlines()[0] == "at,person_id,person,kind,name,outcome,detail"
    assert "SupportGranted" in exported
