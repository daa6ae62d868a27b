"""The second wall on a real server: what the reader's role may do, and where it is refused."""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import pytest

from aggregator.db import walls
from aggregator.db.migrating import SchemaError, migrate
from aggregator.db.walls import READER, Viewer
from aggregator.journal.reading import Mechanism, Pool
from tests.architecture.test_walls import listed
from tests.builders import a_market, an_organisation
from tests.conftest import Databases

TABLES = """
select c.relname as name,
       c.relrowsecurity as is_guarded,
       has_any_column_privilege($1, c.oid, 'select') as may_read,
       has_table_privilege($1, c.oid, 'insert, update, delete, truncate') as may_write
  from pg_class c where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace
"""


async def test_the_servers_walls_are_those_of_the_list(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    found = {row["name"]: row for row in await connection.fetch(TABLES, READER)}
    role = await connection.fetchrow("select * from pg_roles where rolname = $1", READER)
    await connection.close()

    assert role is not None
    assert not any(role[name] for name in ("rolsuper", "rolbypassrls", "rolcanlogin"))
    assert not any(row["may_write"] for row in found.values())
    for name, state in listed().items():
        if state != "past":
            assert found[name]["is_guarded"] == (state == "admitted"), name
            assert found[name]["may_read"] == (state in ("admitted", "shared")), name


async def test_a_viewers_queries_see_his_firms_rows_whatever_they_ask_for(orm: str) -> None:
    market = a_market()
    one, other = await an_organisation(market, "One"), await an_organisation(market, "Other")
    for firm in (one, other):
        await Pool().rows(
            "insert into notice (id, organisation_id, kind, subject, figures, at)"
            " values ($1, $1, 'k', 's', '{}', $2) returning id",
            firm,
            market.clock.now(),
        )
    everything = "select organisation_id from notice order by organisation_id"

    async def seen(viewer: Viewer | None) -> list[str]:
        with walls.behind(viewer):
            by_query = [row["organisation_id"] for row in await Pool().rows(everything)]
            async with market.reading() as unit:
                by_unit = [row["organisation_id"] for row in await unit.rows(everything)]
        assert by_query == by_unit
        return by_query

    assert await seen(None) == sorted([one, other])
    assert await seen(Viewer(one)) == [one]
    assert await seen(Viewer(other)) == [other]
    assert await seen(Viewer()) == []
    with walls.behind(Viewer(one)):
        assert len(await Mechanism().rows(everything)) == 2
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await Pool().rows("select stream from stream_head")
        with pytest.raises(asyncpg.PostgresError):
            await Pool().rows("update notice set kind = kind returning id")
    assert len(await Pool().rows(everything)) == 2


async def test_an_id_that_is_none_makes_no_viewer() -> None:
    with pytest.raises(ValueError, match="not an id"):
        Viewer("org'; reset role; --")


@pytest.fixture
async def plain_dsn(databases: Databases) -> AsyncIterator[str]:
    """An empty database whose owner may make no roles, as on a server of somebody else's."""
    server, admin = databases.server, databases.admin
    await admin.execute("create role plain login")
    await admin.execute("create database plain owner plain")
    yield server.dsn("plain").replace("postgres@", "plain@")
    await admin.execute("drop database plain with (force)")
    await admin.execute("drop role plain")


async def test_a_server_that_refuses_the_role_is_told_in_a_sentence(
    plain_dsn: str, databases: Databases
) -> None:
    with pytest.raises(SchemaError, match=f'grant {READER} to "plain"'):
        await migrate(plain_dsn)

    await databases.admin.execute(f"grant {READER} to plain")

    assert await migrate(plain_dsn)
    plain = await asyncpg.connect(plain_dsn)
    async with plain.transaction():
        await plain.execute(Viewer("org").settings)
        assert await plain.fetchval("select count(*) from deal") == 0
        assert await plain.fetchval("select current_user") == READER
    await plain.close()


async def test_a_firms_private_columns_are_its_own_and_no_secret_of_a_person_is_read(
    orm: str,
) -> None:
    market = a_market()
    one, other = await an_organisation(market, "One"), await an_organisation(market, "Other")
    private = "select id, owner_group, monthly_lots, deposit_reference from organisation"

    with walls.behind(Viewer(one)):
        seen = {row["id"]: row for row in await Pool().rows(private)}
        async with market.reading() as unit:
            assert {row["id"]: row for row in await unit.rows(private)} == seen
        for hidden in (
            "select deposit_reference from public.organisation",
            "select password_hash from person",
            "select totp_wrapped from person",
            "select token_hash from session",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await Pool().rows(hidden)
    with walls.behind(Viewer("org_op", desk="operator")):
        desk = {row["id"]: row for row in await Pool().rows(private)}

    assert seen[one]["deposit_reference"] == desk[one]["deposit_reference"] != ""
    assert (seen[other]["deposit_reference"], seen[other]["owner_group"]) == ("", "")
    assert desk[other]["owner_group"] == "Other"
    # The same statement, prepared behind the wall, shows the market everything.
    rows = await Pool().rows(private)
    assert {row["deposit_reference"] for row in rows} == {
        row["deposit_reference"] for row in desk.values()
    }
