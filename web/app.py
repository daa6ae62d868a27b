"""The ASGI application: the API, the feed and the pages of one market."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import cache
from typing import TYPE_CHECKING

import orjson
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute

from aggregator.errors import MarketError, NotFound
from aggregator.market import Market
from aggregator.notices import letters
from aggregator.settings import MarketAccount
from web import api, pages
from web.api import documentation, openapi
from web.api.problem import Internal, MethodNotAllowed, answer
from web.api.routing import ENDPOINTS, PREFIX, Endpoint, check_acts, specific_first
from web.api.serving import served
from web.auth.headers import Guarded
from web.context import Context, EdgeLimits
from web.feed.asyncapi import document as feed_document
from web.feed.hub import Hub
from web.feed.operations import check_operations
from web.feed.socket import feed
from web.language import language_of
from web.letters import Letters

if TYPE_CHECKING:
    from web.demonstration.touring import Guide


def create_app(
    market: Market,
    *,
    public_url: str = "",
    is_production: bool = False,
    checks_answers: bool = False,
    limits: EdgeLimits | None = None,
    guide: Guide | None = None,
    account: MarketAccount | None = None,
) -> Starlette:
    """Return the application of an open market, with a `guide` where it is a demonstration.

    `account` is the market's own, which firms are told to pay in to; a guide has one of its own.

    With `checks_answers`, for tests, an answer that its documented schema does not describe
    is our failure.

    Raises:
        LookupError: a route or feed operation that no permission or endpoint stands behind.

    """
    api.load()
    letters.word(Letters())
    check_acts(ENDPOINTS.values())
    check_operations()
    limits = limits or EdgeLimits()
    hub = Hub(market, limits=limits.feed)
    context = Context(
        market,
        hub,
        limits,
        public_url=public_url,
        is_production=is_production,
        checks_answers=checks_answers,
        has_guide=guide is not None,
        account=guide.account if account is None and guide is not None else account,
    )

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        await hub.start()
        yield
        if guide is not None:
            await guide.company.stop()
        await hub.stop()

    app = Starlette(
        routes=[
            *_api_routes(public_url),
            WebSocketRoute("/feed", feed),
            *(guide.routes() if guide is not None else ()),
            *pages.routes(),
        ],
        middleware=[Middleware(Guarded, public_url="https://" if context.is_https else "")],
        exception_handlers={HTTPException: _refused, Exception: _failed},
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False
    app.state.context = context
    if guide is not None:
        guide.company.enter(app)
    return app


def _api_routes(public_url: str) -> list[BaseRoute]:
    by_path: dict[str, dict[str, Endpoint]] = defaultdict(dict)
    for endpoint in ENDPOINTS.values():
        by_path[endpoint.path][endpoint.method] = endpoint

    @cache
    def document() -> openapi.Document:
        return openapi.document(ENDPOINTS.values(), server=public_url)

    return [
        _fixed(f"{PREFIX}/openapi.json", lambda: orjson.dumps(document()), "application/json"),
        _fixed(
            f"{PREFIX}/asyncapi.json", lambda: orjson.dumps(feed_document()), "application/json"
        ),
        _fixed("/api/docs.css", documentation.STYLE.encode, "text/css; charset=utf-8"),
        Route("/api/docs", _docs(document)),
        *(
            # Every method comes here, so that a wrong one is told all that are right.
            Route(PREFIX + path, served(by_path[path]), methods=_ALL_METHODS)
            for path in sorted(by_path, key=specific_first)
        ),
    ]


_ALL_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"]


def _fixed(path: str, made: Callable[[], bytes], media_type: str) -> Route:
    """Serve what is made for the first reader, in a thread: it takes a good part of a second."""
    content = cache(made)

    async def read(_: Request) -> Response:
        told = await asyncio.to_thread(content)
        return Response(told, headers={"Cache-Control": "no-cache"}, media_type=media_type)

    return Route(path, read)


def _docs(document: Callable[[], openapi.Document]) -> Callable[[Request], Awaitable[Response]]:
    async def read(request: Request) -> Response:
        told = await asyncio.to_thread(document)
        return HTMLResponse(documentation.page(told, language_of(request)))

    return read


async def _refused(request: Request, error: Exception) -> Response:
    """Answer what the router refuses: no such path, no such method."""
    assert isinstance(error, HTTPException)
    found: MarketError = Internal()
    if error.status_code == 404:
        found = NotFound("path")
    elif error.status_code == 405:
        found = MethodNotAllowed((error.headers or {}).get("Allow", ""))
    return answer(found, language_of(request), request_id=_request_id(request))


async def _failed(request: Request, _: Exception) -> Response:
    return answer(Internal(), language_of(request), request_id=_request_id(request))


def _request_id(request: Request) -> str:
    return str(request.scope.get("state", {}).get("request_id", ""))
