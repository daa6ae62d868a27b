"""Each hostile socket is told why it is ended; the market neither logs nor keeps anything."""

from __future__ import annotations

import asyncio
import logging
from urllib.parse import urlsplit

import pytest

from tests.api.conftest import Served
from tests.api.hostile_sockets import CASES, ending


async def test_every_hostile_socket_is_ended_with_its_code(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    port = urlsplit(served.url).port
    assert port is not None
    wrong = {}
    with caplog.at_level(logging.WARNING):
        for name, case in CASES.items():
            code, _ = await ending(port, case)
            if code != case.code:
                wrong[name] = (code, case.code)

    assert len(CASES) >= 60
    assert wrong == {}
    assert [record.getMessage() for record in caplog.records] == []
    async with asyncio.timeout(10):
        while served.context.hub._sockets:
            await asyncio.sleep(0.01)
    assert not +served.context.hub._count
