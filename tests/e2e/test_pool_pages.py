"""A group buy through pages alone: three buyers and a supplier at once, each with his secrets."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from playwright.async_api import Error, Page, Response, WebSocket, expect

from aggregator.journal.facts import stamp
from aggregator.ledger.verifying import verify
from tests.builders import a_deal, an_actor, with_tier
from tests.e2e.conftest import CELL, OPERATOR, PHONE, Town
from tests.integration.demand.building import settle
from tests.integration.pools.building import Scene

pytestmark = pytest.mark.browser

BREAKS = (("1", "5000.00"), ("300", "4900.00"), ("400", "4850.00"))


@dataclass
class Member:
    """A firm at its browser, with what nobody else may ever see of it."""

    login: str
    page: Page
    lots: tuple[int, ...]
    limits: tuple[str, ...]
    heard: list[str] = field(default_factory=list)

    def listen(self) -> None:
        """Keep all that the market sends to this browser."""
        self.page.on("response", lambda answer: asyncio.ensure_future(self._take(answer)))
        self.page.on("websocket", self._hear)

    async def _take(self, answer: Response) -> None:
        if "/api/v1/" in answer.url and answer.request.method != "OPTIONS":
            with contextlib.suppress(Error):  # A page that moved on keeps no body.
                self.heard.append(await answer.text())

    def _hear(self, socket: WebSocket) -> None:
        socket.on("framereceived", lambda text: self.heard.append(str(text)))


def scalars(value: Any) -> Iterator[object]:
    if isinstance(value, dict):
        for part in value.values():
            yield from scalars(part)
    elif isinstance(value, list):
        for part in value:
            yield from scalars(part)
    else:
        yield value


async def assert_sees_only_his_own(town: Town, member: Member, others: list[Member]) -> None:
    """Neither the page nor anything it was sent holds another's lots, limits or name."""
    shown = await member.page.evaluate("document.documentElement.outerText")
    told = {value for text in member.heard for value in scalars(json.loads(text))}
    for other in others:
        secret = {*other.lots, *other.limits, town.firms[other.login]}
        assert told.isdisjoint(secret), (member.login, told & secret)
        for lots in other.lots:
            assert not re.search(rf"(?<![\d,.:]){lots}(?![\d,.:])", shown), (member.login, lots)
        for limit in other.limits:
            assert f"{limit[0]},{limit[1:]}" not in shown


async def open_pool(town: Town, *, cell: str = CELL, **rules: Any) -> str:
    """Open a pool that firms in an hour and closes in two."""
    now = town.stage.clock.now()
    given = {
        "cell": cell,
        "firming_at": stamp(now + timedelta(hours=1)),
        "closes_at": stamp(now + timedelta(hours=2)),
        "mode": "breaks",
        **rules,
    }
    made = await (await town.as_program(OPERATOR)).post("/pools", given)
    return str(made["pool_id"])


async def agree(page: Page, act: str) -> None:
    dialog = page.get_by_role("dialog")
    await dialog.get_by_role("button", name=act, exact=True).click()
    await expect(dialog).to_have_count(0)


async def fill_in(page: Page, **values: str) -> None:
    for name, value in values.items():
        await page.locator(f"aside [name={name}]").fill(value)


async def join(member: Member, act: str, *, freight: str = "30.00") -> None:
    page = member.page
    await fill_in(page, lots=str(member.lots[0]), limit=member.limits[0], freight=freight)
    await expect(page.locator("main")).to_contain_text("4,939.80")
    await page.get_by_role("button", name=act, exact=True).click()
    told = re.compile(r"(保证金|Deposit)[\d,]+\.\d\d")
    await expect(page.get_by_role("dialog")).to_contain_text(told)
    await agree(page, act)
    await expect(page.locator("aside .facts").first).to_contain_text(f"{member.lots[0]} ")


async def publish_offer(page: Page) -> None:
    await page.get_by_text("Publish an offer").first.click()
    await page.get_by_label("Delivery month").select_option("2027-03")
    rows = page.locator("fieldset tbody tr")
    await page.get_by_role("button", name="One more row").click()
    for row, (lots, price) in enumerate(BREAKS):
        await rows.nth(row).locator("input").nth(0).fill(lots)
        await rows.nth(row).locator("input").nth(1).fill(price)
    await page.get_by_label("Capacity").fill("2000")
    await page.get_by_role("button", name="Publish an offer").click()
    await agree(page, "Publish an offer")
    await expect(page.locator("main")).to_contain_text("from 400 t: 4,850.00")


