"""What the database refuses, whatever code or person writes to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import asyncpg
import pytest

from aggregator.db import orm as market_orm
from tests.integration.ledger.conftest import ALICE, BANK, BOB

if TYPE_CHECKING:
    from tests.integration.ledger.conftest import Book

NEW_TRANSFER = (
    "insert into transfer (id, kind, reference, key, at)"
    " values ('t', 'test', 'r', 'k', '2027-03-01')"
)


INTO_POSTING = "insert into posting (transfer_id, line, account_id, currency, amount_minor)"


def line(number: int, account: str, amount: int, *, currency: str = "CNY", of: str = "t") -> str:
    return f"{INTO_POSTING} values ('{of}', {number}, '{account}', '{currency}', {amount})"


def lines(*moved: tuple[str, int], of: str = "t") -> str:
    """Return the one statement that takes all postings of a transfer."""
    values = [
        f"('{of}', {number}, '{account}', 'CNY', {amount})"
        for number, (account, amount) in enumerate(moved, start=1)
    ]
    return f"{INTO_POSTING} values {', '.join(values)}"


async def run(*statements: str) -> None:
    async with market_orm.raw() as connection, connection.transaction():
        for statement in statements:
            await connection.execute(statement)


async def opening() -> str:
    async with market_orm.raw() as connection:
        found: str = await connection.fetchval("select id from transfer where key = 'opening'")
    return found


async def balance(account: str) -> int:
    async with market_orm.raw() as connection:
        found: int = await connection.fetchval(
            "select balance_minor from account where id = $1", account
        )
    return found


async def test_balanced_postings_are_taken(book: Book) -> None:
    await run(NEW_TRANSFER, lines((ALICE, -40), (BOB, 40)))

    assert (await balance(ALICE), await balance(BOB)) == (99_960, 40)


@pytest.mark.parametrize(
    ("name", "statements"),
    [
        ("unbalanced", (NEW_TRANSFER, lines((ALICE, -40), (BOB, 41)))),
        ("in two statements", (NEW_TRANSFER, line(1, ALICE, -40), line(2, BOB, 40))),
        ("empty", (NEW_TRANSFER,)),
        ("one-legged", (NEW_TRANSFER, line(1, BOB, 40))),
        ("zero", (NEW_TRANSFER, lines((ALICE, 0), (BOB, 0)))),
        ("too large", (NEW_TRANSFER, lines((BANK, -(10**15) - 1), (BOB, 10**15 + 1)))),
        ("to nobody", (NEW_TRANSFER, lines((ALICE, -40), ("cash:nobody:CNY", 40)))),
        ("overdrawn", (NEW_TRANSFER, lines((ALICE, -100_001), (BOB, 100_001)))),
        (
            "in another currency",
            (NEW_TRANSFER, line(1, ALICE, -40, currency="USD"), line(2, BOB, 40, currency="USD")),
        ),
    ],
)
async def test_a_transfer_is_refused_that_is(
    book: Book, name: str, statements: tuple[str, ...]
) -> None:
    with pytest.raises(asyncpg.CheckViolationError):
        await run(*statements)

    assert (await balance(ALICE), await balance(BOB)) == (100_000, 0)


async def test_a_finished_transfer_cannot_be_extended(book: Book) -> None:
    done = await opening()

    with pytest.raises(asyncpg.CheckViolationError):
        await run(line(3, BOB, 5, of=done))

    assert await balance(BOB) == 0


async def test_one_currency_cannot_balance_another(book: Book) -> None:
    dollars = await book.open("alice", "USD")

    with pytest.raises(asyncpg.CheckViolationError):
        await run(NEW_TRANSFER, line(1, ALICE, -40), line(2, dollars, 40, currency="USD"))


async def test_a_transfer_has_one_currency_though_each_of_two_balances(book: Book) -> None:
    dollars = [await book.open(firm, "USD") for firm in ("alice", "bob")]
    moved = [(ALICE, "CNY", -40), (BOB, "CNY", 40), (dollars[0], "USD", 0), (dollars[1], "USD", 0)]
    rows = ", ".join(
        f"('t', {number}, '{account}', '{currency}', {amount or (-1) ** number})"
        for number, (account, currency, amount) in enumerate(moved, start=1)
    )

    with pytest.raises(asyncpg.CheckViolationError, match="one balanced statement"):
        await run(NEW_TRANSFER, f"{INTO_POSTING} values {rows}")


@pytest.mark.parametrize(
    "statement",
    [
        "update posting set amount_minor = amount_minor + 1",
        "delete from posting",
        "truncate posting",
        "update transfer set kind = 'other'",
        "delete from transfer",
        "truncate transfer cascade",
        "update account set balance_minor = balance_minor + 1 where id = 'cash:bob:CNY'",
        "update account set held_minor = 1 where id = 'cash:alice:CNY'",
        "update account set currency = 'USD' where id = 'cash:bob:CNY'",
        "delete from account where id = 'cash:bob:CNY'",
        "truncate account cascade",
        "truncate hold cascade",
    ],
)
async def test_history_and_balances_cannot_be_changed_by(book: Book, statement: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await run(statement)

    assert (await balance(ALICE), await balance(BOB)) == (100_000, 0)


@pytest.mark.parametrize(
    ("columns", "values"),
    [
        ("balance_minor", "100"),
        ("held_minor", "100"),
        ("allow_negative", "true"),
    ],
)
async def test_an_account_opens_empty_and_covered(book: Book, columns: str, values: str) -> None:
    with pytest.raises(asyncpg.CheckViolationError):
        await run(
            f"insert into account (id, purpose, currency, {columns})"
            f" values ('cash:eve:CNY', 'cash', 'CNY', {values})"
        )


async def test_the_same_transfer_is_reversed_once(book: Book) -> None:
    done = await opening()
    back = (
        "insert into transfer (id, kind, reference, key, reverses, at)"
        f" values ('%s', 'back', 'r', '%s', '{done}', '2027-03-01')"
    )
    await run(back % ("b1", "k1"), lines((ALICE, -9), (BANK, 9), of="b1"))

    with pytest.raises(asyncpg.UniqueViolationError):
        await run(back % ("b2", "k2"), lines((ALICE, -9), (BANK, 9), of="b2"))
