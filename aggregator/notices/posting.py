"""One request to an address that a firm named, and to no machine that is not on the open internet.

The name is looked up here, each address it stands for is judged, and the request goes to the very
address that was judged. No redirect is followed, and of the answer only the status is read.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

from aggregator.errors import InvalidField

if TYPE_CHECKING:
    import ssl

MAX_ADDRESS = 500
# A timer that rings longer than ten seconds is rung again by another process.
PATIENCE_S = 5
_LOCAL = ("localhost", "127.0.0.1", "::1")
_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")


class Undelivered(Exception):
    """The request did not come to a good answer; the message is a word that says why."""


@dataclass
class _Installed:
    lets_localhost: bool = False


_INSTALLED = _Installed()


def install(*, lets_localhost: bool) -> None:
    """Say for this process whether this very machine may be named, as in development and tests."""
    _INSTALLED.lets_localhost = lets_localhost


def checked_address(text: str, pointer: str) -> str:
    """Return an address that may be posted to, as far as can be told without looking it up.

    Raises:
        InvalidField: not https, no host, a password in it, or a machine that nobody may name.

    """
    try:
        place = urlsplit(text)
        place.port  # noqa: B018 - raises where it is no number
    except ValueError:
        raise _refused(pointer, text) from None
    is_plain = text.isascii() and text.isprintable() and " " not in text
    if not (is_plain and len(text) <= MAX_ADDRESS and place.hostname) or place.fragment:
        raise _refused(pointer, text)
    is_local = _is_local(place)
    if "@" in place.netloc or not (
        place.scheme == "https" or (place.scheme == "http" and is_local)
    ):
        raise _refused(pointer, text)
    if not is_local and _is_literal(place.hostname) and not may_be_reached(place.hostname):
        raise _refused(pointer, text)
    return text


async def post(address: str, headers: Mapping[str, str], body: bytes) -> None:
    """Post `body`, and return when the answer is of the 200s.

    Raises:
        Undelivered: with `timeout`, `unresolved`, `forbidden`, `unreachable` or `http_…`.

    """
    place = urlsplit(address)
    try:
        async with asyncio.timeout(PATIENCE_S):
            status = await _status(place, await _judged(place), headers, body)
    except TimeoutError:
        raise Undelivered("timeout") from None
    if not 200 <= status < 300:
        raise Undelivered(f"http_{status}")


def may_be_reached(host: str) -> bool:
    """Say whether an IP address is one of the open internet: no own network, no way into one."""
    found = ipaddress.ip_address(host)
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return may_be_reached(str(found.ipv4_mapped))
        # Addresses that carry one of the old kind inside could lead anywhere.
        if found not in _GLOBAL_UNICAST or found.sixtofour or found.teredo:
            return False
    return found.is_global and not found.is_multicast


async def _judged(place: SplitResult) -> str:
    """Return the IP address to connect to, once every one of the name may be reached."""
    host, port = place.hostname or "", place.port or 443
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise Undelivered("unresolved") from None
    hosts = [str(info[4][0]) for info in found]
    if not hosts:
        raise Undelivered("unresolved")
    if not _is_local(place) and not all(may_be_reached(one) for one in hosts):
        raise Undelivered("forbidden")
    return hosts[0]


async def _status(place: SplitResult, host: str, headers: Mapping[str, str], body: bytes) -> int:
    import httpx  # loaded when first needed

    shown = f"[{host}]" if ":" in host else host
    port = f":{place.port}" if place.port else ""
    url = place._replace(netloc=f"{shown}{port}").geturl()
    try:
        async with (
            httpx.AsyncClient(verify=_tls(), trust_env=False, timeout=PATIENCE_S) as client,
            client.stream(
                "POST",
                url,
                content=body,
                headers={**headers, "Host": place.netloc},
                extensions={"sni_hostname": place.hostname},
            ) as answer,
        ):
            return int(answer.status_code)
    except httpx.TimeoutException:
        raise Undelivered("timeout") from None
    except (httpx.HTTPError, httpx.InvalidURL, OSError):
        raise Undelivered("unreachable") from None


@cache
def _tls() -> ssl.SSLContext:
    import httpx

    return httpx.create_ssl_context(trust_env=False)


def _is_local(place: SplitResult) -> bool:
    return _INSTALLED.lets_localhost and place.hostname in _LOCAL


def _is_literal(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _refused(pointer: str, text: str) -> InvalidField:
    return InvalidField(pointer, "an https address of the open internet", text[:60])
