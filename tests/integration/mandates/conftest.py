"""A firm under no policy yet, checked after each test."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.integration.mandates.building import Firm, a_firm, books_agree


@pytest.fixture
async def firm(orm: str) -> AsyncIterator[Firm]:
    yield await a_firm()
    await books_agree()
