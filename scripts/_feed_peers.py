"""Other ways to send one message to many sockets: `python _feed_peers.py WAY`.

It prints its port; `send N` on standard input broadcasts N messages, one after the other.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Callable
from typing import Any

SIZE = 200


def message() -> str:
    text = f'{{"op":"delta","data":{{"at_ns":{time.monotonic_ns()}'
    return text.ljust(SIZE - 2) + "}}"


def listen(send: Callable[[int], Any]) -> None:
    """Let `send` be called, in the loop's thread, for each line that asks for it."""
    loop = asyncio.get_running_loop()
    tasks: set[asyncio.Task[None]] = set()

    def heard() -> None:
        line = sys.stdin.readline()
        if not line:
            os._exit(0)
        found = send(int(line.split()[1]))
        if found is not None:
            tasks.add(task := loop.create_task(found))
            task.add_done_callback(tasks.discard)

    loop.add_reader(sys.stdin.fileno(), heard)


async def starlette(*, has_queues: bool) -> None:
    import uvicorn
    from starlette.applications import Starlette
    from starlette.routing import WebSocketRoute
    from starlette.websockets import WebSocket, WebSocketDisconnect

    sockets: dict[WebSocket, asyncio.Queue[str]] = {}

    async def write(websocket: WebSocket, queue: asyncio.Queue[str]) -> None:
        while True:
            await websocket.send_text(await queue.get())

    async def endpoint(websocket: WebSocket) -> None:
        await websocket.accept()
        queue = sockets[websocket] = asyncio.Queue()
        writer = asyncio.ensure_future(write(websocket, queue)) if has_queues else None
        try:
            while True:
                await websocket.receive_text()
        except WebSocketDisconnect:
            del sockets[websocket]
            if writer is not None:
                writer.cancel()

    async def send(count: int) -> None:
        for _ in range(count):
            text = message()
            for websocket, queue in list(sockets.items()):
                if has_queues:
                    queue.put_nowait(text)
                else:
                    await websocket.send_text(text)

    config = uvicorn.Config(
        Starlette(routes=[WebSocketRoute("/feed", endpoint)]),
        port=0,
        ws="websockets-sansio",
        ws_per_message_deflate=False,
        ws_ping_interval=None,
        log_config=None,
        log_level="critical",
        access_log=False,
        backlog=2048,
    )
    server = uvicorn.Server(config)
    serving = asyncio.ensure_future(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    print(server.servers[0].sockets[0].getsockname()[1], flush=True)
    listen(send)
    await serving


async def websockets() -> None:
    from websockets.asyncio.server import ServerConnection, broadcast, serve

    async def stay(socket: ServerConnection) -> None:
        await socket.wait_closed()

    async with serve(stay, "127.0.0.1", 0, compression=None, ping_interval=None) as server:
        print(server.sockets[0].getsockname()[1], flush=True)

        def send(count: int) -> None:
            for _ in range(count):
                broadcast(server.connections, message())

        listen(send)
        await server.serve_forever()


async def aiohttp() -> None:
    from aiohttp import web

    sockets: dict[web.WebSocketResponse, None] = {}

    async def endpoint(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(compress=False)
        await socket.prepare(request)
        sockets[socket] = None
        async for _ in socket:
            pass
        del sockets[socket]
        return socket

    async def send(count: int) -> None:
        for _ in range(count):
            text = message()
            for socket in list(sockets):
                await socket.send_str(text)

    app = web.Application()
    app.router.add_get("/feed", endpoint)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, backlog=2048)
    await site.start()
    print(runner.addresses[0][1], flush=True)
    listen(send)
    await asyncio.Event().wait()


async def picows() -> None:
    import picows as library

    sockets: dict[Any, None] = {}

    class Listener(library.WSListener):
        def on_ws_connected(self, transport: Any) -> None:
            sockets[transport] = None

        def on_ws_disconnected(self, transport: Any) -> None:
            sockets.pop(transport, None)

    def send(count: int) -> None:
        for _ in range(count):
            text = message().encode()
            for transport in sockets:
                transport.send(library.WSMsgType.TEXT, text)

    server = await library.ws_create_server(lambda _: Listener(), "127.0.0.1", 0, backlog=2048)
    print(server.sockets[0].getsockname()[1], flush=True)
    listen(send)
    await server.serve_forever()


WAYS = {
    "starlette-queue": lambda: starlette(has_queues=True),
    "starlette": lambda: starlette(has_queues=False),
    "websockets": websockets,
    "aiohttp": aiohttp,
    "picows": picows,
}


def main(way: str) -> None:
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(WAYS[way]())


if __name__ == "__main__":
    main(sys.argv[1])
