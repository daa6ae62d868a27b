"""Three buyers' months become one negotiation: placed, cleared, contracted, or lapsed."""

import asyncio
from datetime import timedelta

import asyncpg
import pytest

from aggregator.errors import Conflict, InsufficientFunds, InvalidField, NotFound, WrongState
from aggregator.forwards import certifying, closing, ordering, queries
from aggregator.forwards.facts import StripCleared, StripLapsed
from aggregator.journal.reading import Pool, entries
from aggregator.laboratory.clearing import clear_document
from aggregator.ledger.queries import balances
from aggregator.ledger.verifying import verify
from aggregator.market import Actor, Market
from aggregator.reactions import ON_TIMER
from aggregator.workers.ringing import ring_due
from tests.builders import (
    START,
    a_command,
    a_market,
    an_actor,
    an_organisation,
    with_cash,
    with_sugar,
)
from tests.integration.forwards.signing import MILLION, TENORS, a_strip, offer, order


async def a_buyer(market: Market, name: str, *, cash: int = 10 * MILLION) -> Actor:
    organisation_id = await an_organisation(market, name)
    await with_cash(market, organisation_id, cash)
    return an_actor(organisation_id, "buyer", group=name)


async def a_mill(market: Market, name: str = "mill") -> Actor:
    organisation_id = await an_organisation(market, name, kind="mill")
    await with_cash(market, organisation_id, 10 * MILLION)
    return an_actor(organisation_id, "seller", group=name)


async def test_three_months_reach_the_break_that_none_reaches_alone(orm: str) -> None:
    market = a_market()
    await with_sugar(market)
    strip_id = await a_strip(market)
    buyers = [await a_buyer(market, f"buyer{n}") for n in range(3)]
    mill = await a_mill(market)
    for buyer, tenor, lots in zip(buyers, TENORS, (40, 60, 80), strict=True):
        await order(market, buyer, strip_id, tenor, lots)
    await offer(market, mill, strip_id)

    market.clock.set(START + timedelta(days=2))
    await closing.close(market, strip_id)
    await closing.close(market, strip_id)

    last = (await entries(None, f"strip:{strip_id}"))[-1].fact
    assert isinstance(last, StripCleared)
    [own] = await queries.own_orders(buyers[0], strip_id)
    assert own.state == "awarded"
    assert own.paid_minor == 40 * 491_000
    assert own.single_minor == 40 * 498_000
    contracts = await queries.own_contracts(mill, strip_id)
    assert [(row["tenor"], row["lots"]) for row in contracts] == list(
        zip(TENORS, (40, 60, 80), strict=True)
    )
    deals = await Pool().rows("select count(*) as n from contract_slot")
    assert deals[0]["n"] == 3
    assert (await verify()).differences == ()


async def test_a_strip_without_a_match_lapses_and_frees_every_deposit(orm: str) -> None:
    market = a_market()
    await with_sugar(market)
    strip_id = await a_strip(market)
    buyer, mill = await a_buyer(market, "buyer"), await a_mill(market)
    await order(market, buyer, strip_id, TENORS[0], 40, limit_minor=400_000)
    await offer(market, mill, strip_id)

    market.clock.set(START + timedelta(days=2))
    await closing.close(market, strip_id)

    last = (await entries(None, f"strip:{strip_id}"))[-1].fact
    assert isinstance(last, StripLapsed)
    assert last.reason == "no_match"
    assert [row.held_minor for row in await balances(buyer.organisation_id)] == [0]


