"""A client of the public HTTP interface, as any firm's program would write one."""

from __future__ import annotations

import itertools
from datetime import datetime
from types import TracebackType
from typing import Any, Self

import httpx


class Refused(Exception):
    """The market said no: the status and the problem document."""

    def __init__(self, method: str, path: str, status: int, problem: Any) -> None:
        super().__init__(f"{method} {path}: {status} {problem}")
        self.status = status
        self.problem = problem


class Visitor:
    """One signed-in person, or nobody, on one connection pool."""

    def __init__(
        self,
        base_url: str,
        who: str,
        *,
        run: str,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.who = who
        self.signed_in_at: datetime | None = None
        self._client = httpx.AsyncClient(
            base_url=base_url, timeout=60, trust_env=False, transport=transport
        )
        self._commands = itertools.count(1)
        self._run = run

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def aclose(self) -> None:
        await self._client.aclose()

    async def sign_in(self, password: str) -> Any:
        return await self.post("/sessions", {"login": self.who, "password": password})

    async def get(self, path: str) -> Any:
        return await self._ask("GET", path, None)

    async def post(self, path: str, body: Any = None, *, key: str | None = None) -> Any:
        """Act; an act under a `key` of one's own happens once, however often it is asked for."""
        return await self._ask("POST", path, {} if body is None else body, key)

    async def put(self, path: str, body: Any = None) -> Any:
        return await self._ask("PUT", path, body)

    async def _ask(self, method: str, path: str, body: Any, key: str | None = None) -> Any:
        headers = {"Accept": "application/json"}
        if method != "GET":
            counted = f"{self._run}-{self.who}-{next(self._commands):05d}"
            headers["Idempotency-Key"] = key or counted
            headers["Origin"] = str(self._client.base_url).rstrip("/")
        answer = await self._client.request(
            method, f"/api/v1{path}", json=body if method != "GET" else None, headers=headers
        )
        found = answer.json() if answer.content else None
        if answer.status_code >= 400:
            raise Refused(method, path, answer.status_code, found)
        return found
