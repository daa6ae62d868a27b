"""Every table behind the second wall, against a list written by hand, and every gate in it."""

from __future__ import annotations

import re
from pathlib import Path

from aggregator.db.migrating import schema_files
from tests.architecture.source import sources

LIST = Path(__file__).with_name("walls.txt")
_NAMED = re.compile(r"create table (?:if not exists )?(\w+)", re.IGNORECASE)
_SAID = re.compile(r"^select (admit|narrow|share|veil)\('(\w+)'", re.MULTILINE)
_STATES = {"admit": "admitted", "narrow": "admitted", "share": "shared", "veil": "veiled"}


def listed() -> dict[str, str]:
    """Return what the list says of each table and gate; every line gives a reason."""
    found = {}
    for line in LIST.read_text().splitlines():
        if line and not line.startswith("#"):
            name, state, reason = line.split(maxsplit=2)
            assert reason
            assert name not in found, name
            found[name] = state
    return found


def test_every_table_says_in_the_schema_who_reads_it() -> None:
    found = {"schema_version": "closed"}
    for file in schema_files():
        found |= dict.fromkeys(_NAMED.findall(file.sql), "closed")
    for file in schema_files():
        for said, table in _SAID.findall(file.sql):
            before = "shared" if said in ("narrow", "veil") else "closed"
            assert found.get(table) == before, f"{file.name}: {table} is said twice or absent"
            found[table] = _STATES[said]

    assert found == {name: state for name, state in listed().items() if state != "past"}


def test_every_gate_past_the_wall_is_listed() -> None:
    found = {source.path for source in sources() if re.search(r"\bMechanism\(\)", source.text)}

    assert found == {name for name, state in listed().items() if state == "past"}
