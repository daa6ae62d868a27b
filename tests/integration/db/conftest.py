"""Tests of the schema itself each get a database of their own: they change more than rows."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.conftest import Databases


@pytest.fixture
async def dsn(databases: Databases) -> AsyncIterator[str]:
    """The address of a fresh, migrated database that only this test uses."""
    name = await databases.create()
    yield databases.server.dsn(name)
    await databases.drop(name)
