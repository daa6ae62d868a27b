"""Names for new things: a prefix that says what, then a ULID that says when.

`auc_01JDA9Z6M3…`: 26 characters of Crockford's base 32 hold 48 bits of milliseconds and 80
random bits, so names sort by the time they were made, fit in a path, and cannot be guessed.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import count
from typing import Protocol

from aggregator.clock import Clock, SystemClock

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS = [high + low for high in _ALPHABET for low in _ALPHABET]
_RANDOM_BYTES = 10
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Ids(Protocol):
    """Where new names come from."""

    def new(self, prefix: str) -> str:
        """Return a name nobody has: the prefix, an underscore and 26 characters."""
        ...


class RandomIds:
    """Names that nobody can guess."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def new(self, prefix: str) -> str:
        return _named(prefix, self._clock.now(), int.from_bytes(secrets.token_bytes(_RANDOM_BYTES)))


class SeededIds:
    """The same names in the same order for the same seed, for tests and the demonstration."""

    def __init__(self, seed: int, clock: Clock) -> None:
        self._seed = seed
        self._clock = clock
        self._order = count()

    def new(self, prefix: str) -> str:
        material = f"{self._seed}/{next(self._order)}".encode()
        drawn = int.from_bytes(hashlib.sha256(material).digest()[:_RANDOM_BYTES])
        return _named(prefix, self._clock.now(), drawn)


def new_id(prefix: str) -> str:
    """Return a fresh random name, timed by the machine's clock."""
    return _SYSTEM.new(prefix)


def _named(prefix: str, at: datetime, drawn: int) -> str:
    # Names are made for every bid, so two characters at a time, without a loop.
    pairs = _PAIRS
    return (
        f"{prefix}_{_instant(at)}{pairs[drawn >> 70]}{pairs[drawn >> 60 & 1023]}"
        f"{pairs[drawn >> 50 & 1023]}{pairs[drawn >> 40 & 1023]}{pairs[drawn >> 30 & 1023]}"
        f"{pairs[drawn >> 20 & 1023]}{pairs[drawn >> 10 & 1023]}{pairs[drawn & 1023]}"
    )


@lru_cache(maxsize=64)
def _instant(at: datetime) -> str:
    """Return the first ten characters of a name: 48 bits of milliseconds."""
    elapsed = (at - _EPOCH) // timedelta(milliseconds=1)
    return "".join(_ALPHABET[elapsed >> 5 * place & 31] for place in reversed(range(10)))


_SYSTEM = RandomIds(SystemClock())
