"""What serves pages, API and feed on one port, and how a process of it begins and ends."""

from __future__ import annotations

import asyncio
import errno
import gc
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal

import uvicorn
from starlette.applications import Starlette

from aggregator.settings import Settings
from web.context import Context
from web.feed.wire import FeedProtocol
from web.pages.assets import version

Websockets = type[FeedProtocol] | Literal["websockets-sansio"]
"""What speaks with sockets: our own, or uvicorn's, which lends no wire."""

# The feed's own limit is smaller and ends a socket with 4413; this one only bounds memory.
_MAX_MESSAGE_BYTES = 64 * 1024
_MAX_CONNECTIONS = 30_000
_SHUTDOWN_S = 5
_BACKLOG = 2048
_UNSENT_BYTES = 64 * 1024
_GARBAGE = (50_000, 50, 1000)


class PortTaken(OSError):
    """The address to listen on cannot be had; the text says why and what to do."""


def listen(host: str, port: int) -> socket.socket:
    """Return a socket bound to the address.

    Raises:
        PortTaken: with a sentence that says why not.

    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named TCP, so that no loop lets an answer's second part wait for the first to be confirmed.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    # What a slow reader has not taken waits where we can count it and leave it out.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _UNSENT_BYTES)
    try:
        listener.bind((host, port))
        # Listening now makes a second start fail here, before it touches the database.
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise PortTaken(_reason(error, host, port)) from error
    return listener


class MarketServer(uvicorn.Server):
    """Uvicorn that says goodbye to sockets first, and leaves signals to who runs it."""

    def __init__(self, app: Starlette, *, websockets: Websockets = FeedProtocol) -> None:
        context: Context = app.state.context
        super().__init__(configured(app, has_proxy=bool(context.public_url), websockets=websockets))
        self._hub = context.hub
        self.when_open: Callable[[], object] | None = None
        """Called once requests are answered."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        # Packed before the first visitor comes, who would wait for it.
        await asyncio.to_thread(version)
        await super().startup(sockets)
        # What stands by now stays; to look through it again and again would hold bids up.
        gc.collect()
        gc.freeze()
        gc.set_threshold(*_GARBAGE)
        if self.started and self.when_open is not None:
            self.when_open()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        await self._hub.say_goodbye()
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        # Uvicorn would raise a caught signal again and end us before the database has stopped.
        yield

    def stop_soon(self) -> None:
        self.should_exit = True


def configured(
    app: Starlette, *, has_proxy: bool, websockets: Websockets = FeedProtocol
) -> uvicorn.Config:
    """Return how we run uvicorn; a proxy is believed only where a public address is set."""
    return uvicorn.Config(
        app,
        http="httptools",
        ws=websockets,
        ws_max_size=_MAX_MESSAGE_BYTES,
        ws_per_message_deflate=False,
        ws_ping_interval=20,
        ws_ping_timeout=20,
        lifespan="on",
        access_log=False,
        log_config=None,
        proxy_headers=has_proxy,
        server_header=False,
        limit_concurrency=_MAX_CONNECTIONS,
        backlog=_BACKLOG,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=_SHUTDOWN_S,
    )


def give_up_on_signals() -> None:
    """Cancel the current task when we are asked to end, until there is more to be said."""
    this = asyncio.current_task()
    assert this is not None

    def give_up() -> None:
        # A second Ctrl-C must not leave the database behind that the first one is stopping.
        on_signals(lambda: None)
        this.cancel()

    on_signals(give_up)


def on_signals(stop: Callable[[], object]) -> None:
    """Call `stop` when the terminal, its closing or a supervisor asks us to end."""
    numbers = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # `nohup` keeps us running
        numbers.append(signal.SIGHUP)
    for number in numbers:
        asyncio.get_running_loop().add_signal_handler(number, stop)


def address(settings: Settings, listener: socket.socket) -> str:
    if settings.public_url is not None:
        return settings.public_url
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"http://{host}:{listener.getsockname()[1]}"


def _reason(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} on {host} is in use; stop what uses it or choose another with --port"
    if error.errno == errno.EACCES:
        return f"port {port} needs more rights than ours; choose one above 1023 with --port"
    return f"{host}:{port} cannot be listened on: {error.strerror or error}"


def loop_factory() -> type[asyncio.AbstractEventLoop] | None:
    if sys.platform == "win32":
        return None
    import uvloop

    return uvloop.Loop