async def test_a_bundle_is_cleared_outside_every_transaction(
    orm: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    market = a_market()
    await with_sugar(market)
    strip_id = await a_strip(market)
    buyer, mill = await a_buyer(market, "buyer"), await a_mill(market)
    await order(market, buyer, strip_id, TENORS[0], 40)
    await offer(market, mill, strip_id)
    market.clock.set(START + timedelta(days=2))
    waiting = []

    def cleared_slowly(text: bytes) -> dict:
        # Clearing may take minutes; a session that idles in a transaction is cut after seconds.
        waiting.append(asyncio.run_coroutine_threadsafe(_open_transactions(orm), loop).result(5))
        return clear_document(text)

    loop = asyncio.get_running_loop()
    monkeypatch.setattr(certifying, "clear_document", cleared_slowly)
    await closing.close(market, strip_id)

    assert waiting == [0]
    assert (await queries.strip(strip_id, market.clock.now())).phase == "cleared"


async def test_a_bundle_that_changed_meanwhile_is_cleared_again(
    orm: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    market = a_market()
    await with_sugar(market)
    strip_id = await a_strip(market)
    buyer, mill = await a_buyer(market, "buyer"), await a_mill(market)
    await order(market, buyer, strip_id, TENORS[0], 40)
    await offer(market, mill, strip_id)
    market.clock.set(START + timedelta(days=2))
    late = Pool()
    loop = asyncio.get_running_loop()
    cleared = []

    def cleared_early(text: bytes) -> dict:
        if not cleared:
            more = late.rows("update strip_order set limit_minor = limit_minor + 100")
            asyncio.run_coroutine_threadsafe(more, loop).result(5)
        cleared.append(text)
        return clear_document(text)

    monkeypatch.setattr(certifying, "clear_document", cleared_early)
    await closing.close(market, strip_id)
    assert (await queries.strip(strip_id, market.clock.now())).phase == "closing"

    await ring_due(market, ON_TIMER)

    assert len(cleared) == 2
    assert (await queries.strip(strip_id, market.clock.now())).phase == "cleared"


async def _open_transactions(dsn: str) -> int:
    connection = await asyncpg.connect(dsn)
    found = await connection.fetchval(
        "select count(*) from pg_stat_activity where datname = current_database()"
        " and state like 'idle in transaction%'"
    )
    await connection.close()
    return int(found)


async def test_nothing_is_cleared_before_the_window_ends(orm: str) -> None:
    market = a_market()
    await with_sugar(market)
    strip_id = await a_strip(market)

    await closing.close(market, strip_id)

    assert (await queries.strip(strip_id, market.clock.now())).phase == "gathering"


async def test_an_order_sets_its_deposit_aside_and_cancelling_frees_it(orm: str) -> None:
    market = a_market()
    await with_sugar(market)
    strip_id = await a_strip(market)
    buyer = await a_buyer(market, "buyer")
    placed = await order(market, buyer, strip_id, TENORS[0], 40)
    [account] = await balances(buyer.organisation_id)
    assert account.held_minor == placed.answer["deposit_minor"] > 0

    await ordering.cancel_order(market, buyer, a_command(), strip_id, placed.answer["order_id"])

    [account] = await balances(buyer.organisation_id)
    assert account.held_minor == 0


async def test_an_order_without_the_money_is_refused(orm: str) -> None:
    market = a_market()
    await with_sugar(market)
    strip_id = await a_strip(market)
    buyer = await a_buyer(market, "buyer", cash=100)

    with pytest.raises(InsufficientFunds):
        await order(market, buyer, strip_id, TENORS[0], 40)


async def test_a_late_order_is_refused(orm: str) -> None:
    market = a_market()
    await with_sugar(market)
    strip_id = await a_strip(market)
    buyer = await a_buyer(market, "buyer")
    market.clock.set(START + timedelta(days=2))

    with pytest.raises(WrongState):
        await order(market, buyer, strip_id, TENORS[0], 40)


async def test_another_firms_order_cannot_be_cancelled(orm: str) -> None:
    market = a_market()
    await with_sugar(market)
    strip_id = await a_strip(market)
    buyer, other = await a_buyer(market, "buyer"), await a_buyer(market, "other")
    placed = await order(market, buyer, strip_id, TENORS[0], 40)

    with pytest.raises(NotFound):
        await ordering.cancel_order(market, other, a_command(), strip_id, placed.answer["order_id"])


async def test_one_owner_group_stands_on_one_side_only(orm: str) -> None:
    market = a_market()
    await with_sugar(market)
    strip_id = await a_strip(market)
    buyer = await a_buyer(market, "both")
    await order(market, buyer, strip_id, TENORS[0], 40)
    sister = await an_organisation(market, "sister", kind="mill", group="both")

    with pytest.raises(Conflict):
        await offer(market, an_actor(sister, "seller", group="both"), strip_id)


@pytest.mark.parametrize(
    ("given", "pointer"),
    [
        ({"tenor": "2027-09"}, "/tenor"),
        ({"lots": 0}, "/lots"),
        ({"limit_minor": 500_050}, "/limit"),
        ({"min_lots": 41}, "/min_lots"),
        ({"form": "flexible", "window": ("2027-05", "2027-03")}, "/window/1"),
        ({"form": "block", "schedule": {}}, "/schedule"),
        ({"form": "block", "schedule": {"2027-03": 0}}, "/schedule/2027-03"),
        # What the mechanism cannot read would stop the close for everybody.
        (
            {"form": "flexible", "window": ("2027-03", "2027-04"), "per_tenor_max": 19},
            "/per_tenor_max",
        ),
        ({"lots": 1, "limit_minor": 10**12 + 100}, "/limit"),
    ],
)
async def test_a_faulty_order_names_its_field(orm: str, given: dict, pointer: str) -> None:
    market = a_market()
    await with_sugar(market)
    strip_id = await a_strip(market)
    buyer = await a_buyer(market, "buyer")

    with pytest.raises(InvalidField) as refusal:
        await order(
            market, buyer, strip_id, given.pop("tenor", TENORS[0]), given.pop("lots", 40), **given
        )

    assert refusal.value.pointer == pointer


@pytest.mark.parametrize(
    ("given", "pointer"),
    [
        ({"capacity": 10, "min_total": 11}, "/min_total"),
        ({"breaks": ((150, 7_000), (100, 8_000))}, "/breaks/1"),
        ({"breaks": ((150, 600_000),)}, "/breaks/0/rebate"),
        ({"steps": {TENORS[0]: ((10, 498_000), (10, 497_000))}}, f"/steps/{TENORS[0]}/1/price"),
        ({"steps": {"2028-01": ((10, 498_000),)}}, "/steps"),
        ({"steps": {TENORS[0]: ((10, 498_000),)}, "min_total": 11}, "/min_total"),
        ({"steps": {TENORS[0]: ((10, 10**12 + 100),)}}, f"/steps/{TENORS[0]}/0/price"),
    ],
)
async def test_a_faulty_offer_names_its_field(orm: str, given: dict, pointer: str) -> None:
    market = a_market()
    await with_sugar(market)
    strip_id = await a_strip(market)

    with pytest.raises(InvalidField) as refusal:
        await offer(market, await a_mill(market), strip_id, **given)

    assert refusal.value.pointer == pointer


@pytest.mark.parametrize(
    ("given", "pointer"),
    [
        ({"closes_at": START}, "/closes_at"),
        ({"tenors": ("2027-04", "2027-03")}, "/tenors/1"),
        ({"tenors": ("2026-12",)}, "/tenors/0"),
        ({"region": "XX"}, "/region"),
        # Nobody pays make-whole lines yet, so a strip that counts on them does not open.
        ({"pricing": "as_bid"}, "/pricing"),
    ],
)
async def test_a_faulty_window_names_its_field(orm: str, given: dict, pointer: str) -> None:
    market = a_market()
    await with_sugar(market)

    with pytest.raises(InvalidField) as refusal:
        await a_strip(market, **given)

    assert refusal.value.pointer == pointer
