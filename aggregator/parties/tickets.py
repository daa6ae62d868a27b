"""Feed tickets: a session opens one socket with one, within 30 s, in any process.

A page's script cannot read the session's cookie and a socket's address is logged by proxies,
so the page asks for a ticket and shows that. Only its hash is kept.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from aggregator.errors import NotSignedIn
from aggregator.journal.reading import Pool
from aggregator.market import Actor, Market
from aggregator.parties import sessions

LIFETIME = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Ticket:
    """Shown once to the session that asked for it."""

    text: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Redeemed:
    """Who a ticket opens a socket for, and the session that ends it."""

    actor: Actor
    session_key: bytes


async def issue(market: Market, token: str) -> Ticket:
    """Return a fresh ticket of the token's session; expired ones are cleared away."""
    text, now = secrets.token_urlsafe(32), market.clock.now()
    expires_at = now + LIFETIME
    await Pool().rows("delete from feed_ticket where expires_at <= $1 returning 1 as one", now)
    await Pool().rows(
        "insert into feed_ticket (ticket_hash, session_hash, expires_at) values ($1, $2, $3)"
        " returning 1 as one",
        _hashed(text),
        sessions.key_of(token),
        expires_at,
    )
    return Ticket(text, expires_at)


async def redeem(market: Market, text: str) -> Redeemed:
    """Use a ticket up and return whose it was.

    Raises:
        NotSignedIn: unknown, used, expired, or its session is over.

    """
    found = await Pool().rows(
        "delete from feed_ticket where ticket_hash = $1 returning session_hash, expires_at",
        _hashed(text),
    )
    if not found or found[0]["expires_at"] <= market.clock.now():
        raise NotSignedIn
    key = bytes(found[0]["session_hash"])
    return Redeemed(await sessions.actor_of_session(market, key), key)


def _hashed(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
