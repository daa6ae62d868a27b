"""Who sees which document under which number."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aggregator.deals import funding
from aggregator.deals import queries as deal_queries
from aggregator.fulfilment import accepting, shipping
from aggregator.invoices import queries
from aggregator.journal.reading import Pool
from tests.integration.deals.playing import RICH, act, deliver, invoice, settled

if TYPE_CHECKING:
    from tests.integration.deals.conftest import Trading


async def test_the_market_numbers_its_invoices_for_each_recipient_apart(trading: Trading) -> None:
    await trading.give("bakery", RICH)
    await settled(trading)
    deal_id = await trading.form(buyer="bakery")
    await act(funding.fund, trading, "bakery", "finance", deal_id)
    await act(shipping.ship, trading, "mill", "seller", deal_id, lots=100, carrier="Rail")
    await deliver(trading, deal_id, 100)
    await act(accepting.accept, trading, "bakery", "logistics", deal_id, lots=100)
    await invoice(trading, deal_id)

    bought = await queries.documents(trading.actor("bakery", "finance"), deal_id)
    sold = await queries.documents(trading.actor("mill", "finance"), deal_id)

    assert [(one.issuer, one.number) for one in bought] == [
        (trading.id_of("mill"), 2),
        ("platform", 1),
    ]
    assert [(one.issuer, one.number) for one in sold] == [(trading.id_of("mill"), 2)]


async def test_the_seller_is_told_nothing_of_the_markets_own_invoice(trading: Trading) -> None:
    deal_id = await settled(trading)

    seen = await deal_queries.deal(trading.actor("mill", "seller"), deal_id)
    own = await deal_queries.deal(trading.actor("factory", "buyer"), deal_id)

    told = [entry for entry in seen.timeline if entry.fact == "InvoiceIssued"]
    assert [entry.figures["issuer"] for entry in told] == [trading.id_of("mill")]
    assert [entry.seq for entry in seen.timeline] == list(range(1, len(seen.timeline) + 1))
    assert len(own.timeline) == len(seen.timeline) + 1
    notices = await Pool().rows(
        "select kind from notice where organisation_id = $1", trading.id_of("mill")
    )
    assert [row["kind"] for row in notices].count("invoice_issued") == 1
