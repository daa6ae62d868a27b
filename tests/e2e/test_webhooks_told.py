"""Notices posted to firms' own addresses, over real lines: each firm is posted its own alone."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from aggregator.journal.facts import stamp
from tests.e2e.conftest import CELL, Town
from tests.e2e.tap import Tap
from tests.e2e.test_approval_story import hired
from tests.integration.notices.test_webhooks import Receiver, localhost

__all__ = ["localhost"]

pytestmark = pytest.mark.browser


async def named(town: Town, tap: Tap, firm: str, receiver: Receiver) -> None:
    """Let a firm's boss name an address; what is posted there passes the tap."""
    await hired(town, f"{firm}.boss", "owner")
    address = tap.through(receiver.address)
    await (await town.as_program(f"{firm}.boss")).post("/webhooks", {"address": address})


def kinds_of(receiver: Receiver) -> list[Any]:
    return sorted(json.loads(body)["kind"] for _, body in receiver.took)


async def test_each_firm_is_posted_its_own_and_nothing_of_another(town: Town, tap: Tap) -> None:
    mill, clerk, rival = [await town.as_program(one) for one in ("laibin", "guinan", "wuzhou")]
    async with Receiver() as sold, Receiver() as bought, Receiver() as other:
        for firm, receiver in (("laibin", sold), ("guinan", bought), ("wuzhou", other)):
            await named(town, tap, firm, receiver)
        rules = {"side": "sell", "cell": CELL, "lots": 90, "format": "sealed_first"}
        rules |= {"start": "4900.00", "step": "1.00"}
        rules["closes_at"] = stamp(town.stage.clock.now() + timedelta(hours=1))
        path = f"/auctions/{(await mill.post('/auctions', rules))['auction_id']}/bids"
        await clerk.post(path, {"price": "5037.00", "lots": 53})
        await rival.post(path, {"price": "5019.00", "lots": 37})
        bound = {"act": "pools.pledge", "chain": ["role:owner"]}
        await (await town.as_program("guinan.boss")).post("/policies", bound)
        terms = {"lots": 83, "limit": "5063.00", "freight": "417.00"}
        asked = {"act": "pools.pledge", "subject": await town.open_pool(), "terms": terms}
        await clerk.post("/approvals", asked)
        # What is not taken at once is posted again.
        for _ in range(5):
            await town.stage.pass_by(minutes=20)

    assert kinds_of(sold) == ["deal_formed"] * 2
    assert kinds_of(bought) == ["approval_asked", "auction_won", "deal_formed"]
    assert kinds_of(other) == ["auction_won", "deal_formed"]
