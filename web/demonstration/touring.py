"""The guided tour over HTTP: taking a part with one click, what to do next, leaving.

These routes stand in a market that serves the demonstration, and in no other.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from aggregator.errors import InvalidField, MarketError
from aggregator.parties import sessions
from aggregator.settings import MarketAccount
from web.api.problem import answer
from web.auth.asking import check_origin, credential, set_cookie
from web.auth.rates import RateLimited
from web.auth.viewing import viewer_of
from web.context import address_of, context_of, monotonic_ms
from web.demonstration.company import Company, TooManyTours
from web.demonstration.parts import PLAYED
from web.demonstration.tour import COOKIE, PARTS, Progress, Tour
from web.demonstration.visitor import Refused
from web.demonstration.world import ACCOUNT, PASSWORD
from web.language import language_of
from web.locale import words

GUIDE, TOURS = "/demonstration/guide", "/demonstration/tours"
_COST = 40
_FULL_S = 60
_LABELS = (
    *("again", "go", "hide", "lead", "leave", "missed"),
    *("now", "over", "restart", "show", "steps", "title"),
)


@dataclass(frozen=True, slots=True)
class Guide:
    """What serves tours: everybody else in them, and the routes."""

    company: Company
    account: MarketAccount = ACCOUNT

    def routes(self) -> list[BaseRoute]:
        return [
            Route(GUIDE, self._answering(self._told), methods=["GET"]),
            Route(TOURS, self._answering(self._begun), methods=["POST"]),
            Route(f"{TOURS}/current", self._answering(self._left), methods=["DELETE"]),
        ]

    def _answering(
        self, act: Callable[[Request], Awaitable[Response]]
    ) -> Callable[[Request], Awaitable[Response]]:
        async def serve(request: Request) -> Response:
            try:
                return await act(request)
            except MarketError as error:
                return answer(error, language_of(request))

        return serve

    async def _told(self, request: Request) -> Response:
        """Tell what there is to do next, or which parts there are to take."""
        context = context_of(request)
        context.addresses.take(address_of(request), monotonic_ms())
        language, tour = language_of(request), await self._tour(request)
        told: dict[str, Any] = {
            "words": {name: _say(language, name) for name in _LABELS},
            "parts": [
                {
                    "part": part,
                    "name": _say(language, f"{part}.name"),
                    "text": _say(language, f"{part}.text"),
                }
                for part in PARTS
            ],
            "tour": None,
        }
        if tour is not None:
            self.company.keep(tour)
            try:
                progress = await self.company.progress(tour)
            except Refused:
                # Its scene is gone, as after a restart with an empty database.
                progress = Progress((), is_missed=True)
            told["tour"] = _shown(tour, progress, language)
        return _json(told)

    async def _begun(self, request: Request) -> Response:
        """Take a part: a firm of one's own, a session in it, and others around."""
        context = context_of(request)
        check_origin(request, context.public_url, is_cookie=True)
        part = await _part(request)
        context.addresses.take(address_of(request), monotonic_ms(), cost=_COST)
        try:
            tour = await self.company.begin(part)
        except TooManyTours:
            raise RateLimited(_FULL_S) from None
        opened = await sessions.open_session(context.market, tour.login, PASSWORD)
        progress = await self.company.progress(tour)
        found = _json({"path": progress.steps[0].path}, 201)
        lifetime_s = int(sessions.ABSOLUTE.total_seconds())
        found.headers.append(
            "Set-Cookie",
            set_cookie(opened.token, is_https=context.is_https, max_age_s=lifetime_s),
        )
        _keep(found, tour.text, lifetime_s, is_https=context.is_https)
        return found

    async def _left(self, request: Request) -> Response:
        """Leave: the session ends, and the browser forgets the tour."""
        context = context_of(request)
        check_origin(request, context.public_url, is_cookie=True)
        found = Response(None, 204)
        given = credential(request, is_https=context.is_https)
        if given is not None and await self._tour(request) is not None:
            await sessions.close_session(context.market, given.token)
            found.headers.append(
                "Set-Cookie", set_cookie("", is_https=context.is_https, max_age_s=0)
            )
        _keep(found, "", 0, is_https=context.is_https)
        return found

    async def _tour(self, request: Request) -> Tour | None:
        """Return the tour of whoever asks, if he is signed in as the person of it."""
        tour, viewer = Tour.read(request.cookies.get(COOKIE, "")), await viewer_of(request)
        if tour is None or viewer is None or viewer.person_id != tour.person_id:
            return None
        return tour


def guide_of(market: Any) -> Guide:
    """Return the guide of a market in which the demonstration has been told."""
    return Guide(Company(market, PLAYED))


async def _part(request: Request) -> str:
    try:
        found = orjson.loads(await request.body())
    except orjson.JSONDecodeError:
        found = None
    part = found.get("part") if isinstance(found, dict) else None
    if part not in PARTS:
        raise InvalidField("/part", f"one of {', '.join(PARTS)}", str(part)[:40])
    return str(part)


def _shown(tour: Tour, progress: Progress, language: str) -> Mapping[str, Any]:
    present = progress.present
    return {
        "part": tour.part,
        "name": _say(language, f"{tour.part}.name"),
        "done": progress.done,
        "is_missed": progress.is_missed,
        "is_over": present is None and bool(progress.steps),
        "progress": words(
            language, "guide.progress", {"done": progress.done, "count": len(progress.steps)}
        ),
        "steps": [
            {
                "name": step.name,
                "title": _say(language, f"{tour.part}.{step.name}.title"),
                "text": _say(language, f"{tour.part}.{step.name}.text"),
                "path": step.path,
                "state": "done" if step.is_done else "now" if step.name == present else "later",
            }
            for step in progress.steps
        ],
    }


def _say(language: str, name: str) -> str:
    return words(language, f"guide.{name}") or name


def _json(content: Mapping[str, Any], status: int = 200) -> Response:
    headers = {"Cache-Control": "no-store"}
    return Response(orjson.dumps(content), status, headers, media_type="application/json")


def _keep(found: Response, text: str, lifetime_s: int, *, is_https: bool) -> None:
    found.set_cookie(
        COOKIE,
        text,
        max_age=lifetime_s,
        path="/",
        secure=is_https,
        httponly=True,
        samesite="strict",
    )
