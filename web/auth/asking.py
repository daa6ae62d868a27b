"""Who asks: the session of a cookie or a bearer token, and the origin of a change."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from typing import Literal
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection

from aggregator.errors import MarketError
from aggregator.parties.errors import PasskeysNeedAName
from aggregator.parties.passkeys import Place

SECURE_COOKIE, PLAIN_COOKIE = "__Host-agg", "agg"
_MAX_TOKEN = 200


@dataclass
class OriginRefused(MarketError):
    """A change that a page of another site asks for."""

    code = "origin_refused"
    origin: str


@dataclass(frozen=True, slots=True)
class Credential:
    """A session token and how it came."""

    token: str
    way: Literal["cookie", "bearer"]


def credential(connection: HTTPConnection, *, is_https: bool) -> Credential | None:
    """Return the token of the request; a bearer token counts before a cookie."""
    scheme, _, token = connection.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and _is_token(token):
        return Credential(token, "bearer")
    cookie = connection.cookies.get(cookie_name(is_https=is_https), "")
    return Credential(cookie, "cookie") if _is_token(cookie) else None


def cookie_name(*, is_https: bool) -> str:
    return SECURE_COOKIE if is_https else PLAIN_COOKIE


def set_cookie(token: str, *, is_https: bool, max_age_s: int) -> str:
    """Return the Set-Cookie header that keeps `token`; a lifetime of 0 forgets it."""
    secure = "; Secure" if is_https else ""
    name = cookie_name(is_https=is_https)
    return f"{name}={token}; Path=/; Max-Age={max_age_s}; HttpOnly; SameSite=Strict{secure}"


def check_origin(connection: HTTPConnection, public_url: str, *, is_cookie: bool) -> None:
    """Refuse what another site's page asks for.

    A browser sends Origin with every change. A program with a bearer token may leave it out;
    a cookie without it is not believed.

    Raises:
        OriginRefused: the origin is not ours, or a cookie came without one.

    """
    origin = connection.headers.get("origin")
    if origin is None:
        if is_cookie:
            raise OriginRefused("")
        return
    if not is_own_origin(connection, origin, public_url):
        raise OriginRefused(origin[:200])


def is_own_origin(connection: HTTPConnection, origin: str, public_url: str) -> bool:
    """Whether `origin` is the public address, or the very host that is being asked."""
    try:
        asked = urlsplit(origin)
        public = urlsplit(public_url)
    except ValueError:
        return False
    if asked.scheme not in ("http", "https") or not asked.netloc or asked.path:
        return False
    if public_url and (asked.scheme, asked.netloc) == (public.scheme, public.netloc):
        return True
    return asked.netloc == connection.headers.get("host")


def passkey_place(connection: HTTPConnection, public_url: str) -> Place:
    """Return where a browser's passkeys for this market belong.

    Raises:
        PasskeysNeedAName: it is asked under an address, or under a name without TLS.

    """
    try:
        asked = urlsplit(public_url or f"http://{connection.headers.get('host', '')}")
    except ValueError:
        raise PasskeysNeedAName from None
    name = asked.hostname or ""
    # Without a public address the host is what the client says; only this one is believed.
    if name != "localhost" and (asked.scheme != "https" or _is_address(name)):
        raise PasskeysNeedAName
    return Place(name, f"{asked.scheme}://{asked.netloc}")


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _is_token(text: str) -> bool:
    return 0 < len(text) <= _MAX_TOKEN and text.isascii() and text.isprintable()
