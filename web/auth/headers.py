"""Headers that guard a browser, on every response, and the one log line of a request."""

from __future__ import annotations

import secrets
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from aggregator import logs
from web.context import monotonic_ms

_GUARDS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
}
_A_YEAR_S = 31_536_000


class Guarded:
    """Wraps the application: adds the headers, names each request and logs it once."""

    def __init__(self, app: ASGIApp, *, public_url: str) -> None:
        self.app = app
        self._is_https = urlsplit(public_url).scheme == "https"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = secrets.token_hex(8)
        scope.setdefault("state", {})["request_id"] = request_id
        began = monotonic_ms()
        status = 500

        async def guarded(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                self._add(scope, MutableHeaders(scope=message), request_id)
            await send(message)

        try:
            await self.app(scope, receive, guarded)
        finally:
            logs.logger().info(
                "request",
                request=request_id,
                method=scope["method"],
                route=_route(scope),
                status=status,
                elapsed_ms=monotonic_ms() - began,
            )

    def _add(self, scope: Scope, headers: MutableHeaders, request_id: str) -> None:
        host = Request(scope).headers.get("host", "")
        is_https = self._is_https or scope["scheme"] == "https"
        for name, value in _GUARDS.items():
            headers.setdefault(name, value)
        headers.setdefault("Content-Security-Policy", content_security_policy(host, is_https))
        headers.setdefault("Cache-Control", "no-store")
        headers["X-Request-Id"] = request_id
        if is_https:
            headers["Strict-Transport-Security"] = f"max-age={_A_YEAR_S}"


def content_security_policy(host: str, is_https: bool) -> str:  # noqa: FBT001 - one private caller
    """Return the policy: scripts, styles and images of ours only, the feed of this host only."""
    feed = f"{'wss' if is_https else 'ws'}://{host}" if _is_plain(host) else ""
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; "
        f"connect-src 'self' {feed}".rstrip()
        + "; img-src 'self' data:; "
        "frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
    )


def _is_plain(host: str) -> bool:
    return bool(host) and all(sign.isalnum() or sign in ".-:[]" for sign in host)


def _route(scope: Scope) -> str:
    """Return the pattern of the path, never the path itself: it may hold names of things."""
    route: Any = scope.get("route")
    return str(getattr(route, "path", "unmatched"))
