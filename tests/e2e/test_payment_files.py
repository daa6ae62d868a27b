"""Payment files on the operator's desk: made once, listed, and downloaded as often as needed."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import expect

from aggregator.settlement.pain import read_pain
from tests.builders import with_account
from tests.e2e.conftest import OPERATOR, Town

pytestmark = pytest.mark.browser


async def test_a_file_is_made_once_and_downloaded_as_often_as_needed(town: Town) -> None:
    await with_account(town.firms["guinan"])
    finance = await town.as_program("guinan.pay")
    body = {"amount": "12.34", "payee_account": "6222 0000 1234"}
    paid = await finance.post("/payments", body)
    desk = await town.look("en", login=OPERATOR)
    await town.go(desk, "/desk")

    files = desk.locator("details.payment-files")
    await files.locator("summary").click()
    await expect(files).to_contain_text("No file has been made yet.")
    await files.get_by_role("button", name="Put the new payments into a file").click()

    row = files.locator("tbody tr")
    await expect(row).to_have_count(1)
    await expect(row).to_contain_text("12.34 CNY")
    link = files.get_by_role("link")
    message_id = await link.inner_text()
    await expect(
        desk.locator("section", has_text="Payments the bank has yet to make")
    ).to_contain_text(message_id)
    texts = []
    for _ in range(2):
        async with desk.expect_download() as coming:
            await link.click()
        texts.append(Path(await (await coming.value).path()).read_text())
    assert texts[0] == texts[1]
    assert [order.reference for order in read_pain(texts[0])] == [paid["reference"]]
    await files.get_by_role("button", name="Put the new payments into a file").click()
    await expect(files.get_by_role("alert").first).to_contain_text(
        "every ordered payment stands in a file already"
    )
