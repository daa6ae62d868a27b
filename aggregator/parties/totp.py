"""The second factor: time-based one-time passwords (RFC 6238, HMAC-SHA-1, six digits, 30 s)."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import datetime
from urllib.parse import quote

STEP_S = 30
DIGITS = 6
DRIFT = 1
"""How many steps a phone's clock may be off, each way."""


def code_at(secret: bytes, step: int, *, digits: int = DIGITS, digest: str = "sha1") -> str:
    """Return the code of one time step (RFC 4226, section 5.3)."""
    mac = hmac.new(secret, step.to_bytes(8, "big"), getattr(hashlib, digest)).digest()
    offset = mac[-1] & 0x0F
    number = int.from_bytes(mac[offset : offset + 4], "big") & 0x7FFFFFFF
    return str(number % 10**digits).zfill(digits)


def step_of(now: datetime) -> int:
    """Return the number of whole steps since 1970."""
    return int(now.timestamp()) // STEP_S


def matching_step(secret: bytes, code: str, now: datetime, *, after: int) -> int | None:
    """Return the step whose code this is, later than `after`; a code counts once."""
    present = step_of(now)
    for step in range(present - DRIFT, present + DRIFT + 1):
        if step > after and hmac.compare_digest(code_at(secret, step).encode(), code.encode()):
            return step
    return None


def text_of(secret: bytes) -> str:
    """Return a secret as people type it into an application."""
    return base64.b32encode(secret).decode().rstrip("=")


def address_of(secret: bytes, login: str, issuer: str) -> str:
    """Return what an application reads from a picture: `otpauth://totp/…`."""
    label = f"{quote(issuer)}:{quote(login)}"
    return f"otpauth://totp/{label}?secret={text_of(secret)}&issuer={quote(issuer)}"
