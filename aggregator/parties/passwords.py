"""Passwords as argon2id hashes."""

from __future__ import annotations

import asyncio

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from aggregator.errors import InvalidField

MIN_LENGTH, MAX_LENGTH = 10, 200
_HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
# Checked when a log-in is unknown, so that an unknown name takes as long as a wrong password.
_NOBODY = _HASHER.hash("nobody has this password")


async def hash_password(password: str, pointer: str = "/password") -> str:
    """Return the argon2id hash of a new password."""
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
        raise InvalidField(pointer, f"{MIN_LENGTH} to {MAX_LENGTH} characters", len(password))
    return await asyncio.to_thread(_HASHER.hash, password)


async def is_right(password_hash: str | None, password: str) -> bool:
    """Tell whether `password` is the one; an absent hash costs the same time."""
    return await asyncio.to_thread(_verify, password_hash, password)


def _verify(password_hash: str | None, password: str) -> bool:
    try:
        _HASHER.verify(password_hash or _NOBODY, password)
    except (VerificationError, InvalidHashError):
        return False
    return password_hash is not None
