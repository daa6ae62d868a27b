from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import asyncpg
import pytest

from aggregator.db import orm as market_orm
from aggregator.deals import funding, store
from aggregator.errors import Conflict
from aggregator.fulfilment import accepting, delivering, shipping
from aggregator.fulfilment.delivering import Receipt
from aggregator.invoices import issuing
from aggregator.invoices.writing import Document, DocumentLine, write
from aggregator.journal.reading import Pool
from aggregator.ledger.verifying import verify
from aggregator.market import Actor, Unit

if TYPE_CHECKING:
    from tests.integration.deals.conftest import Trading

DEALS = 8


async def settle(trading: Trading, deal_id: str) -> None:
    market, lots = trading.market, 10
    await funding.fund(market, trading.actor("factory", "finance"), trading.command(), deal_id)
    seller = trading.actor("mill", "seller")
    await shipping.ship(market, seller, trading.command(), deal_id, lots=lots, carrier="Rail")
    receipt = Receipt(lots, "Nanning 3", "WB-1")
    await delivering.deliver(market, seller, trading.command(), deal_id, receipt)
    buyer = trading.actor("factory", "buyer")
    await accepting.accept(market, buyer, trading.command(), deal_id, lots=lots)
    await issuing.issue(market, seller, trading.command(), deal_id)


async def many_deals(trading: Trading) -> list[str]:
    await trading.give("factory", 100_000_000)
    await trading.give("mill", 100_000_000)
    return [await trading.form(lots=10) for _ in range(DEALS)]


async def numbers(kind: str = "invoice") -> list[int]:
    rows = await Pool().rows(
        "select number from invoice where kind = $1 and issuer <> 'platform' order by number", kind
    )
    return [row["number"] for row in rows]


async def test_deals_that_settle_at_once_get_numbers_without_gaps(trading: Trading) -> None:
    deal_ids = await many_deals(trading)

    await asyncio.gather(*(settle(trading, deal_id) for deal_id in deal_ids))

    assert await numbers() == list(range(1, DEALS + 1))
    states = [(await store.load(Pool(), deal_id)).state for deal_id in deal_ids]
    assert states == ["settled"] * DEALS
    assert not (await verify()).differences


async def test_a_number_of_an_act_that_failed_is_used_again(trading: Trading) -> None:
    _, second = await settled_pair(trading)

    async def failing(unit: Unit) -> dict[str, object]:
        await write(unit, document(trading, second, total_minor=100))
        raise Conflict("test")

    with pytest.raises(Conflict):
        await trading.market.perform(Actor.SYSTEM, "test.write", failing)
    await settle(trading, second)

    assert await numbers() == [1, 2]


async def test_a_credit_note_above_its_invoice_is_refused_by_the_database(
    trading: Trading,
) -> None:
    deal_id, _ = await settled_pair(trading)
    (invoice,) = await Pool().rows(
        "select id, total_minor from invoice where kind = 'invoice' and issuer <> 'platform'"
    )
    whole = int(invoice["total_minor"])
    note = document(trading, deal_id, total_minor=whole, credited=invoice["id"])
    more = document(trading, deal_id, total_minor=1, credited=invoice["id"])

    async def step(unit: Unit) -> dict[str, object]:
        await write(unit, note)
        return {}

    async def again(unit: Unit) -> dict[str, object]:
        await write(unit, more)
        return {}

    await trading.market.perform(Actor.SYSTEM, "test.write", step)
    with pytest.raises(asyncpg.CheckViolationError):
        await trading.market.perform(Actor.SYSTEM, "test.write", again)

    assert await numbers("credit_note") == [1]


@pytest.mark.parametrize(
    "statement",
    [
        "update invoice set total_minor = total_minor + 1, net_minor = net_minor + 1",
        "delete from invoice_line",
        "update invoice_line set lots = 1",
        "update deal_evidence set lots = 1",
        "delete from deal_line",
        "delete from title_transfer",
        "update acceptance set lots = 1",
        "update receipt set document = 'other'",
        "update shipment set carrier = 'other'",
        "update deal set source_id = 'other'",
        "update deal set buyer_id = seller_id, seller_id = buyer_id",
        "update deal set goods_minor = goods_minor - 1",
        "delete from deal where state = 'formed'",
        "update money_call set organisation_id = (select min(seller_id) from deal)",
        "truncate money_call",
        "truncate invoice cascade",
        "truncate deal cascade",
        "truncate deal_evidence",
        "truncate command",
    ],
)
async def test_what_was_written_is_never_edited(trading: Trading, statement: str) -> None:
    await settled_pair(trading)

    async with market_orm.raw() as connection:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "update deal set accepted_lots = delivered_lots + 1",
        "update deal set returned_lots = accepted_lots + 1",
        "update deal set buyer_id = seller_id",
        "update deal set call_minor = call_minor + 1",
        "update deal set settled_at = null",
        "insert into deal_line (deal_id, basis, position, kind, counterparty, lots, amount_minor)"
        " select id, 'accepted', 7, 'goods', seller_id, 1, 1 from deal where state = 'formed'"
        " union all select id, 'accepted', 8, 'tax', seller_id, 1, 10000000000 from deal"
        " where state = 'formed'",
    ],
)
async def test_an_impossible_deal_is_refused_by_the_database(
    trading: Trading, statement: str
) -> None:
    await settled_pair(trading)

    async with market_orm.raw() as connection:
        with pytest.raises(asyncpg.CheckViolationError):
            await connection.execute(statement)


async def settled_pair(trading: Trading) -> tuple[str, str]:
    """Return a settled deal and one that has only been formed."""
    await trading.give("factory", 100_000_000)
    await trading.give("mill", 100_000_000)
    first, second = await trading.form(lots=10), await trading.form(lots=10)
    await settle(trading, first)
    return first, second


def document(
    trading: Trading, deal_id: str, *, total_minor: int, credited: str | None = None
) -> Document:
    return Document(
        issuer=trading.id_of("mill"),
        deal_id=deal_id,
        recipient_id=trading.id_of("factory"),
        currency="CNY",
        tax_bps=0,
        tax_minor=0,
        lines=(DocumentLine("goods", 1, total_minor),),
        credits=credited,
    )
