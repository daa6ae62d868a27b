"""A stray credit on the operator's desk: one person proposes where it goes, another agrees."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.e2e.conftest import COLLEAGUE, OPERATOR, Town
from tests.e2e.test_approval_story import agree

pytestmark = pytest.mark.browser

ACCOUNT = "DE89370400440532013000"


async def test_two_persons_of_the_desk_send_a_stray_credit_back(town: Town) -> None:
    await town.colleague()
    line = {
        "account": "622200000001",
        "entry_reference": "stray-1",
        "direction": "credit",
        "amount": "12.00",
        "booked_on": "2027-03-01",
        "payer": "Somebody",
    }
    await (await town.as_program(OPERATOR)).post("/bank/lines", {"lines": [line]})
    desk = await town.look("en", login=OPERATOR)
    await town.go(desk, "/desk")

    await desk.get_by_label("Payer's bank account").fill(ACCOUNT)
    await desk.get_by_role("button", name="Send back").click()
    await agree(desk, "Send back")
    await expect(desk.locator("main")).to_contain_text("A stray payment to send back")
    await expect(desk.locator("main")).to_contain_text("Bank lines without an owner (1)")
    second = await town.look("zh", login=COLLEAGUE)
    await town.go(second, "/desk")
    await expect(second.locator("main")).to_contain_text(ACCOUNT)
    await second.get_by_role("button", name="批准").click()
    await agree(second, "批准")

    await expect(second.locator("main")).not_to_contain_text("退回来款到此账户")
    await expect(second.locator("main")).to_contain_text("待银行付出的款项")
    await expect(second.get_by_role("cell", name=ACCOUNT)).to_have_count(1)
