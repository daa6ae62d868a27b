"""Token buckets in whole thousandths: how often an organisation or an address may ask.

A bucket holds `burst` requests and fills at `per_s` a second. All figures are integers; time
is monotonic milliseconds and an argument.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

from aggregator.errors import MarketError


@dataclass
class RateLimited(MarketError):
    code = "rate_limited"
    retry_after_s: int


@dataclass(frozen=True, slots=True)
class Rate:
    """So many requests a second; with `in_s`, in that many seconds."""

    per_s: int
    burst: int
    in_s: int = 1
    one: int = field(init=False, repr=False, compare=False)
    """The level of a bucket that holds one request."""
    full: int = field(init=False, repr=False, compare=False)
    """The level of a bucket that holds as many as it can."""

    def __post_init__(self) -> None:
        # Every frame asks for them.
        object.__setattr__(self, "one", 1000 * self.in_s)
        object.__setattr__(self, "full", self.burst * self.one)


@dataclass(slots=True)
class Bucket:
    """Requests that may still be made; starts full."""

    rate: Rate
    at_ms: int
    level: int = field(init=False)

    def __post_init__(self) -> None:
        self.level = self.rate.full

    def wait_ms(self, now_ms: int, *, cost: int = 1) -> int:
        """Return 0 and take `cost` requests, or how long until so many are there."""
        rate = self.rate
        if now_ms != self.at_ms:
            self.fill(now_ms)
        asked = cost * rate.one
        if self.level >= asked:
            self.level -= asked
            return 0
        return -((self.level - asked) // rate.per_s)

    def fill(self, now_ms: int) -> None:
        rate, gone_ms = self.rate, now_ms - self.at_ms
        if gone_ms > 0 and self.level < rate.full:
            self.level = min(self.level + gone_ms * rate.per_s, rate.full)
        self.at_ms = now_ms


@dataclass(slots=True)
class Buckets:
    """One bucket a key. Beyond `max_keys` the key asked for longest ago is forgotten."""

    rate: Rate
    max_keys: int = 20_000
    _known: OrderedDict[str, Bucket] = field(default_factory=OrderedDict)

    def take(self, key: str, now_ms: int, *, cost: int = 1) -> None:
        """Count a request of `key`, or as many as it costs us.

        Raises:
            RateLimited: with the whole seconds after which one is free again.

        """
        bucket = self._known.get(key)
        if bucket is None:
            bucket = self._known[key] = Bucket(self.rate, now_ms)
            if len(self._known) > self.max_keys:
                self._known.popitem(last=False)
        self._known.move_to_end(key)
        wait_ms = bucket.wait_ms(now_ms, cost=cost)
        if wait_ms:
            raise RateLimited(retry_after_s=-(-wait_ms // 1000))
