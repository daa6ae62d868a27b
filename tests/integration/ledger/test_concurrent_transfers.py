from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

from aggregator.errors import InsufficientFunds
from aggregator.journal.reading import Pool
from aggregator.ledger.verifying import verify

if TYPE_CHECKING:
    from tests.integration.ledger.conftest import Book

CLIENTS, EACH, FIRMS = 8, 40, 5


async def test_eight_clients_move_money_at_random_without_a_deadlock(book: Book) -> None:
    firms = [await book.open(f"firm-{number}") for number in range(FIRMS)]
    for firm in firms:
        await book.move(("bank:platform:CNY", -1_000), (firm, 1_000))

    counts = await asyncio.gather(
        *(_client(book, firms, random.Random(seed)) for seed in range(CLIENTS))
    )

    found = await verify()
    assert found.differences == ()
    assert found.transfers == 1 + FIRMS + sum(counts)
    (row,) = await Pool().rows(
        "select sum(balance_minor)::bigint as n, min(balance_minor) as least from account"
        " where id like 'cash:firm-%'"
    )
    assert (row["n"], row["least"] >= 0) == (FIRMS * 1_000, True)


async def test_the_same_transfer_from_eight_clients_moves_once(book: Book) -> None:
    firm = await book.open("firm-0")

    moved = await asyncio.gather(
        *(book.move(("cash:alice:CNY", -77), (firm, 77), key="same") for _ in range(CLIENTS))
    )

    assert len(set(moved)) == 1
    (row,) = await Pool().rows("select balance_minor from account where id = $1", firm)
    assert row["balance_minor"] == 77


async def _client(book: Book, firms: list[str], chance: random.Random) -> int:
    """Move money between three firms at a time; return how many transfers were covered."""
    covered = 0
    for _ in range(EACH):
        source, one, other = chance.sample(firms, 3)
        amount = chance.randrange(2, 600)
        part = chance.randrange(1, amount)
        try:
            await book.move((source, -amount), (one, part), (other, amount - part))
        except InsufficientFunds:
            continue
        covered += 1
    return covered
