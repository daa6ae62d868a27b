"""Names for new things: a prefix that says what, then a ULID that says when.

`auc_01JDA9Z6M3…`: 26 characters of Crockford's base 32 hold 48 bits of milliseconds and 80
random bits, so names sort by the time they were made, fit in a path, and cannot be guessed.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import count
from typing import Protocol

from aggregator.clock import Clock, SystemClock

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_RANDOM_LENGTH = 16
_DRAWN_AT_ONCE = 256
# A byte's last five bits; so bytes of equal chances give characters of equal chances.
_CHARACTERS = bytes(ord(_ALPHABET[byte & 31]) for byte in range(256))
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
        return f"{prefix}_{_instant(self._clock.now())}{_ending()}"


class SeededIds:
    """The same names in the same order for the same seed, for tests and the demonstration."""

    def __init__(self, seed: int, clock: Clock) -> None:
        self._seed = seed
        self._clock = clock
        self._order = count()

    def new(self, prefix: str) -> str:
        material = f"{self._seed}/{next(self._order)}".encode()
        drawn = hashlib.sha256(material).digest()[:_RANDOM_LENGTH]
        return f"{prefix}_{_instant(self._clock.now())}{_written(drawn)}"


def new_id(prefix: str) -> str:
    """Return a fresh random name, timed by the machine's clock."""
    return _SYSTEM.new(prefix)


def _ending() -> str:
    """Return random characters; nobody was given them before."""
    while True:
        try:
            # Taken out in one step, so that no two threads are given the same.
            return _ENDINGS.pop()
        except IndexError:
            # To ask the system for a few bytes takes as long as to ask it for many.
            drawn = _written(secrets.token_bytes(_DRAWN_AT_ONCE * _RANDOM_LENGTH))
            _ENDINGS.extend(
                drawn[start : start + _RANDOM_LENGTH]
                for start in range(0, len(drawn), _RANDOM_LENGTH)
            )


def _written(drawn: bytes) -> str:
    return drawn.translate(_CHARACTERS).decode()


@lru_cache(maxsize=64)
def _instant(at: datetime) -> str:
    """Return the first ten characters of a name: 48 bits of milliseconds."""
    elapsed = (at - _EPOCH) // timedelta(milliseconds=1)
    return "".join(_ALPHABET[elapsed >> 5 * place & 31] for place in reversed(range(10)))


_ENDINGS: list[str] = []
# A process that was forked would give away the same names as the one that it came from.
os.register_at_fork(after_in_child=_ENDINGS.clear)
_SYSTEM = RandomIds(SystemClock())
