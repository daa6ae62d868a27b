from __future__ import annotations

from aggregator.db import orm as market_orm

WRITE = "insert into timer (kind, key, due_at) values ('k', 'a', '2027-03-01T09:00Z')"


async def test_each_test_finds_an_empty_market(orm: str) -> None:
    async with market_orm.raw() as connection:
        await connection.execute(WRITE)


async def test_what_another_test_wrote_is_gone(orm: str) -> None:
    async with market_orm.raw() as connection:
        await connection.execute(WRITE)


async def test_every_connection_is_bound_by_the_session_guards(orm: str) -> None:
    async with market_orm.raw() as connection:
        assert await connection.fetchval("show lock_timeout") == "3s"
        assert await connection.fetchval("show statement_timeout") == "30s"
        assert await connection.fetchval("show idle_in_transaction_session_timeout") == "5s"
