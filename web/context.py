"""What every request and socket shares: the market, the edge's limits, the feed's hub."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import cast
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection

from aggregator.market import Market
from aggregator.settings import MarketAccount
from web.auth.rates import Buckets, Rate
from web.feed.hub import Hub
from web.feed.limits import FeedLimits
from web.turns import Turns


@dataclass(frozen=True, slots=True)
class EdgeLimits:
    """How often one organisation, one address and one log-in may ask (MARKET.md 13).

    `organisation` counts HTTP requests and socket acts together.
    """

    organisation: Rate = field(default=Rate(per_s=200, burst=1000))
    address: Rate = field(default=Rate(per_s=100, burst=400))
    login: Rate = field(default=Rate(per_s=1, burst=10, in_s=20))
    feed: FeedLimits = field(default=FeedLimits())


@dataclass(slots=True)
class Context:
    """Made once by `create_app`; found from any request by `context_of`."""

    market: Market
    hub: Hub
    limits: EdgeLimits
    public_url: str = ""
    is_production: bool = False
    checks_answers: bool = False
    has_guide: bool = False
    account: MarketAccount | None = None
    files: Turns = field(default_factory=Turns)
    organisations: Buckets = field(init=False)
    addresses: Buckets = field(init=False)
    logins: Buckets = field(init=False)

    def __post_init__(self) -> None:
        self.organisations = Buckets(self.limits.organisation)
        self.addresses = Buckets(self.limits.address)
        self.logins = Buckets(self.limits.login)

    @property
    def is_https(self) -> bool:
        return self.is_production or urlsplit(self.public_url).scheme == "https"


def context_of(connection: HTTPConnection) -> Context:
    return cast(Context, connection.app.state.context)


def address_of(connection: HTTPConnection) -> str:
    return connection.client.host if connection.client else "unknown"


def monotonic_ms() -> int:
    """Return the machine's steady time, for rates and time-outs only."""
    return time.monotonic_ns() // 1_000_000
