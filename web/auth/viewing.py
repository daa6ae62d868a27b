"""Who looks at a page: a person with a session, or nobody."""

from __future__ import annotations

from starlette.requests import Request

from aggregator.errors import NotSignedIn
from aggregator.market import Actor
from web.auth.asking import credential
from web.context import context_of, monotonic_ms


async def viewer_of(request: Request) -> Actor | None:
    """Return who is signed in; a session that is over is nobody's."""
    context = context_of(request)
    given = credential(request, is_https=context.is_https)
    if given is None:
        return None
    try:
        return await context.hub.known.actor_of(given.token, now_ms=monotonic_ms())
    except NotSignedIn:
        return None
