"""Sending by ASGI alone, for servers that lend no wire: a task takes what waits and sends it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress

from starlette.websockets import WebSocket, WebSocketDisconnect

from web.feed.framing import texts
from web.feed.limits import FeedLimits
from web.feed.outbox import Outbox
from web.feed.protocol import Close, Ending

_CLOSE_S = 1
_LONGEST_REASON = 120


class _Ended(Exception):
    """Ends the tasks of a socket; without an ending the client has gone."""

    def __init__(self, ending: Ending | None) -> None:
        super().__init__(ending)
        self.ending = ending


async def pulled(
    websocket: WebSocket, outbox: Outbox, limits: FeedLimits, reading: Coroutine[None, None, None]
) -> None:
    """Read and send until either side ends, and close with the reason."""
    ending: Ending | None = None
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(_read(reading, outbox))
            group.create_task(_write(websocket, outbox, limits))
            group.create_task(_cut(outbox))
    except* _Ended as ended:
        ending = _first(ended)
    except* WebSocketDisconnect:
        pass
    finally:
        if ending is not None:
            await _close(websocket, ending)


async def _read(reading: Coroutine[None, None, None], outbox: Outbox) -> None:
    await reading
    if outbox.ending is None:
        raise _Ended(None)


async def _write(websocket: WebSocket, outbox: Outbox, limits: FeedLimits) -> None:
    while True:
        found = await outbox.next()
        if isinstance(found, Ending):
            raise _Ended(found)
        try:
            async with asyncio.timeout(limits.send_ms * 0.001):
                for text in texts(found):
                    await websocket.send_text(text)
        except TimeoutError:
            outbox.give_up(Ending(Close.SLOW, "the reader stands still"))


async def _cut(outbox: Outbox) -> None:
    """End at once what must not wait for a reader that stands still."""
    raise _Ended(await outbox.cut())


async def _close(websocket: WebSocket, ending: Ending) -> None:
    # A reader that stands still would hold the close frame back for ever.
    with suppress(TimeoutError, RuntimeError, WebSocketDisconnect):
        async with asyncio.timeout(_CLOSE_S):
            await websocket.close(ending.code, ending.reason[:_LONGEST_REASON])


def _first(ended: BaseExceptionGroup[_Ended]) -> Ending | None:
    """Return the ending of the task that ended first; none if the client is gone."""
    found = [error for error in _leaves(ended) if isinstance(error, _Ended)]
    return found[0].ending


def _leaves(group: BaseExceptionGroup[BaseException]) -> list[BaseException]:
    return [
        leaf
        for error in group.exceptions
        for leaf in (_leaves(error) if isinstance(error, BaseExceptionGroup) else [error])
    ]
