from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import asyncpg
import pytest

from aggregator.db.migrating import SCHEMA, SchemaError, migrate, schema_files


@pytest.fixture
def steps(tmp_path: Path) -> Path:
    (tmp_path / "9001_first.sql").write_text("create table first (id integer);\n")
    (tmp_path / "9002_second.sql").write_text(
        "create table second (id integer);\ninsert into second values (1);\n"
    )
    return tmp_path


@pytest.fixture
async def empty(dsn: str) -> str:
    connection = await asyncpg.connect(dsn)
    await connection.execute("drop schema public cascade; create schema public")
    await connection.close()
    return dsn


async def ask(dsn: str, statement: str) -> object:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


async def test_the_markets_own_schema_is_applied_once(empty: str) -> None:
    names = [file.name for file in schema_files()]

    assert await migrate(empty) == names
    assert await migrate(empty) == []
    assert await ask(empty, "select count(*) from schema_version") == len(names)


async def migrate_before(dsn: str, step: str, folder: Path) -> None:
    """Apply the market's own steps up to one."""
    for path in SCHEMA.glob("*.sql"):
        if path.name < step:
            shutil.copy(path, folder)
    await migrate(dsn, folder=folder)


async def test_what_was_said_before_it_was_kept_as_it_came_is_still_said(
    empty: str, tmp_path: Path
) -> None:
    await migrate_before(empty, "0105", tmp_path)
    await ask(
        empty,
        "insert into journal (stream, seq, kind, body, at, actor, hash)"
        """ values ('a', 1, 'Said', '{"b": 1, "a": "糖"}', now(), '', sha256('x'))""",
    )
    await ask(
        empty,
        "insert into command (organisation_id, id, act, fingerprint, outcome, answer, at)"
        """ values ('o', '1', 'say', sha256('x'), 'refused', '{"code": "no"}', now())""",
    )

    await migrate(empty)

    said = await ask(empty, 'select body::jsonb = \'{"a": "糖", "b": 1}\' from journal')
    assert said is True
    assert await ask(empty, "select answer ->> 'code' from command") == "no"
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="append-only"):
        await ask(empty, "update journal set actor = 'b'")


async def test_entries_known_by_an_account_with_signs_are_known_by_it_without(
    empty: str, tmp_path: Path
) -> None:
    await migrate_before(empty, "0116", tmp_path)
    known = ("CN-1 E1", "cn-1 E2", "CN1 E2", "C-N1 E3", "CN-1 E3", "- E4")
    for number, (account, entry) in enumerate(one.split() for one in known):
        await ask(
            empty,
            "insert into bank_line (id, account, entry_reference, direction, currency,"
            " amount_minor, booked_on, payer, remittance, state, imported_at) values"
            f" ('{number}', '{account}', '{entry}', 'credit', 'CNY', 1, now(), '', '',"
            " 'unmatched', now())",
        )

    await migrate(empty)

    found = "select string_agg(account || ' ' || entry_reference, ', ' order by id) from bank_line"
    assert await ask(empty, found) == "CN1 E1, cn-1 E2, CN1 E2, CN1 E3, CN-1 E3, - E4"


async def test_steps_are_applied_in_order(empty: str, steps: Path) -> None:
    assert await migrate(empty, folder=steps) == ["9001_first.sql", "9002_second.sql"]
    assert await ask(empty, "select count(*) from second") == 1


async def test_many_migrators_at_once_apply_each_step_once(empty: str, steps: Path) -> None:
    done = await asyncio.gather(*(migrate(empty, folder=steps) for _ in range(8)))

    assert sorted(name for names in done for name in names) == ["9001_first.sql", "9002_second.sql"]
    assert await ask(empty, "select count(*) from second") == 1


async def test_a_failing_step_leaves_nothing_of_itself(empty: str, steps: Path) -> None:
    (steps / "9003_broken.sql").write_text("create table half (id integer); select * from nowhere;")

    with pytest.raises(SchemaError, match=r"9003_broken.sql failed: .*nowhere"):
        await migrate(empty, folder=steps)

    assert await ask(empty, "select to_regclass('half')") is None
    assert await ask(empty, "select max(version) from schema_version") == 9002


async def test_a_step_may_not_end_its_transaction(empty: str, steps: Path) -> None:
    (steps / "9003_ends.sql").write_text("create table half (id integer); rollback;")

    with pytest.raises(SchemaError, match=r"9003_ends.sql ends the transaction"):
        await migrate(empty, folder=steps)


async def test_an_altered_step_is_refused(empty: str, steps: Path) -> None:
    await migrate(empty, folder=steps)
    (steps / "9001_first.sql").write_text("create table first (id bigint);\n")
    (steps / "9003_third.sql").write_text("create table third (id integer);\n")

    with pytest.raises(SchemaError, match=r"9001_first.sql has changed since it was applied"):
        await migrate(empty, folder=steps)
    assert await ask(empty, "select to_regclass('third')") is None


async def test_a_database_that_is_newer_than_the_program_is_refused(
    empty: str, steps: Path
) -> None:
    await migrate(empty, folder=steps)
    (steps / "9002_second.sql").unlink()

    with pytest.raises(SchemaError, match=r"has had 9002_second.sql, which this program does not"):
        await migrate(empty, folder=steps)


async def test_a_step_that_comes_too_late_is_refused(empty: str, steps: Path) -> None:
    await migrate(empty, folder=steps)
    (steps / "9000_late.sql").write_text("select 1;\n")

    with pytest.raises(SchemaError, match=r"9000_late.sql comes after version 9002"):
        await migrate(empty, folder=steps)


@pytest.mark.parametrize(
    ("name", "complaint"),
    [("9002_again.sql", "have the same number"), ("third.sql", "is not named like")],
)
async def test_a_misnumbered_file_is_refused(
    empty: str, steps: Path, name: str, complaint: str
) -> None:
    (steps / name).write_text("select 1;\n")

    with pytest.raises(SchemaError, match=complaint):
        await migrate(empty, folder=steps)