async def look_at(town: Town, path: str, login: str, **how: Any) -> Page:
    page = await town.look(login=login, **how)
    await town.go(page, path)
    return page


async def test_three_buyers_and_a_supplier_play_a_pool_at_once(town: Town) -> None:
    pool = await open_pool(town, prolong_minutes=60, mode="both", auction_minutes=10)
    path = f"/pools/{pool}"
    pages = await asyncio.gather(
        look_at(town, path, "guinan"),
        look_at(town, path, "yongjiang", language="en", size=PHONE),
        look_at(town, path, "liuzhou"),
        look_at(town, "/offers", "laibin", language="en"),
    )
    members = [
        Member("guinan", pages[0], (83, 88), ("5041.00",)),
        Member("yongjiang", pages[1], (101, 109), ("5052.00", "5057.00")),
        Member("liuzhou", pages[2], (157,), ("5063.00",)),
    ]
    a, b, c = members
    mill = pages[3]
    for member in members:
        member.listen()

    async def everybody_sees_only_his_own() -> None:
        await asyncio.gather(
            *(
                assert_sees_only_his_own(town, m, [o for o in members if o is not m])
                for m in members
            )
        )

    await publish_offer(mill)
    await expect(a.page.locator("main")).to_contain_text("4,850.00")
    await asyncio.gather(join(a, "参加团购"), join(b, "Join"), join(c, "参加团购"))
    await expect(a.page.locator("main")).to_contain_text("每 15 分钟公布一次")
    await town.stage.pass_by(minutes=15)
    for member in members:
        await expect(member.page.get_by_role("progressbar")).to_have_attribute("value", "80")
    await everybody_sees_only_his_own()

    await asyncio.gather(_change_and_change_back(a), _leave_and_rejoin(b), _agree_to_prolong(c))
    await fill_in(a.page, lots="88")
    await expect(a.page.locator("main")).to_contain_text("您参加后")
    await a.page.get_by_role("button", name="修改认购", exact=True).click()
    await agree(a.page, "修改认购")
    await expect(a.page.locator("aside .facts").first).to_contain_text("88 吨")
    await town.stage.pass_by(minutes=15)
    for member in members:
        await expect(member.page.get_by_role("progressbar")).to_have_attribute("value", "80")

    await town.stage.pass_by(minutes=30)
    await asyncio.gather(_sees_firming(a, "锁定期内不可退出"), _raises_in_firming(b))
    await expect(c.page.locator("aside")).to_contain_text("锁定期内同意后不可撤回")
    await everybody_sees_only_his_own()

    await town.stage.pass_by(hours=1)
    await expect(a.page.locator("aside")).to_contain_text("已成团，您的数量 88 吨")
    await town.stage.pass_by(minutes=15)
    await asyncio.gather(
        _sees_result(a, "我的结果", "88 吨"),
        _sees_result(b, "My result", "109 t"),
        _sees_result(c, "我的结果", "157 吨"),
    )
    await everybody_sees_only_his_own()
    await town.go(mill, path)
    await expect(mill.locator("aside")).to_contain_text("My supply")
    await expect(mill.locator("aside .facts").first).to_contain_text("354 t")
    assert not (await verify()).differences


async def _change_and_change_back(member: Member) -> None:
    """Change one's lots, and take that back while its word is on the screen."""
    page = member.page
    await fill_in(page, lots="99")
    await page.get_by_role("button", name="修改认购", exact=True).click()
    await agree(page, "修改认购")
    await expect(page.locator("aside .facts").first).to_contain_text("99 吨")
    await page.get_by_role("button", name="撤销修改").click()
    await expect(page.locator("aside .facts").first).to_contain_text("83 吨")


async def _leave_and_rejoin(member: Member) -> None:
    """Leave on the phone, see the deposit free, and come back by one press."""
    page = member.page
    await expect(page.locator("aside")).to_contain_text("Progress without you")
    await page.get_by_role("button", name="Withdraw").click()
    await agree(page, "Withdraw")
    await expect(page.locator("#said")).to_contain_text("the deposit is free again")
    await page.get_by_role("button", name="Join again").click()
    await expect(page.locator("aside .facts").first).to_contain_text("101 t")


