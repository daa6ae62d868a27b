"""The index takes what was paid: a conceded claim for quality comes off a deal's price."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from aggregator.deals import answering, claims
from aggregator.journal.reading import Pool
from tests.integration.deals.conftest import trading
from tests.integration.deals.playing import GOODS, act, invoice
from tests.integration.deals.test_quality import TABLE, graded, publish

if TYPE_CHECKING:
    from tests.integration.deals.conftest import Trading

__all__ = ["trading"]


async def fed() -> tuple[str, str | None, int]:
    [row] = await Pool().rows("select state, parked_for, price_minor from price_deal")
    return row["state"], row["parked_for"], row["price_minor"]


async def test_a_deal_waits_for_its_claim_and_feeds_what_was_paid(trading: Trading) -> None:
    await publish(trading, *TABLE)
    await invoice(trading, await graded(trading, moisture_bps=25))
    before = await fed()

    await trading.at(trading.clock.now() + timedelta(days=3))

    assert before == ("parked", "claim", GOODS // 100)
    assert await fed() == ("waiting", None, GOODS * 9_750 // 10_000 // 100)


async def test_a_claim_that_was_conceded_before_the_deal_settled_counts(trading: Trading) -> None:
    await publish(trading, *TABLE)
    deal_id = await graded(trading, moisture_bps=11)
    (claim,) = (await claims.claims_of(Pool(), deal_id)).values()
    await act(answering.concede, trading, "mill", "seller", deal_id, claim.id)

    await invoice(trading, deal_id)

    assert await fed() == ("waiting", None, GOODS * 9_900 // 10_000 // 100)


async def test_a_claim_that_was_found_wrong_leaves_the_price(trading: Trading) -> None:
    await publish(trading, *TABLE)
    deal_id = await graded(trading, moisture_bps=25)
    (claim,) = (await claims.claims_of(Pool(), deal_id)).values()
    said = {"reason": "own laboratory"}
    await act(answering.contest, trading, "mill", "seller", deal_id, claim.id, **said)
    await invoice(trading, deal_id)
    contested = await fed()

    await act(answering.decide, trading, "operator", "operator", claim.id, lots=0)

    assert contested == ("parked", "claim", GOODS // 100)
    assert await fed() == ("waiting", None, GOODS // 100)
