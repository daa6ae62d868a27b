from __future__ import annotations

from typing import TYPE_CHECKING

import asyncpg
import pytest

from aggregator.db import orm as market_orm
from aggregator.db.calls import numbers, texts
from aggregator.errors import InsufficientFunds
from aggregator.ledger import holds, queries
from aggregator.ledger.covering import Covering, Held
from aggregator.ledger.verifying import verify
from aggregator.market import Unit
from tests.integration.ledger.conftest import ALICE, BANK, BOB

if TYPE_CHECKING:
    from tests.integration.ledger.conftest import Book


async def available(organisation_id: str) -> int:
    (found,) = await queries.balances(organisation_id)
    return found.available_minor


async def hold(book: Book, amount_minor: int) -> str:
    found: str = await book.within(lambda unit: holds.place(unit, ALICE, amount_minor, "bid:1"))
    return found


async def test_a_hold_keeps_money_from_being_spent(book: Book) -> None:
    await hold(book, 60_000)

    with pytest.raises(InsufficientFunds) as refusal:
        await book.move((ALICE, -40_001), (BOB, 40_001))

    assert refusal.value.figures() == {
        "required_minor": 40_001,
        "available_minor": 40_000,
        "currency": "CNY",
    }


async def test_holds_may_reach_the_whole_balance_and_no_further(book: Book) -> None:
    await hold(book, 60_000)
    await hold(book, 40_000)

    with pytest.raises(InsufficientFunds):
        await hold(book, 1)

    assert await available("alice") == 0


@pytest.mark.parametrize("end", [holds.void, holds.expire])
async def test_an_ended_hold_gives_its_money_back_once(book: Book, end: object) -> None:
    assert callable(end)
    hold_id = await hold(book, 60_000)

    await book.within(lambda unit: end(unit, hold_id))
    await book.within(lambda unit: end(unit, hold_id))

    assert await available("alice") == 100_000
    assert await queries.pending_holds("alice") == []


async def test_a_posted_hold_moves_its_money_in_one_transaction(book: Book) -> None:
    hold_id = await hold(book, 60_000)

    await book.within(lambda unit: holds.release_for_posting(unit, hold_id))
    await book.move((ALICE, -60_000), (BOB, 60_000))

    assert (await available("alice"), await available("bob")) == (40_000, 60_000)
    assert (await verify()).differences == ()


@pytest.mark.parametrize(
    "statement",
    [
        "update hold set amount_minor = 1, state = 'voided', ended_at = placed_at",
        "update hold set amount_minor = 1, reference = 'other'",
        "update hold set state = 'pending'",
        "update hold set account_id = 'cash:bob:CNY', state = 'voided', ended_at = placed_at",
        "delete from hold",
    ],
)
async def test_a_hold_changes_only_by_ending_or_in_its_amount(book: Book, statement: str) -> None:
    await hold(book, 60_000)

    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await _run(statement)

    assert await available("alice") == 40_000


async def test_an_ended_hold_stays_ended(book: Book) -> None:
    hold_id = await hold(book, 60_000)
    await book.within(lambda unit: holds.void(unit, hold_id))

    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await _run("update hold set state = 'expired'")


async def test_a_pending_hold_sets_aside_another_amount_within_the_balance(book: Book) -> None:
    hold_id = await hold(book, 60_000)

    async def change(unit: Unit, amount_minor: int) -> None:
        covering = Covering(unit)
        await covering.lock([ALICE])
        covering.change(Held(hold_id, ALICE, 60_000), amount_minor, "CNY")
        await covering.write()

    with pytest.raises(InsufficientFunds) as refusal:
        await book.within(lambda unit: change(unit, 100_001))
    await book.within(lambda unit: change(unit, 100_000))

    assert refusal.value.figures()["available_minor"] == 100_000
    assert await available("alice") == 0
    assert (await verify()).differences == ()


