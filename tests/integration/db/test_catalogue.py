"""What the database really enforces: its catalogue against a written list, and against the rows.

Constraints that were lost without a sound are how ledgers go wrong, so each one is in
`catalogue.txt`. After a new schema file: `AGG_WRITE_CATALOGUE=1 scripts/test tests/integration/db`,
and read the difference.
"""

from __future__ import annotations

import os
from pathlib import Path

import asyncpg
import pytest
from tortoise.models import Model

from aggregator.db import orm as market_orm

LIST = Path(__file__).with_name("catalogue.txt")

CATALOGUE = """
select format('%s: %s %s', conrelid::regclass, conname, pg_get_constraintdef(oid))
  from pg_constraint where connamespace = 'public'::regnamespace and contype <> 'n'
union all
select format('%s: index %s', tablename, regexp_replace(indexdef, ' ON public\\.', ' ON '))
  from pg_indexes where schemaname = 'public'
   and not exists (select from pg_constraint where conname = indexname and contype in ('p', 'u'))
union all
select format('%s: %s', tgrelid::regclass, pg_get_triggerdef(pg_trigger.oid))
  from pg_trigger join pg_class on pg_class.oid = tgrelid
 where not tgisinternal and relnamespace = 'public'::regnamespace
"""

COLUMNS = """
select table_name, column_name, data_type, is_nullable = 'YES' as nullable, column_default
  from information_schema.columns where table_schema = 'public'
"""


@pytest.fixture
async def catalogue(dsn: str) -> asyncpg.Connection:
    connection = await asyncpg.connect(dsn)
    yield connection
    await connection.close()


async def test_the_database_enforces_what_is_written_down(catalogue: asyncpg.Connection) -> None:
    found = sorted(row[0] for row in await catalogue.fetch(CATALOGUE))
    if os.environ.get("AGG_WRITE_CATALOGUE") == "1":
        LIST.write_text("\n".join(found) + "\n")

    assert found == LIST.read_text().splitlines()


async def test_no_column_can_hold_a_figure_that_is_not_exact(
    catalogue: asyncpg.Connection,
) -> None:
    inexact = {"real", "double precision", "numeric", "money"}

    found = [
        f"{row['table_name']}.{row['column_name']} is {row['data_type']}"
        for row in await catalogue.fetch(COLUMNS)
        if row["data_type"] in inexact
    ]

    assert not found


async def test_money_prices_and_quantities_are_eight_bytes_wide(
    catalogue: asyncpg.Connection,
) -> None:
    found = [
        f"{row['table_name']}.{row['column_name']} is {row['data_type']}"
        for row in await catalogue.fetch(COLUMNS)
        if row["column_name"].endswith(("_minor", "_base")) and row["data_type"] != "bigint"
    ]

    assert not found


async def test_every_instant_has_a_zone_and_none_comes_from_the_database(
    catalogue: asyncpg.Connection,
) -> None:
    rows = await catalogue.fetch(COLUMNS)

    assert not [row for row in rows if row["data_type"] == "timestamp without time zone"]
    # The record of the schema is about the machine.
    assert not [
        f"{row['table_name']}.{row['column_name']} defaults to {row['column_default']}"
        for row in rows
        if row["table_name"] != "schema_version" and "now(" in (row["column_default"] or "")
    ]


async def test_every_table_has_a_primary_key(catalogue: asyncpg.Connection) -> None:
    found = await catalogue.fetch(
        "select relname from pg_class where relkind in ('r', 'p') and not relispartition"
        " and relnamespace = 'public'::regnamespace and not exists"
        " (select from pg_constraint where conrelid = pg_class.oid and contype = 'p')"
    )

    assert not [row["relname"] for row in found]


async def test_rows_and_tables_agree_on_columns_and_what_may_be_absent(
    catalogue: asyncpg.Connection,
) -> None:
    tables: dict[str, dict[str, bool]] = {}
    for row in await catalogue.fetch(COLUMNS):
        tables.setdefault(row["table_name"], {})[row["column_name"]] = row["nullable"]
    market_orm.load_models()
    found = []

    for model in Model.__subclasses__():
        if model.__module__ not in market_orm.MODEL_MODULES:
            continue
        declared = {
            field.source_field or name: field.null
            for name, field in model._meta.fields_map.items()
            if field.has_db_field
        }
        live = tables.get(model._meta.db_table, {})
        if declared != live:
            found.append(f"{model.__name__}: {sorted(declared.items() ^ live.items())}")

    assert not found, "\n".join(found)
