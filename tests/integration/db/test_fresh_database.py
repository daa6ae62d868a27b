from __future__ import annotations

from aggregator.db import orm as market_orm


async def test_each_test_has_a_database_of_its_own(orm: str) -> None:
    async with market_orm.raw() as connection:
        await connection.execute("create table mine (id integer)")

        assert await connection.fetchval("select count(*) from mine") == 0


async def test_another_test_does_not_see_it(orm: str) -> None:
    async with market_orm.raw() as connection:
        assert await connection.fetchval("select to_regclass('mine')") is None


async def test_every_connection_is_bound_by_the_session_guards(orm: str) -> None:
    async with market_orm.raw() as connection:
        assert await connection.fetchval("show lock_timeout") == "3s"
        assert await connection.fetchval("show statement_timeout") == "30s"
        assert await connection.fetchval("show idle_in_transaction_session_timeout") == "5s"
