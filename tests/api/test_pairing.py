"""Worlds that differ in one sealed secret look the same, to the byte, to everybody else."""

from __future__ import annotations

from random import Random

import pytest

from tests.api.pairing import another, differences, told_in
from tests.api.telling import Told
from tests.conftest import Databases

SEALED = ("sealed_bid", "pledge_limit", "reserve")


@pytest.mark.slow
@pytest.mark.timeout(400)
async def test_one_other_secret_changes_no_byte_for_anybody_else(databases: Databases) -> None:
    random = Random(7)
    plain = await _told(databases)

    for name in SEALED:
        other = await _told(databases, **{name: another(random, name)})
        assert differences(plain, other) == []
    assert differences(plain, Told([(who, what, text + " ") for who, what, text in plain.pieces]))


async def _told(databases: Databases, **changed: str) -> Told:
    return await told_in(databases.server.dsn(await databases.emptied()), **changed)
