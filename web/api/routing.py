"""Routes as data: `@route` says the method, path, act, body and answer of one handler.

A handler takes a `Call`, calls one use case and returns its `Outcome`, a plain dict, or a
`Download`. Everything else is done around it, the same for all: who asks and whether the act
is allowed, rates, origin, strict reading of the body, the command id, problem documents.

    @route("POST", "/pools/{pool_id}/pledges", act="pools.pledge", body=PledgeBody, status=201)
    async def pledge(call: Call) -> Outcome:
        body: PledgeBody = call.body
        return await pledging.pledge(call.market, call.actor, call.command, call.path["pool_id"], …)
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel
from starlette.requests import HTTPConnection
from starlette.responses import Response

from aggregator.errors import NotSignedIn
from aggregator.journal.facts import canonical
from aggregator.market import Actor, Answer, Command, Market, Outcome
from aggregator.parties.permissions import ACTS
from aggregator.parties.relations import RELATIONS
from matching.values import value

PUBLIC = "public"
"""Anyone may ask, signed in or not; `call.viewer` may be None."""
SIGNED_IN = "signed in"
"""Any session may ask, whatever its roles."""

PREFIX = "/api/v1"
MAX_BODY_BYTES = 64 * 1024
MAX_IMPORT_BYTES = 5 * 1024 * 1024
CHANGING = frozenset({"POST", "PUT", "PATCH", "DELETE"})


@dataclass(frozen=True, slots=True)
class Download:
    """A file as an answer, such as a CSV export."""

    content: bytes
    media_type: str
    filename: str


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer with headers or a status of its own."""

    answer: Answer
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@value
class Call:
    """One request, taken apart and checked."""

    market: Market
    viewer: Actor | None
    language: str
    path: Mapping[str, str]
    query: Any
    body: Any
    text: str
    request: HTTPConnection
    given_command: Command | None
    file: bytes = b""

    @property
    def actor(self) -> Actor:
        """Return who asks.

        Raises:
            NotSignedIn: nobody, which only a PUBLIC route can meet.

        """
        if self.viewer is None:
            raise NotSignedIn
        return self.viewer

    @property
    def command(self) -> Command:
        assert self.given_command is not None, "the route is not keyed"
        return self.given_command


Handler = Callable[[Call], Awaitable[Outcome | Answer | Reply | Download | Response]]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One method of one path, as its decorator described it."""

    method: str
    path: str
    act: str
    handler: Handler
    body: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    out: type[BaseModel] | None = None
    status: int = 200
    text_types: tuple[str, ...] = ()
    file_types: tuple[str, ...] = ()
    gives: tuple[str, ...] = ()
    max_bytes: int = MAX_BODY_BYTES
    is_keyed: bool = True
    is_reading: bool = False

    @property
    def name(self) -> str:
        return self.handler.__name__

    @property
    def module(self) -> str:
        return self.handler.__module__.rpartition(".")[2]

    @property
    def is_behind_the_wall(self) -> bool:
        """Whether its handler reads as the database's reader."""
        return self.is_reading or not self.is_changing

    @property
    def is_changing(self) -> bool:
        return self.method in CHANGING

    def command(self, command_id: str, path: Mapping[str, str], content: object) -> Command:
        """Return the command whose meaning is this act on this path with this content.

        Over HTTP and over the feed the same act has the same meaning, so a client that lost
        one connection may repeat its command on the other.
        """
        meaning = [self.act, self.method, self.path, dict(path), content]
        return Command(command_id, hashlib.sha256(canonical(meaning)).digest())

    @property
    def needs_command(self) -> bool:
        return self.is_changing and self.is_keyed and not self.is_reading


ENDPOINTS: dict[tuple[str, str], Endpoint] = {}


def route(method: str, path: str, *, act: str, **description: Any) -> Callable[[Handler], Handler]:
    """Serve `method path` (below /api/v1) by the decorated handler.

    Args:
        method: GET, POST, PUT, PATCH or DELETE.
        path: with `{names}` that arrive in `call.path`.
        act: a row of `parties.permissions.ACTS`, or PUBLIC or SIGNED_IN.
        **description: the other fields of `Endpoint`: `body`, `query` and `out` are pydantic
            classes; `status` is that of success; `text_types` are media types taken as
            `call.text` beside JSON, `file_types` those taken as the bytes of `call.file`;
            `gives` are the media types of a `Download` that is no JSON;
            `is_keyed=False` is for changes that need no command id; `is_reading` for a
            question too long for a path, which changes nothing and is read behind the wall.

    """

    def take(handler: Handler) -> Handler:
        known = ENDPOINTS.get((method, path))
        if known is not None and known.handler is not handler:
            raise ValueError(f"{method} {path} is served by {known.name} and {handler.__name__}")
        ENDPOINTS[method, path] = Endpoint(method, path, act, handler, **description)
        return handler

    return take


def check_acts(endpoints: Iterable[Endpoint]) -> None:
    """Refuse to start when a route names an act that the two halves of the table do not know.

    Raises:
        LookupError: naming every such route.

    """
    known = (ACTS.keys() & RELATIONS.keys()) | {PUBLIC, SIGNED_IN}
    unknown = sorted(
        f"{endpoint.method} {endpoint.path}: {endpoint.act}"
        for endpoint in endpoints
        if endpoint.act not in known
    )
    if unknown:
        raise LookupError(f"acts without a row in parties.permissions.ACTS: {'; '.join(unknown)}")


def specific_first(path: str) -> tuple[tuple[int, int, str], ...]:
    """Return the order of paths: literal segments first, then the longer mixed ones."""
    return tuple(
        (0, 0, segment) if "{" not in segment else (1, -len(segment.split("}")[-1]), "")
        for segment in path.split("/")
    )
