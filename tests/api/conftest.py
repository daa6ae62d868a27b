"""A served market: real HTTP and websockets on a free port, a real database behind them."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from aggregator.market import Market
from tests.builders import a_market, a_person, an_organisation
from web.app import create_app
from web.context import Context, EdgeLimits
from web.feed.wire import FeedProtocol
from web.server import MarketServer, Websockets, listen

PASSWORD = "correct horse 8"
_KEYS = itertools.count(1)


@dataclass
class Visitor:
    """A program with a bearer token, or nobody."""

    client: httpx.AsyncClient
    token: str = ""
    organisation_id: str = ""
    login: str = ""

    async def get(self, path: str, **options: Any) -> httpx.Response:
        return await self._ask("GET", path, **options)

    async def post(self, path: str, body: Any = None, **options: Any) -> httpx.Response:
        return await self._ask("POST", path, json={} if body is None else body, **options)

    async def patch(self, path: str, body: Any, **options: Any) -> httpx.Response:
        return await self._ask("PATCH", path, json=body, **options)

    async def delete(self, path: str, **options: Any) -> httpx.Response:
        return await self._ask("DELETE", path, **options)

    async def _ask(
        self, method: str, path: str, *, key: str | None = None, **options: Any
    ) -> httpx.Response:
        headers = dict(options.pop("headers", {}))
        if self.token:
            headers.setdefault("Authorization", f"Bearer {self.token}")
        if method != "GET":
            headers["Idempotency-Key"] = key or f"test-key-{next(_KEYS):06d}"
        return await self.client.request(method, f"/api/v1{path}", headers=headers, **options)


@dataclass
class Served:
    """The running market and who visits it."""

    market: Market
    context: Context
    url: str
    clients: list[httpx.AsyncClient] = field(default_factory=list)

    @property
    def feed_url(self) -> str:
        return self.url.replace("http", "ws", 1) + "/feed"

    def client(self) -> httpx.AsyncClient:
        made = httpx.AsyncClient(base_url=self.url, timeout=20, trust_env=False)
        self.clients.append(made)
        return made

    def nobody(self) -> Visitor:
        return Visitor(self.client())

    async def visitor(self, organisation_id: str, *roles: str) -> Visitor:
        """Add a person with `roles` to the organisation and sign in as a program."""
        login = f"person-{next(_KEYS):06d}"
        await self.add_person(organisation_id, login, *roles)
        visitor = self.nobody()
        body = {"login": login, "password": PASSWORD, "bearer": True}
        answer = (await visitor.post("/sessions", body)).json()
        visitor.token, visitor.login = answer["token"], login
        visitor.organisation_id = organisation_id
        return visitor

    async def member(self, name: str, *roles: str, **options: Any) -> Visitor:
        """Register an organisation with one person in it and sign in."""
        organisation_id = await an_organisation(self.market, name, **options)
        return await self.visitor(organisation_id, *roles)

    async def operator(self) -> Visitor:
        """Sign in as the market's operator."""
        organisation_id = await an_organisation(self.market, "The market", kind="operator")
        return await self.visitor(organisation_id, "operator")

    async def add_person(self, organisation_id: str, login: str, *roles: str) -> None:
        await a_person(self.market, organisation_id, login, *roles, password=PASSWORD)


@pytest.fixture
def edge_limits() -> EdgeLimits:
    return EdgeLimits()


@pytest.fixture
def websockets() -> Websockets:
    return FeedProtocol


@pytest.fixture
async def served(
    orm: str, edge_limits: EdgeLimits, websockets: Websockets
) -> AsyncIterator[Served]:
    market = a_market()
    async with serving(market, edge_limits, websockets) as found:
        yield found


class serving:  # noqa: N801 - reads as a verb
    """Serve a market on a free port of this loop."""

    def __init__(
        self,
        market: Market,
        limits: EdgeLimits | None = None,
        websockets: Websockets = FeedProtocol,
    ) -> None:
        self.market = market
        self.app = create_app(market, limits=limits, checks_answers=True)
        self.listener = listen("127.0.0.1", 0)
        self.server = MarketServer(self.app, websockets=websockets)

    async def __aenter__(self) -> Served:
        self.running = asyncio.get_running_loop().create_task(
            self.server.serve(sockets=[self.listener])
        )
        while not self.server.started:
            await asyncio.sleep(0.01)
        port = self.listener.getsockname()[1]
        self.served = Served(self.market, self.app.state.context, f"http://127.0.0.1:{port}")
        return self.served

    async def __aexit__(self, *_: object) -> None:
        for client in self.served.clients:
            await client.aclose()
        self.server.stop_soon()
        await self.running
        self.listener.close()