async def two_held(book: Book) -> tuple[Held, Held]:
    """Hold something of Alice's and of Bob's cash."""
    await book.move((BANK, -50_000), (BOB, 50_000))
    first = await hold(book, 60_000)
    second = await book.within(lambda unit: holds.place(unit, BOB, 20_000, "bid:2"))
    return Held(first, ALICE, 60_000), Held(second, BOB, 20_000)


async def claim(unit: Unit, *, known: tuple[Held, ...], amounts_minor: tuple[int, ...]) -> None:
    covering = Covering(unit)
    for held in known:
        covering.trust(held.account_id, "CNY")
    for held, amount_minor in zip(known, amounts_minor, strict=True):
        covering.change(held, amount_minor, "CNY")
    await unit.call(covering.claim(known))


async def test_known_holds_change_or_stay_in_one_call(book: Book) -> None:
    first, second = await two_held(book)

    await book.within(
        lambda unit: claim(unit, known=(first, second), amounts_minor=(70_000, 20_000))
    )

    assert (await available("alice"), await available("bob")) == (30_000, 30_000)
    assert (await verify()).differences == ()


async def test_holds_of_one_account_change_together(book: Book) -> None:
    first, second, third = [Held(await hold(book, 10_000), ALICE, 10_000) for _ in range(3)]

    await book.within(
        lambda unit: claim(
            unit, known=(first, second, third), amounts_minor=(5_000, 40_000, 10_000)
        )
    )

    assert await available("alice") == 45_000
    assert (await verify()).differences == ()


@pytest.mark.parametrize("amounts_minor", [(70_000, 20_000), (70_000, 30_000), (60_000, 30_000)])
async def test_nothing_changes_where_one_hold_is_not_as_it_was_known(
    book: Book, amounts_minor: tuple[int, int]
) -> None:
    first, second = await two_held(book)
    await book.within(lambda unit: claim(unit, known=(second,), amounts_minor=(25_000,)))

    async with market_orm.raw() as connection:
        with pytest.raises(asyncpg.SerializationError):
            await connection.execute(
                "select holds_change($1, $2, $3, $4)",
                texts([ALICE, BOB]),
                texts([first.hold_id, second.hold_id]),
                numbers([60_000, 20_000]),
                numbers(amounts_minor),
            )

    assert (await available("alice"), await available("bob")) == (40_000, 25_000)


async def test_a_hold_that_ended_is_not_changed(book: Book) -> None:
    first, _ = await two_held(book)
    await book.within(lambda unit: holds.void(unit, first.hold_id))

    async with market_orm.raw() as connection:
        with pytest.raises(asyncpg.SerializationError):
            await connection.execute(
                "select holds_change($1, $2, '{60000}', '{70000}')",
                texts([ALICE]),
                texts([first.hold_id]),
            )

    assert await available("alice") == 100_000


async def test_holds_placed_together_are_summed_for_each_account(book: Book) -> None:
    async def place(unit: Unit) -> None:
        covering = Covering(unit)
        await covering.lock([ALICE])
        for amount_minor in (10_000, 20_000, 30_000):
            covering.place(ALICE, amount_minor, "CNY", "bid:1")
        await covering.write()

    await book.within(place)

    assert await available("alice") == 40_000
    assert (await verify()).differences == ()


async def test_a_hold_beyond_the_balance_is_refused_by_the_database_too(book: Book) -> None:
    with pytest.raises(asyncpg.CheckViolationError):
        await _run(
            "insert into hold (id, account_id, amount_minor, reference, state, placed_at)"
            " values ('h', 'cash:alice:CNY', 100001, 'r', 'pending', '2027-03-01')"
        )


async def test_the_same_key_moves_once(book: Book) -> None:
    first = await book.move((ALICE, -10), (BOB, 10), key="once")
    second = await book.move((ALICE, -10), (BOB, 10), key="once")

    assert first == second
    assert await available("bob") == 10


async def test_the_bank_may_owe(book: Book) -> None:
    await book.move((BANK, -(10**12)), (BOB, 10**12))

    assert await available("bob") == 10**12


async def _run(statement: str) -> None:
    async with market_orm.raw() as connection:
        await connection.execute(statement)
