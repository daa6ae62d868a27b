"""A firm buys by auction: bound by its ceiling as it opens, and by its award when it ends."""

from __future__ import annotations

from typing import Any

import pytest

from aggregator.auctions import opening, queries
from aggregator.auctions.opening import TenorLots
from aggregator.deals import queries as deals
from aggregator.errors import InsufficientFunds, InvalidField, NotAllowed
from aggregator.journal.reading import Pool
from aggregator.ledger.verifying import verify
from aggregator.mandates.errors import BeyondMandate
from tests.builders import a_command, an_actor
from tests.integration.auctions.building import (
    CLOSES_AT,
    PRICE,
    RICH,
    STEP,
    Scene,
    a_scene,
    some_terms,
)
from tests.integration.mandates.building import Firm, a_firm, books_agree

DEPOSIT = PRICE * 100 // 10


async def bought(scene: Scene, name: str = "ann", **terms: Any) -> str:
    """Let a firm ask for 100 lots at 5000.00 at most."""
    actor = scene.actors[name]
    wanted = some_terms(**{"side": "buy", **terms})
    outcome = await opening.open_auction(scene.market, actor, a_command(), wanted)
    return str(outcome.answer["auction_id"])


async def test_a_purchase_is_covered_from_its_opening_and_becomes_its_deal(orm: str) -> None:
    scene = await a_scene()
    auction_id = await bought(scene)
    covered = await scene.held_by("ann")

    await scene.bid("bob", auction_id, PRICE)
    await scene.bid("mill", auction_id, PRICE - STEP)
    await scene.pass_to(CLOSES_AT)

    (deal,) = await deals.deals(scene.actors["ann"])
    assert covered == DEPOSIT
    assert (deal.source_id, deal.side) == (auction_id, "buyer")
    assert (deal.counterparty_id, deal.goods_minor) == (scene.id_of("mill"), PRICE - STEP)
    assert await scene.held_by("ann") == await scene.held_by("bob") == 0
    assert not (await verify()).differences


async def test_a_cancelled_purchase_frees_its_cover(orm: str) -> None:
    scene = await a_scene()
    auction_id = await bought(scene)

    await scene.stop("cancel", auction_id)

    assert await scene.held_by("ann") == 0


async def test_a_purchase_that_its_buyer_cannot_cover_leaves_nothing(orm: str) -> None:
    scene = await a_scene()

    with pytest.raises(InsufficientFunds) as refused:
        await bought(scene, start_minor=RICH // 5)

    assert refused.value.available_minor == RICH
    assert await queries.list_auctions(None) == []
    assert await Pool().rows("select 1 from journal where stream like 'auction:%'") == []


@pytest.mark.parametrize(
    ("terms", "pointer"),
    [
        ({"start_minor": None}, "/start"),
        ({"format": "dutch", "interval_s": 60}, "/reserve"),
    ],
)
async def test_a_purchase_names_the_most_that_it_pays(
    orm: str, terms: dict[str, Any], pointer: str
) -> None:
    scene = await a_scene()

    with pytest.raises(InvalidField) as refused:
        await bought(scene, **terms)

    assert refused.value.pointer == pointer


async def test_a_rising_clock_is_covered_to_where_it_stops_and_months_by_their_sum(
    orm: str,
) -> None:
    scene = await a_scene()
    clock = {"format": "dutch", "interval_s": 60, "start_minor": PRICE // 2}
    await bought(scene, **clock, reserve_minor=PRICE, reserve_is_public=True)
    months = (TenorLots("2027-03", 60, PRICE), TenorLots("2027-04", 40, PRICE // 2))

    await bought(scene, "bob", format="packages", start_minor=None, items=months)

    assert await scene.held_by("ann") == DEPOSIT
    assert await scene.held_by("bob") == DEPOSIT * 60 // 100 + DEPOSIT * 40 // 200


async def test_buyers_buy_and_sellers_sell(orm: str) -> None:
    scene = await a_scene()
    seller = an_actor(scene.id_of("mill"), "seller", group="mill group")

    for actor, side in ((seller, "buy"), (scene.actors["cat"], "sell")):
        with pytest.raises(NotAllowed):
            await opening.open_auction(scene.market, actor, a_command(), some_terms(side=side))


async def test_a_purchase_needs_a_mandate_and_keeps_of_it_what_was_awarded(orm: str) -> None:
    firm = await a_firm()
    await firm.bind(free_up_to_minor=0)
    with pytest.raises(BeyondMandate):
        await purchase(firm)
    mandate_id = await firm.mandate(total_minor=100 * PRICE, reserve_minor=DEPOSIT)

    auction_id = await purchase(firm)
    opened, held = await firm.of_mandate(mandate_id), await firm.held()
    with pytest.raises(BeyondMandate):
        await purchase(firm)
    firm.people["mill"] = firm.mill
    await firm.bid(auction_id, 40, PRICE - 1_000, by="mill")
    await firm.pass_to(1)

    assert (opened["used_minor"], held) == (100 * PRICE, DEPOSIT)
    awarded = await firm.of_mandate(mandate_id)
    assert awarded["used_minor"] == 40 * (PRICE - 1_000)
    await books_agree()


async def purchase(firm: Firm) -> str:
    terms = some_terms(side="buy")
    clerk = firm.people["clerk"]
    outcome = await opening.open_auction(firm.market, clerk, a_command(), terms)
    return str(outcome.answer["auction_id"])