async def _agree_to_prolong(member: Member) -> None:
    """Agree, take it back, and agree again while the pool gathers."""
    page = member.page
    await page.get_by_role("button", name="同意延长").click()
    await page.get_by_role("button", name="撤回同意").click()
    await page.get_by_role("button", name="同意延长").click()
    await expect(page.locator("aside")).to_contain_text("您已同意")


async def _sees_firming(member: Member, words: str) -> None:
    await expect(member.page.locator("aside")).to_contain_text(words)
    await expect(member.page.locator("button.danger")).to_have_count(0)


async def _raises_in_firming(member: Member) -> None:
    """Be refused a lower limit beside its field, then raise lots and limit."""
    page = member.page
    await page.get_by_text("Change my pledge").first.click()
    await fill_in(page, limit="5051.00")
    await page.get_by_role("button", name="Change my pledge", exact=True).click()
    await agree(page, "Change my pledge")
    await expect(page.locator("[name=limit]")).to_have_attribute("aria-invalid", "true")
    await fill_in(page, lots="109", limit="5057.00")
    await page.get_by_role("button", name="Change my pledge", exact=True).click()
    await agree(page, "Change my pledge")
    await expect(page.locator("aside .facts").first).to_contain_text("109 t")


async def _sees_result(member: Member, title: str, lots: str) -> None:
    aside = member.page.locator("aside")
    await expect(aside).to_contain_text(title)
    await expect(aside.locator(".facts").first).to_contain_text(lots)


async def test_what_one_leaves_unpaid_is_offered_to_another_and_less_may_come(town: Town) -> None:
    pool = await _a_default(town)
    path = f"/pools/{pool}"
    guinan = await look_at(town, path, "guinan")
    aside = guinan.locator("aside")
    await expect(aside).to_contain_text("空出的数量给您")
    await expect(aside).to_contain_text("80 吨")
    await guinan.get_by_role("button", name="接受", exact=True).click()
    await agree(guinan, "接受")
    await expect(aside).to_contain_text("查看成交")
    await _fund(town, "guinan")

    mill = await look_at(town, path, "laibin", language="en", size=PHONE)
    await mill.get_by_text("Cannot deliver it all?").click()
    await mill.locator("aside [name=lots]").fill("370")
    await mill.get_by_role("button", name="Declare the shortfall").click()
    await agree(mill, "Declare the shortfall")
    await expect(mill.locator("[name=lots]")).to_have_attribute("aria-invalid", "true")
    await mill.locator("aside [name=lots]").fill("240")
    await mill.get_by_role("button", name="Declare the shortfall").click()
    await agree(mill, "Declare the shortfall")

    await expect(mill.locator("aside")).to_contain_text("Will be delivered")
    await expect(aside).to_contain_text("实际交付")
    await expect(aside).to_contain_text("64 吨")
    await _settle(town, "guinan", 64)
    await _sees_what_comes_next(town)
    assert not (await verify()).differences


async def _a_default(town: Town) -> str:
    """Let three of four share 370 lots and one of them not pay; guinan's month is too small."""
    await town.offer("laibin", (300, "4900.00"))
    pool = await open_pool(town)
    wants = (
        ("guinan", 80, 80),
        ("yongjiang", 100, 100),
        ("wuzhou", 120, 120),
        ("liuzhou", 150, 200),
    )
    for login, lots, size in wants:
        body = {"lots": lots, "limit": "5050.00", "freight": "30.00", "size": size}
        await (await town.as_program(login)).post(f"/pools/{pool}/pledges", body)
    page = await look_at(town, f"/pools/{pool}", "guinan", language="en", size=PHONE)
    await town.stage.pass_by(hours=2)
    await expect(page.locator("aside")).to_contain_text("Your deposit is free again")
    await page.close()
    for login in ("yongjiang", "wuzhou"):
        await _fund(town, login)
    await town.stage.pass_by(days=3)
    return pool


async def _deal_of(town: Town, login: str) -> str:
    deals = (await (await town.as_program(login)).get("/deals"))["deals"]
    return f"/deals/{deals[0]['deal_id']}"


async def _fund(town: Town, login: str) -> None:
    deal = await _deal_of(town, login)
    await (await town.as_program(f"{login}.pay")).post(f"{deal}/fund")


