"""Storage and make-whole lines in live windows: who takes what from whom, and who pays whom."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from aggregator.errors import Conflict, InvalidField
from aggregator.forwards import (
    board,
    closing,
    contract_queries,
    wholes,
)
from aggregator.forwards import queries as strips
from aggregator.forwards.certifying import Certified
from aggregator.journal.reading import Pool
from aggregator.laboratory.clearing import canonical_json, check_documents
from aggregator.ledger.queries import balances
from aggregator.ledger.verifying import verify
from aggregator.market import Actor, Market
from aggregator.reactions import ON_TIMER
from aggregator.workers.ringing import ring_due
from tests.builders import START, a_market, with_sugar
from tests.integration.forwards.signing import MILLION, a_firm, a_strip, offer, order, with_place

MARCH, APRIL = "2027-03", "2027-04"
CASH = 10 * MILLION
# A tenth of 60 lots at 5 100, and at 4 850, with tax and fee.
ORDER_DEPOSIT, SLOT_DEPOSIT = 3_464_287, 3_294_469


async def a_window(market: Market, **given: object) -> str:
    return await a_strip(market, tenors=(MARCH, APRIL), **given)


async def ordered(
    market: Market, buyer: Actor, strip_id: str, lots: int, limit: int, tenor: str = MARCH
) -> None:
    await order(market, buyer, strip_id, tenor, lots, limit_minor=limit)


async def offered(market: Market, mill: Actor, strip_id: str, **terms: object) -> None:
    await offer(market, mill, strip_id, **{"breaks": (), **terms})


async def closed(market: Market, strip_id: str) -> strips.StripView:
    market.clock.set(START + timedelta(days=2))
    await closing.close(market, strip_id)
    assert (await verify()).differences == ()
    return await strips.strip(strip_id, market.clock.now())


async def cash_of(actor: Actor) -> int:
    return sum(row.balance_minor for row in await balances(actor.organisation_id))


async def certified(strip_id: str) -> dict:
    found = await strips.evidence(strip_id)
    text = [canonical_json(found[name]).encode() for name in ("instance", "result")]
    check_documents(*text)
    return dict(found)


async def a_keeper_between_two_months(market: Market) -> tuple[str, Actor, Actor, Actor]:
    await with_sugar(market)
    strip_id = await a_window(market)
    buyer = await a_firm(market, "buyer", cash=CASH)
    mill, keeper = (
        await a_firm(market, "mill", cash=CASH),
        await a_firm(market, "keeper", cash=CASH),
    )
    await with_place(market, keeper)
    await ordered(market, buyer, strip_id, 60, 495_000, APRIL)
    await offered(market, mill, strip_id, steps={MARCH: ((100, 480_000),)}, capacity=100)
    return strip_id, buyer, mill, keeper


async def test_a_keeper_takes_another_mills_march_and_delivers_it_in_april(orm: str) -> None:
    market = a_market()
    strip_id, buyer, mill, keeper = await a_keeper_between_two_months(market)
    room = ((MARCH, APRIL, 100, 5_000),)
    steps = {APRIL: ((20, 500_000),)}
    await offered(market, keeper, strip_id, steps=steps, capacity=20, storage=room)

    await closed(market, strip_id)

    [own] = await strips.own_orders(buyer, strip_id)
    assert [(line["tenor"], line["lots"], line["price_minor"]) for line in own.awards] == [
        (APRIL, 60, 485_000)
    ]
    [offer] = await strips.own_offers(keeper, strip_id)
    assert (list(offer.kept), offer.state) == ([60], "awarded")
    assert [(line["tenor"], line["lots"], line["price_minor"]) for line in offer.bought] == [
        (MARCH, 60, 480_000)
    ]
    sides = {
        (one.side, one.counterparty, one.tenors) for one in await contract_queries.contracts(keeper)
    }
    assert sides == {("buyer", "mill", (MARCH,)), ("seller", "buyer", (APRIL,))}
    [sold] = await strips.own_contracts(mill, strip_id)
    assert (sold["buyer"], sold["tenor"], sold["lots"]) == ("keeper", MARCH, 60)
    result = (await certified(strip_id))["result"]
    assert list(result["stored"].values()) == [60]


async def test_a_mill_that_keeps_its_own_lots_buys_from_nobody(orm: str) -> None:
    market = a_market()
    strip_id, buyer, _, keeper = await a_keeper_between_two_months(market)
    room = ((MARCH, APRIL, 100, 5_000),)
    steps = {MARCH: ((100, 470_000),)}
    await offered(market, keeper, strip_id, steps=steps, capacity=100, storage=room)

    await closed(market, strip_id)

    [offer] = await strips.own_offers(keeper, strip_id)
    assert (list(offer.kept), offer.bought) == ([60], ())
    [contract] = await contract_queries.contracts(keeper)
    assert (contract.side, contract.counterparty, contract.lots) == ("seller", "buyer", 60)
    [own] = await strips.own_orders(buyer, strip_id)
    assert own.single_minor is None


@pytest.mark.parametrize(
    ("room", "pointer"),
    [
        ((APRIL, MARCH, 10, 5_000), "/storage/0/to"),
        ((MARCH, "2027-06", 10, 5_000), "/storage/0/to"),
        ((MARCH, APRIL, 0, 5_000), "/storage/0/lots"),
        ((MARCH, APRIL, 10, 5_001), "/storage/0/carry"),
        ((MARCH, APRIL, 10, 0), "/storage/0/carry"),
    ],
)
async def test_storage_that_cannot_be_is_refused(orm: str, room: tuple, pointer: str) -> None:
    market = a_market()
    strip_id, _, _, keeper = await a_keeper_between_two_months(market)
    steps = {APRIL: ((20, 500_000),)}
    with pytest.raises(InvalidField) as refused:
        await offered(market, keeper, strip_id, steps=steps, capacity=20, storage=(room,))
    assert refused.value.pointer == pointer


async def test_a_keeper_needs_a_place_and_no_second_offer_of_its_owners(orm: str) -> None:
    market = a_market()
    strip_id, *_ = await a_keeper_between_two_months(market)
    homeless = await a_firm(market, "homeless", cash=CASH)
    terms = {
        "steps": {APRIL: ((20, 500_000),)},
        "capacity": 20,
        "storage": ((MARCH, APRIL, 10, 5_000),),
    }
    with pytest.raises(InvalidField) as refused:
        await offered(market, homeless, strip_id, **terms)
    assert refused.value.pointer == "/storage"

    sister = replace(homeless, owner_group="mill")
    await with_place(market, sister)
    with pytest.raises(Conflict):
        await offered(market, sister, strip_id, **terms)


async def a_bundle_without_uniform_prices(
    market: Market, *, cash: int = CASH, **given: object
) -> tuple[str, Actor, Actor, Actor]:
    """One mill needs 100 lots at 4 900; one buyer pays up to 5 100, the other only 4 850."""
    await with_sugar(market)
    strip_id = await a_window(market, **given)
    eager, thrifty = (
        await a_firm(market, "eager", cash=cash),
        await a_firm(market, "thrifty", cash=CASH),
    )
    mill = await a_firm(market, "mill", cash=CASH)
    await ordered(market, eager, strip_id, 60, 510_000)
    await ordered(market, thrifty, strip_id, 60, 485_000)
    steps = {MARCH: ((200, 490_000),)}
    await offered(market, mill, strip_id, steps=steps, capacity=200, min_total=100)
    return strip_id, eager, thrifty, mill


async def test_who_gains_makes_the_mill_whole_at_signing(orm: str) -> None:
    market = a_market()
    strip_id, eager, thrifty, mill = await a_bundle_without_uniform_prices(
        market, pricing="make_whole"
    )

    view = await closed(market, strip_id)

    assert (view.phase, view.pricing, view.awarded_pricing) == (
        "cleared",
        "make_whole",
        "make_whole",
    )
    [own] = await strips.own_orders(eager, strip_id)
    assert (own.paid_minor, own.make_whole_minor) == (60 * 485_000, -500_000)
    [other] = await strips.own_orders(thrifty, strip_id)
    assert (other.paid_minor, other.make_whole_minor) == (40 * 485_000, 0)
    [offer] = await strips.own_offers(mill, strip_id)
    assert offer.make_whole_minor == 500_000
    assert await cash_of(mill) == CASH + 500_000
    [gain] = await board.gains(eager)
    assert gain.paid_minor == 60 * 485_000 + 500_000
    [contract] = await contract_queries.contracts(eager)
    shown = await contract_queries.contract(eager, contract.contract_id, market.clock.now())
    assert (shown.rules["pricing"], shown.rules["make_whole_minor"]) == ("make_whole", -500_000)
    result = (await certified(strip_id))["result"]
    assert sum(line["amount_minor"] for line in result["make_whole"]) == 0


async def test_a_charge_beyond_the_deposits_falls_back_to_supported_prices(orm: str) -> None:
    market = a_market()
    strip_id, eager, _, mill = await a_bundle_without_uniform_prices(
        market, pricing="make_whole", signing_bps=1
    )
    view = await closed(market, strip_id)
    assert (view.phase, view.awarded_pricing) == ("lapsed", None)
    assert (await cash_of(eager), await cash_of(mill)) == (CASH, CASH)
    assert (await certified(strip_id))["instance"]["rules"]["pricing"] == "supported"


@pytest.mark.parametrize(
    ("spare", "awarded"),
    [(0, None), (330_181, None), (330_182, "make_whole"), (CASH, "make_whole")],
)
async def test_a_charge_leaves_its_payer_the_deposits_of_his_slots(
    orm: str, spare: int, awarded: str | None
) -> None:
    market = a_market()
    strip_id, eager, *_ = await a_bundle_without_uniform_prices(
        market, pricing="make_whole", cash=ORDER_DEPOSIT + spare
    )

    view = await closed(market, strip_id)

    assert view.awarded_pricing == awarded
    slots = await Pool().rows(
        "select deposit_minor from contract_slot where buyer_id = $1", eager.organisation_id
    )
    assert [row["deposit_minor"] for row in slots] == ([SLOT_DEPOSIT] if awarded else [])


async def test_what_was_paid_away_while_a_bundle_was_cleared_is_seen(
    orm: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    market = a_market()
    strip_id, eager, *_ = await a_bundle_without_uniform_prices(
        market, pricing="make_whole", cash=ORDER_DEPOSIT + 330_182
    )
    later_id = await a_window(market, closes_at=START + timedelta(days=3))
    certify = wholes.certify_covered

    async def certify_slowly(*given: Any) -> Certified:
        found = await certify(*given)
        if found.result["make_whole"]:
            await ordered(market, eager, later_id, 1, 485_000)
        return found

    monkeypatch.setattr(wholes, "certify_covered", certify_slowly)
    assert (await closed(market, strip_id)).phase == "closing"

    await ring_due(market, ON_TIMER)

    assert (await strips.strip(strip_id, market.clock.now())).phase == "lapsed"


async def test_supported_prices_leave_the_same_bundle_alone(orm: str) -> None:
    market = a_market()
    strip_id, *_ = await a_bundle_without_uniform_prices(market)
    assert (await closed(market, strip_id)).phase == "lapsed"
