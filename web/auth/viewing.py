"""Who looks at a page: a person with a session, or nobody."""

from __future__ import annotations

from starlette.requests import Request

from aggregator.errors import NotSignedIn
from aggregator.market import Actor
from aggregator.parties import sessions
from web.auth.asking import credential
from web.context import context_of


async def viewer_of(request: Request) -> Actor | None:
    """Return who is signed in; a session that is over is nobody's."""
    context = context_of(request)
    given = credential(request, is_https=context.is_https)
    if given is None:
        return None
    try:
        return await sessions.actor_of(context.market, given.token)
    except NotSignedIn:
        return None