async def _settle(town: Town, login: str, lots: int) -> None:
    """Carry a paid deal to its settlement."""
    deal, buyer = await _deal_of(town, login), await town.as_program(login)
    mill = await town.as_program("laibin")
    await mill.post(f"{deal}/ship", {"lots": lots, "carrier": "Guiyun"})
    document = {"lots": lots, "place": "Nanning", "document": "W-1"}
    await mill.post(f"{deal}/deliver", document)
    await buyer.post(f"{deal}/accept", {"lots": lots})
    await mill.post(f"{deal}/invoice")


async def _sees_what_comes_next(town: Town) -> None:
    """Be proposed the next pool from one's own settled deal, and see what it would save."""
    cell = "SUGAR-W1/GX/2027-04"
    mill = await town.as_program("laibin")
    breaks = [{"from_lots": 1, "price": "4950.00"}, {"from_lots": 300, "price": "4800.00"}]
    await mill.post("/offers", {"cell": cell, "breaks": breaks, "capacity_lots": 900})
    pool = await open_pool(town, cell=cell)
    page = await look_at(town, "/pools", "guinan")
    proposed = page.locator("main").get_by_role("link", name=re.compile("2027年4月")).first
    await expect(page.locator("main")).to_contain_text("您可能需要的下一次团购")
    await proposed.click()
    await town.ready(page)
    assert f"/pools/{pool}" in page.url
    await expect(page.locator("aside [name=lots]")).to_have_value("64")
    await page.locator("aside [name=freight]").fill("30.00")
    # Landed last at 4900.00 + 30.00 + 9.80, now at 300 lots 4800.00 + 30.00 + 9.60.
    await expect(page.locator(".savings").last).to_contain_text("+100.20")
    await expect(page.locator("main")).to_contain_text("贵公司上次到货价 4,939.80")


async def test_a_request_is_kept_repeated_sent_and_taken_back_by_hand(town: Town) -> None:
    await town.offer("laibin", (1, "5000.00"), (300, "4900.00"))
    pool = await open_pool(town)
    page = await look_at(town, "/requests", "guinan", language="en", size=PHONE)

    await _write_request(page, is_template=True)
    await expect(page.locator("main")).to_contain_text("Does not come again by itself.")
    await page.get_by_text("Repeat by the month").first.click()
    await page.get_by_role("button", name="Repeat by the month").click()
    await expect(page.locator("main")).to_contain_text("Drafts itself every month")
    await page.get_by_role("button", name="Stop repeating").click()
    await expect(page.locator("main")).to_contain_text("Does not come again by itself.")
    await page.get_by_role("button", name="Make a draft").click()
    await expect(page.locator("main")).to_contain_text("Set a limit before sending it")
    draft = page.locator("section.panel", has_text="draft").first
    await draft.get_by_text("Change", exact=True).first.click()
    await draft.locator("[name=limit]").fill("5041.00")
    await draft.get_by_role("button", name="Change", exact=True).click()
    await page.get_by_role("button", name="Send to the pool").click()
    await agree(page, "Send to the pool")
    await page.wait_for_url(f"**/pools/{pool}")
    await town.ready(page)
    await expect(page.locator("aside .facts").first).to_contain_text("83 t")

    await town.go(page, "/requests")
    await page.locator("table").get_by_role("button", name="Withdraw").click()
    await agree(page, "Withdraw")
    await expect(page.locator("table")).to_contain_text("withdrawn")
    money = await (await town.as_program("guinan.pay")).get("/money")
    assert money["holds"] == []


async def _write_request(page: Page, *, is_template: bool) -> None:
    await page.get_by_text("New request").first.click()
    made = page.locator("details", has_text="New request").first
    await made.get_by_label("First delivery month").select_option("2027-03")
    await made.locator("[name=lots]").fill("83")
    if is_template:
        await made.get_by_label("Keep as a template").check()
    await made.get_by_role("button", name="New request").click()
    await expect(page.locator("main")).to_contain_text("83 t")


