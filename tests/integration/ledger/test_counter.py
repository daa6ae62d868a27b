"""The counter moves what `transfers.post` moves, many at a time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from aggregator.errors import Conflict, InsufficientFunds, NotFound
from aggregator.journal.reading import Pool
from aggregator.ledger import holds, transfers
from aggregator.ledger.counter import STREAM, Counter, Movement, Reversal
from aggregator.ledger.verifying import verify
from aggregator.market import Actor, Command
from scripts._lent import loaded
from tests.integration.ledger.conftest import ALICE, BANK, BOB

if TYPE_CHECKING:
    from tests.integration.ledger.conftest import Book


async def ask(book: Book, wanted: Movement | Reversal) -> str:
    outcome = await book.market.perform_at(
        Counter,
        Actor.SYSTEM,
        "ledger.move",
        wanted,
        command=Command(f"command-{next(book.numbers)}", b"f" * 32),
        stream=STREAM,
    )
    return str(outcome.answer["transfer_id"])


def movement(amount: int, key: str) -> Movement:
    return Movement("test.move", key, ((ALICE, -amount), (BOB, amount)), key)


async def balance(account: str) -> int:
    (row,) = await Pool().rows("select balance_minor from account where id = $1", account)
    return int(row["balance_minor"])


async def test_movements_that_wait_together_are_all_made(book: Book) -> None:
    made = await asyncio.gather(*(ask(book, movement(10, f"m{n}")) for n in range(50)))

    assert len(set(made)) == 50
    assert (await balance(ALICE), await balance(BOB)) == (99_500, 500)
    assert (await verify()).differences == ()


async def test_the_same_key_moves_once_over_the_counter_and_beside_it(book: Book) -> None:
    made = await asyncio.gather(
        *(ask(book, movement(10, "same")) for _ in range(8)),
        *(book.move((ALICE, -10), (BOB, 10), key="same") for _ in range(8)),
    )

    assert len(set(made)) == 1
    assert await balance(BOB) == 10


async def test_one_without_funds_is_refused_and_the_others_are_made(book: Book) -> None:
    answers = await asyncio.gather(
        ask(book, movement(60_000, "first")),
        ask(book, movement(60_000, "second")),
        ask(book, movement(40_000, "third")),
        return_exceptions=True,
    )

    assert [isinstance(answer, InsufficientFunds) for answer in answers] == [False, True, False]
    assert await balance(ALICE) == 0
    assert (await verify()).differences == ()


async def test_a_transfer_is_taken_back_once_however_often_it_is_asked_for(book: Book) -> None:
    made = await ask(book, movement(700, "m"))

    back = await asyncio.gather(
        ask(book, Reversal(made, "test.back")),
        ask(book, Reversal(made, "test.back")),
        book.within(lambda unit: transfers.reverse(unit, made, kind="test.back")),
    )

    assert len(set(back)) == 1
    assert (await balance(ALICE), await balance(BOB)) == (100_000, 0)
    with pytest.raises(Conflict):
        await ask(book, Reversal(back[0], "test.back"))
    with pytest.raises(Conflict):
        await book.within(lambda unit: transfers.reverse(unit, back[0], kind="test.back"))
    assert (await verify()).differences == ()


async def test_what_others_moved_or_held_meanwhile_is_not_overlooked(book: Book) -> None:
    await ask(book, movement(10, "first"))
    await ask(book, movement(10, "second"))
    await book.move((ALICE, -40_000), (BOB, 40_000), key="beside")

    await ask(book, movement(59_000, "third"))
    await book.within(lambda unit: holds.place(unit, ALICE, 900, "test"))
    with pytest.raises(InsufficientFunds) as refused:
        await ask(book, movement(100, "fourth"))
    await ask(book, movement(80, "fifth"))

    assert refused.value.available_minor == 80
    assert (await balance(ALICE), await balance(BOB)) == (900, 99_100)
    assert (await verify()).differences == ()


async def test_a_key_made_before_moves_nothing_when_it_comes_again_with_others(book: Book) -> None:
    first = await ask(book, movement(10, "first"))
    await ask(book, movement(10, "second"))

    again = await asyncio.gather(ask(book, movement(10, "first")), ask(book, movement(5, "third")))

    assert again[0] == first
    assert await balance(BOB) == 25


async def test_what_does_not_exist_moves_nothing(book: Book) -> None:
    with pytest.raises(NotFound):
        await ask(book, Movement("test", "x", ((BANK, -1), ("cash:nobody:CNY", 1)), "x"))
    with pytest.raises(NotFound):
        await ask(book, Reversal("trf_none", "test.back"))

    assert (await verify()).transfers == 1


async def test_two_processes_storm_the_ledger_without_a_difference(dsn: str) -> None:
    figures, violations = await loaded("storm", "ledger").stormed(dsn, 2, 3, processes=2)

    assert violations == []
    assert figures["moved"] > 0
    assert figures["reversals in the ledger"] > 0
    assert figures["readings"] > 0
