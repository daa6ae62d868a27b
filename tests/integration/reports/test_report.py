"""The owner's report: his own firm's deals, people and mandates, and no other's."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from aggregator.deals import funding
from aggregator.fulfilment import accepting, delivering, shipping
from aggregator.fulfilment.delivering import Receipt
from aggregator.invoices import issuing
from aggregator.market.eyes import reading_for
from aggregator.reports import exporting, queries
from tests.integration.deals.conftest import bank, trading
from tests.integration.deals.playing import RICH, act

if TYPE_CHECKING:
    from tests.integration.deals.conftest import Trading

__all__ = ["bank", "trading"]


async def settled_at(trading: Trading, goods_minor: int) -> None:
    """Settle a deal of 10 t at a goods price, paid an hour after it was formed."""
    deal_id = await trading.form(lots=10, goods_minor=goods_minor, freight_minor=0)
    trading.clock.set(trading.clock.now() + timedelta(hours=1))
    await act(funding.fund, trading, "factory", "finance", deal_id)
    await act(shipping.ship, trading, "mill", "seller", deal_id, lots=10, carrier="Rail")
    receipt = Receipt(10, "Nanning", "WB-1", 10_000)
    await act(delivering.deliver, trading, "mill", "logistics", deal_id, receipt)
    await act(accepting.accept, trading, "factory", "logistics", deal_id, lots=10)
    await act(issuing.issue, trading, "mill", "seller", deal_id)


async def reported(trading: Trading, name: str) -> dict[str, Any]:
    owner = trading.actor(name, "owner")
    with reading_for(owner):
        return dict(await queries.report(owner, trading.clock.now(), days=30))


async def test_savings_compare_with_the_firms_own_deal_before(trading: Trading) -> None:
    for name in ("factory", "mill"):
        await trading.give(name, RICH)
    await settled_at(trading, 500_000)
    await settled_at(trading, 490_000)

    bought, sold, other = [await reported(trading, name) for name in ("factory", "mill", "bakery")]

    [buying], [selling] = bought["trade"], sold["trade"]
    # 100.00 less a lot and 0.30 less fee on it, times ten; nothing was published.
    assert (buying["side"], buying["deals"], buying["deals_before"]) == ("buyer", 2, 1)
    assert (buying["gain_own_minor"], buying["deals_published"]) == (10_030 * 10, 0)
    assert (selling["side"], selling["gain_own_minor"]) == ("seller", -10_000 * 10)
    assert bought["pays_in_minutes"] == 60
    assert {row["act"]: row["done"] for row in bought["acts"]}["deals.fund"] == 2
    assert (other["trade"], other["acts"], other["pays_in_minutes"]) == ([], [], None)


async def test_the_export_holds_each_deal_with_its_comparator(trading: Trading) -> None:
    for name in ("factory", "mill"):
        await trading.give(name, RICH)
    await settled_at(trading, 500_000)
    await settled_at(trading, 490_000)

    files = {part: await exported(trading, "factory", part) for part in exporting.PARTS}

    first, second = files["deals"]
    assert (first["side"], first["lots"], first["goods"]) == ("buyer", "10", "5000.00")
    assert (first["before"], first["gain_own"], first["published"]) == ("", "", "")
    assert (second["before"], second["gain_own"]) == (first["compared"], "1003.00")
    assert {row["act"]: row["done"] for row in files["acts"]}["deals.fund"] == "2"
    assert files["mandates"] == []
    assert await exported(trading, "bakery", "deals") == []


async def exported(trading: Trading, name: str, part: exporting.Part) -> list[dict[str, str]]:
    owner = trading.actor(name, "owner")
    with reading_for(owner):
        now = trading.clock.now()
        content = await exporting.report_csv(owner, now, days=30, part=part)
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))
