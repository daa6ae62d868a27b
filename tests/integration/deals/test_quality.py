"""What a measure beyond its grade costs the seller, by the table that was published before."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import asyncpg
import pytest

from aggregator.db import orm as market_orm
from aggregator.deals import answering, claims, quality, store
from aggregator.deals.quality import Adjustment
from aggregator.errors import Conflict, InvalidField, NotFound
from aggregator.fulfilment import shipping, tickets
from aggregator.journal.reading import Pool
from tests.integration.deals.playing import (
    GOODS,
    RICH,
    accept,
    act,
    cash,
    deliver,
    funded,
    give_back,
    held,
    invoice,
    is_sound,
)

if TYPE_CHECKING:
    from tests.integration.deals.conftest import Trading

TABLE = (
    Adjustment("moisture_bps", 11, 100),
    Adjustment("moisture_bps", 21, 250),
    Adjustment("colour_iu", 151, 50),
)
DEPOSIT = 4_950_000


async def publish(trading: Trading, *rows: Adjustment) -> None:
    await act(quality.publish, trading, "operator", "operator", "SUGAR-W1", rows)


async def graded(trading: Trading, **values: int) -> str:
    """Return a deal of 100 t that was accepted with these values."""
    deal_id = await funded(trading)
    await act(shipping.ship, trading, "mill", "seller", deal_id, lots=100, carrier="Rail")
    await deliver(trading, deal_id, 100)
    await accept(trading, deal_id, 100, graded=values)
    return deal_id


@pytest.mark.parametrize(
    ("values", "discount_bps"),
    [
        ({"moisture_bps": 11}, 100),
        ({"moisture_bps": 20}, 100),
        ({"moisture_bps": 21}, 250),
        ({"moisture_bps": 30, "colour_iu": 151}, 300),
    ],
)
async def test_the_highest_row_that_is_reached_counts_and_measures_add_up(
    trading: Trading, values: dict[str, int], discount_bps: int
) -> None:
    await publish(trading, *TABLE)
    deal_id = await graded(trading, **values)

    (claim,) = (await claims.claims_of(Pool(), deal_id)).values()

    assert (claim.cause, claim.discount_bps, claim.state) == ("quality", discount_bps, "open")
    assert claim.deposit_minor == GOODS * discount_bps // 10_000
    assert await held() == DEPOSIT


async def test_within_the_grade_nothing_is_claimed(trading: Trading) -> None:
    await publish(trading, *TABLE)

    deal_id = await graded(trading, moisture_bps=10, colour_iu=150)

    assert await claims.claims_of(Pool(), deal_id) == {}


async def test_silence_pays_the_adjustment_after_the_deal_has_settled(trading: Trading) -> None:
    await publish(trading, *TABLE)
    deal_id = await graded(trading, moisture_bps=25)
    await invoice(trading, deal_id)
    adjusted = GOODS * 250 // 10_000
    between = await held()

    await trading.at(trading.clock.now() + timedelta(days=3))

    (claim,) = (await claims.claims_of(Pool(), deal_id)).values()
    deal = await store.load(Pool(), deal_id)
    assert (between, await held()) == (adjusted, 0)
    assert (claim.state, claim.compensation_minor) == ("forfeited", adjusted)
    assert (deal.state, deal.forfeited_minor) == ("settled", adjusted)
    await is_sound()


async def test_the_operator_may_find_the_goods_good(trading: Trading) -> None:
    await publish(trading, *TABLE)
    deal_id = await graded(trading, moisture_bps=25)
    (claim,) = (await claims.claims_of(Pool(), deal_id)).values()
    await act(
        answering.contest, trading, "mill", "seller", deal_id, claim.id, reason="own laboratory"
    )

    await act(answering.decide, trading, "operator", "operator", claim.id, lots=0)
    await invoice(trading, deal_id)

    assert (await store.load(Pool(), deal_id)).forfeited_minor == 0
    assert await held() == 0
    await is_sound()


async def test_an_adjustment_is_at_most_the_deposit_that_is_left(trading: Trading) -> None:
    await publish(trading, Adjustment("moisture_bps", 1, 5_000))

    deal_id = await graded(trading, moisture_bps=1)

    (claim,) = (await claims.claims_of(Pool(), deal_id)).values()
    assert claim.deposit_minor == DEPOSIT
    await is_sound()


async def test_a_table_counts_for_deals_that_were_formed_under_it(trading: Trading) -> None:
    deal_id = await funded(trading)
    trading.clock.set(trading.clock.now() + timedelta(seconds=1))
    await publish(trading, *TABLE)
    await act(shipping.ship, trading, "mill", "seller", deal_id, lots=100, carrier="Rail")
    await deliver(trading, deal_id, 100)

    with pytest.raises(InvalidField):
        await accept(trading, deal_id, 100, graded={"moisture_bps": 25})
    with pytest.raises(Conflict):
        await publish(trading, Adjustment("moisture_bps", 21, 999))
    many = [Adjustment("colour", at_least, 1) for at_least in range(quality.MAX_ROWS)]
    with pytest.raises(InvalidField, match=str(quality.MAX_ROWS - len(TABLE))):
        await publish(trading, *many)
    with pytest.raises(NotFound):
        await act(quality.publish, trading, "operator", "operator", "TEA", TABLE)
    async with market_orm.raw() as connection:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("update price_adjustment set discount_bps = 1")


@pytest.mark.parametrize("is_paid", [True, False])
async def test_an_adjusted_lot_is_not_paid_for_again_by_a_return_or_a_ticket(
    trading: Trading, *, is_paid: bool
) -> None:
    await publish(trading, Adjustment("moisture_bps", 1, 500))
    deal_id = await graded(trading, moisture_bps=1)
    await invoice(trading, deal_id)
    if is_paid:
        await trading.at(trading.clock.now() + timedelta(days=3))

    about = {"matter": "quality", "lots": 96, "reason": "yellow bags"}
    with pytest.raises(InvalidField, match="95"):
        await act(tickets.raise_ticket, trading, "factory", "buyer", deal_id, **about)
    with pytest.raises(InvalidField, match="95"):
        await give_back(trading, deal_id, 96)
    await give_back(trading, deal_id, 95)
    await trading.at(trading.clock.now() + timedelta(days=3))

    assert await cash(trading, "factory") <= RICH
    await is_sound()


async def test_a_claim_that_was_freed_stands_against_no_return(trading: Trading) -> None:
    await publish(trading, *TABLE)
    deal_id = await graded(trading, moisture_bps=25)
    (claim,) = (await claims.claims_of(Pool(), deal_id)).values()
    said = {"reason": "own laboratory"}
    await act(answering.contest, trading, "mill", "seller", deal_id, claim.id, **said)
    await act(answering.decide, trading, "operator", "operator", claim.id, lots=0)
    await invoice(trading, deal_id)

    await give_back(trading, deal_id, 100)

    assert await cash(trading, "factory") == await cash(trading, "mill") == RICH
    await is_sound()