async def test_what_is_being_typed_stays_while_others_come_and_the_step_is_told(
    town: Town,
) -> None:
    await town.offer("laibin", (1, "5000.00"), (300, "4900.00"))
    pool = await open_pool(town)
    page = await look_at(town, f"/pools/{pool}", "guinan", language="en")
    await expect(page.locator("#line")).to_have_text("live")
    await fill_in(page, lots="83", limit="5041.00")
    await page.locator("aside [name=limit]").focus()

    for login, lots in (("yongjiang", 101), ("wuzhou", 120), ("liuzhou", 150)):
        body = {"lots": lots, "limit": "5050.00"}
        await (await town.as_program(login)).post(f"/pools/{pool}/pledges", body)
    await town.offer("baise", (300, "4880.00"))
    await town.stage.pass_by(minutes=15)

    await expect(page.get_by_role("progressbar")).to_have_attribute("value", "100")
    await expect(page.locator("main")).to_contain_text("4,880.00")
    await expect(page.locator("aside [name=lots]")).to_have_value("83")
    await expect(page.locator("aside [name=limit]")).to_be_focused()
    await page.keyboard.press("Enter")
    await agree(page, "Join")
    await expect(page.locator("aside .facts").first).to_contain_text("83 t")


async def test_a_limit_says_which_price_it_reaches_before_it_binds(town: Town) -> None:
    await town.offer("laibin", (1, "5000.00"), (300, "4900.00"))
    pool = await open_pool(town)
    page = await look_at(town, f"/pools/{pool}", "guinan", language="en", size=PHONE)
    main = page.locator("main")

    await fill_in(page, lots="80", limit="4800.00", freight="30.00")
    await expect(main).to_contain_text("cannot be met. The lowest is 4,939.80 landed, from 300 t")
    await page.get_by_role("button", name="Join", exact=True).click()
    await expect(page.get_by_role("dialog")).to_contain_text("cannot be met")
    await page.get_by_role("dialog").get_by_role("button", name="Not yet").click()
    await fill_in(page, limit="5000.00")

    await expect(main).to_contain_text("Your limit reaches the price from 300 t: 4,939.80 landed")
    await expect(main).not_to_contain_text("cannot be met")


async def test_a_next_pool_comes_with_a_limit_that_reaches_a_price(town: Town) -> None:
    await settle(scene_of(town), "guinan", 80, seller="laibin", goods_minor=470_000)
    await town.offer("laibin", (1, "5000.00"), (300, "4900.00"))
    await open_pool(town)

    page = await look_at(town, "/pools", "guinan", language="en")

    words = "What you paid last reaches no price here. Proposed limit 4,930.00"
    await expect(page.locator("main")).to_contain_text(words)
    await page.locator(".list a").first.click()
    await town.ready(page)
    await expect(page.locator("aside [name=limit]")).to_have_value("4930.00")
    await expect(page.locator("main")).to_contain_text("Your limit reaches the price from 300 t")


async def test_a_deposit_lowered_by_a_tier_says_so_wherever_it_is_shown(town: Town) -> None:
    await with_tier(town.firms["guinan"], 2)
    await town.offer("laibin", (1, "5000.00"))
    pool = await open_pool(town)
    page = await look_at(town, f"/pools/{pool}", "guinan", language="en")
    how = "10 % of limit × quantity, tolerance included"
    lowered = f"{how}: 40,800.00; your tier takes off 8,160.00"

    await page.locator("summary", has_text="Rules").click()
    await expect(page.locator("main")).to_contain_text(how)
    await fill_in(page, lots="80", limit="5100.00")
    await page.get_by_role("button", name="Join", exact=True).click()
    await expect(page.get_by_role("dialog")).to_contain_text("32,640.00")
    await expect(page.get_by_role("dialog")).to_contain_text(lowered)
    await agree(page, "Join")

    await expect(page.locator("aside .facts").first).to_contain_text(lowered)
    deal_id = await a_deal(
        town.stage.market,
        buyer=town.firms["guinan"],
        seller=town.firms["laibin"],
        source="pool",
        lots=10,
        deposit_off_bps=2_000,
    )
    payer = await look_at(town, f"/deals/{deal_id}", "guinan.pay", language="en")
    words = re.compile(r"8 % of the total with tax, [\d,]+\.\d\d\. The product asks for 10 %")
    await expect(payer.locator("main")).to_contain_text(words)


def scene_of(town: Town) -> Scene:
    """Return the town's market and firms as the scenes of settled deals know them."""
    names = ("guinan", "laibin")
    actors = {name: an_actor(town.firms[name], group=name) for name in names}
    return Scene(town.stage.market, town.stage.clock, actors)
