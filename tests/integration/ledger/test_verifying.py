from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from aggregator.db import orm as market_orm
from aggregator.ledger import holds
from aggregator.ledger.verifying import verify
from tests.integration.ledger.conftest import ALICE, BOB

if TYPE_CHECKING:
    from tests.integration.ledger.conftest import Book


async def tamper(statement: str) -> None:
    """Write past every trigger, as somebody with the keys to the database could."""
    async with market_orm.raw() as connection, connection.transaction():
        await connection.execute("set local session_replication_role = replica")
        await connection.execute(statement)


async def test_a_sound_ledger_has_no_differences(book: Book) -> None:
    await book.move((ALICE, -10), (BOB, 10))
    await book.within(lambda unit: holds.place(unit, ALICE, 500, "bid:1"))

    found = await verify()

    assert (found.accounts, found.transfers, found.postings) == (3, 2, 4)
    assert found.differences == ()


@pytest.mark.parametrize(
    ("statement", "rules"),
    [
        (
            "update account set balance_minor = balance_minor + 7 where id = 'cash:bob:CNY'",
            {
                "balance is not the sum of its postings",
                "currency does not sum to zero over all accounts",
            },
        ),
        (
            "update posting set amount_minor = amount_minor + 7 where account_id = 'cash:bob:CNY'",
            {"balance is not the sum of its postings", "transfer does not sum to zero"},
        ),
        (
            "delete from posting where account_id = 'cash:bob:CNY'",
            {
                "balance is not the sum of its postings",
                "transfer does not sum to zero",
                "transfer has fewer than two postings",
            },
        ),
        (
            "update hold set amount_minor = amount_minor + 7",
            {"held is not the sum of pending holds"},
        ),
        (
            "update hold set state = 'voided', ended_at = placed_at",
            {"held is not the sum of pending holds"},
        ),
    ],
)
async def test_a_tampered_row_is_found(book: Book, statement: str, rules: set[str]) -> None:
    await book.move((ALICE, -10), (BOB, 10))
    await book.within(lambda unit: holds.place(unit, ALICE, 500, "bid:1"))

    await tamper(statement)

    found = await verify()
    assert {difference.rule for difference in found.differences} == rules
    assert {abs(d.difference_minor) for d in found.differences} <= {1, 7, 10, 500}
