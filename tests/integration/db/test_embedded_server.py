"""The embedded server against kills, odd places and wrong folders, with real processes."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from aggregator.cli import main
from aggregator.db import embedded as embedded_module
from aggregator.db import identity
from aggregator.db.embedded import EmbeddedError, EmbeddedPostgres, find_binaries
from aggregator.db.processes import recorded_server

ROOT = Path(__file__).parents[3]


@pytest.fixture
def folder(quick_disk: str) -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="embedded-", dir=quick_disk))
    yield made
    postgres = EmbeddedPostgres(made / "pg")
    if postgres.running():
        postgres.start()
        postgres.stop()
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture
def postgres(folder: Path) -> Iterator[EmbeddedPostgres]:
    made = EmbeddedPostgres(folder / "pg")
    made.start()
    yield made
    made.stop()


def pid_of(postgres: EmbeddedPostgres) -> int:
    found = recorded_server(postgres.data_dir)
    assert found is not None
    return found.pid


def children_of(pid: int) -> list[int]:
    listed = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False
    )
    return [int(line) for line in listed.stdout.split()]


async def ask(dsn: str, statement: str) -> object:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


async def remember(dsn: str, number: int) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute("create table if not exists told (number integer)")
        await connection.execute("insert into told values ($1)", number)
    finally:
        await connection.close()


async def test_it_checks_its_pages_and_listens_on_a_private_socket_only(
    postgres: EmbeddedPostgres,
) -> None:
    dsn = postgres.dsn()

    assert await ask(dsn, "show data_checksums") == "on"
    assert await ask(dsn, "show fsync") == "on"
    assert await ask(dsn, "show synchronous_commit") == "on"
    assert await ask(dsn, "show listen_addresses") == ""
    assert await ask(dsn, "show idle_in_transaction_session_timeout") == "5s"
    assert postgres.data_dir.stat().st_mode & 0o077 == 0


async def test_no_statement_and_no_figure_reaches_the_log(postgres: EmbeddedPostgres) -> None:
    connection = await asyncpg.connect(postgres.dsn())
    await connection.execute("create table bid (price_minor bigint check (price_minor < 5))")
    with pytest.raises(asyncpg.CheckViolationError):
        await connection.execute("insert into bid values ($1)", 499_123)
    await connection.close()

    assert "499123" not in (postgres.data_dir / "log").read_text()


def test_a_second_starter_adopts_and_the_last_user_stops_it(folder: Path) -> None:
    first, second = EmbeddedPostgres(folder / "pg"), EmbeddedPostgres(folder / "pg")
    first.start()
    pid = pid_of(first)

    assert second.start() == first.dsn()
    assert pid_of(second) == pid
    first.stop()
    assert second.running()
    second.stop()
    assert not second.running()


async def test_many_starters_at_once_make_one_server(folder: Path) -> None:
    servers = [EmbeddedPostgres(folder / "pg") for _ in range(6)]

    addresses = await asyncio.gather(*(asyncio.to_thread(server.start) for server in servers))

    assert len(set(addresses)) == 1
    for server in servers:
        server.stop()
    assert not servers[0].running()


async def test_a_killed_postmaster_is_replaced_and_no_row_is_lost(
    postgres: EmbeddedPostgres,
) -> None:
    await remember(postgres.dsn(), 1)
    os.kill(pid_of(postgres), signal.SIGKILL)

    postgres.start()

    assert await ask(postgres.dsn(), "select count(*) from told") == 1


async def test_a_killed_postmaster_is_replaced_while_a_statement_still_runs(
    postgres: EmbeddedPostgres,
) -> None:
    await remember(postgres.dsn(), 1)
    busy = await asyncpg.connect(postgres.dsn())
    sleeping = asyncio.ensure_future(busy.execute("select pg_sleep(25)"))
    await asyncio.sleep(0.2)
    os.kill(pid_of(postgres), signal.SIGKILL)
    began = time.monotonic()

    await asyncio.to_thread(postgres.start)

    assert time.monotonic() - began < 10
    assert await ask(postgres.dsn(), "select count(*) from told") == 1
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
        await sleeping
    busy.terminate()


async def test_every_process_killed_loses_no_row(postgres: EmbeddedPostgres) -> None:
    await remember(postgres.dsn(), 1)
    pid = pid_of(postgres)
    for victim in [*children_of(pid), pid]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(victim, signal.SIGKILL)

    postgres.start()

    assert await ask(postgres.dsn(), "select count(*) from told") == 1


async def test_a_killed_starter_leaves_a_server_that_the_next_one_adopts(folder: Path) -> None:
    code = (
        "import sys, time; from aggregator.db.embedded import EmbeddedPostgres\n"
        "postgres = EmbeddedPostgres(sys.argv[1]); print(postgres.start(), flush=True)\n"
        "time.sleep(60)"
    )
    starter = subprocess.Popen(
        [sys.executable, "-c", code, str(folder / "pg")], stdout=subprocess.PIPE, cwd=ROOT
    )
    assert starter.stdout is not None
    address = starter.stdout.readline().decode().strip()
    await remember(address, 1)
    starter.kill()
    starter.communicate()
    heir = EmbeddedPostgres(folder / "pg")

    assert heir.running()
    assert heir.start() == address
    assert await ask(address, "select count(*) from told") == 1
    heir.stop()
    assert not heir.running()


def test_a_stranger_with_the_dead_servers_number_does_not_stop_the_start(folder: Path) -> None:
    postgres = EmbeddedPostgres(folder / "pg")
    postgres.start()
    record = folder / "pg" / "postmaster.pid"
    lines = record.read_text().splitlines()
    os.kill(pid_of(postgres), signal.SIGKILL)
    record.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
    claim = folder / "pg" / ".s.PGSQL.5432.lock"
    claim.write_text("\n".join([str(os.getpid()), *claim.read_text().splitlines()[1:]]) + "\n")

    postgres.start()

    assert postgres.running()
    assert pid_of(postgres) != os.getpid()
    postgres.stop()


def test_a_start_killed_half_way_through_making_the_folder_is_repeated(folder: Path) -> None:
    (folder / "pg.new").mkdir()
    (folder / "pg.new" / "PG_VERSION").write_text("18\n")
    postgres = EmbeddedPostgres(folder / "pg")

    postgres.start()

    assert postgres.running()
    postgres.stop()


@pytest.mark.parametrize(
    "name",
    ["with a space", 'it\'s, "quoted" & named: 蔗糖 @home', "deep/" + "x" * 60 + "/" + "y" * 60],
)
async def test_any_path_will_do(folder: Path, name: str) -> None:
    postgres = EmbeddedPostgres(folder / name / "pg")

    dsn = postgres.start()

    assert await ask(dsn, "select 1") == 1
    postgres.stop()
    assert not postgres.running()


def test_a_folder_of_another_version_is_refused_by_name(folder: Path) -> None:
    postgres = EmbeddedPostgres(folder / "pg")
    postgres.start()
    postgres.stop()
    (folder / "pg" / "PG_VERSION").write_text("15\n")

    with pytest.raises(EmbeddedError, match=r"written by PostgreSQL 15, and the programs here"):
        postgres.start()
    assert not postgres.running()


def test_a_folder_of_something_else_is_left_alone(folder: Path) -> None:
    (folder / "pg").mkdir()
    (folder / "pg" / "thesis.txt").write_text("mine")

    with pytest.raises(EmbeddedError, match="is not empty and holds no database"):
        EmbeddedPostgres(folder / "pg").start()
    assert (folder / "pg" / "thesis.txt").read_text() == "mine"


def test_a_full_disk_is_named_before_anything_is_made(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded_module, "_LEAST_FREE_BYTES", 10**18)

    with pytest.raises(EmbeddedError, match=r"is full: [0-9]+ MB are free"):
        EmbeddedPostgres(folder / "pg").start()
    assert not (folder / "pg").exists()


def test_a_place_that_cannot_be_a_folder_is_named(folder: Path) -> None:
    (folder / "file").write_text("")

    with pytest.raises(EmbeddedError, match="cannot be served"):
        EmbeddedPostgres(folder / "file" / "pg").start()


def test_programs_that_are_not_there_are_named(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGG_PG_BIN", str(folder))

    with pytest.raises(EmbeddedError, match="AGG_PG_BIN names"):
        EmbeddedPostgres(folder / "pg").start()


def test_programs_are_taken_from_where_the_operator_says(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    binaries = find_binaries()
    (folder / "bin").symlink_to(binaries)
    monkeypatch.setenv("AGG_PG_BIN", str(folder / "bin"))

    assert find_binaries() == folder / "bin"


def test_data_set_aside_makes_room_and_is_kept(folder: Path) -> None:
    postgres = EmbeddedPostgres(folder / "pg")
    assert postgres.set_aside() is None
    postgres.start()

    aside = postgres.set_aside()

    assert aside == folder / "pg.old-1"
    assert (aside / "PG_VERSION").exists()
    assert not postgres.running()
    assert not (folder / "pg").exists()


def test_data_in_use_elsewhere_is_not_set_aside(postgres: EmbeddedPostgres) -> None:
    with pytest.raises(EmbeddedError, match="Another process uses"):
        EmbeddedPostgres(postgres.data_dir).set_aside()
    assert postgres.running()


def test_a_fresh_market_takes_no_place_from_one_that_is_served(
    postgres: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AGG_DATA_DIR", str(postgres.data_dir.parent))
    monkeypatch.delenv("AGG_DATABASE_URL", raising=False)

    assert main(["serve", "--fresh"]) == 1

    assert "Another process uses" in capsys.readouterr().err
    assert postgres.running()


def refused_namespace() -> identity.Identity:
    return identity.Identity(prefix=("/bin/false",))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the server as somebody else")
async def test_root_without_namespaces_serves_as_nobody_from_a_closed_folder(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelters = Path(tempfile.mkdtemp(prefix="shelter-"))
    shelters.chmod(0o755)
    monkeypatch.setattr(identity, "NAMESPACE", refused_namespace())
    monkeypatch.setattr(identity, "SHELTERS", shelters)
    (folder / "closed").mkdir(mode=0o700)
    postgres = EmbeddedPostgres(folder / "closed" / "pg")

    await remember(postgres.start(), 1)

    assert (folder / "closed" / "pg").stat().st_uid == identity.nobody().uid
    os.kill(pid_of(postgres), signal.SIGKILL)
    assert await ask(postgres.start(), "select count(*) from told") == 1
    postgres.stop()
    assert not postgres.running()
    shutil.rmtree(shelters)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the server as somebody else")
async def test_root_serves_another_users_folder_as_that_user(folder: Path) -> None:
    folder.chmod(0o755)
    somebody = identity.nobody()
    (folder / "pg").mkdir(mode=0o700)
    identity.own(somebody, folder / "pg")
    identity.own(somebody, folder)
    postgres = EmbeddedPostgres(folder / "pg")

    assert await ask(postgres.start(), "select 1") == 1

    assert (folder / "pg" / "PG_VERSION").stat().st_uid == somebody.uid
    postgres.stop()
