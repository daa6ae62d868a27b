"""Writing past the transport, to whoever takes whole frames now and has nothing to go first.

The way through transport and loop takes a fifth more, mostly for memory that is touched just once.
"""

from __future__ import annotations

import os
from typing import Protocol


class Pushed(Protocol):
    """Whoever has a line."""

    def push(self, rest: bytes) -> None:
        """Send first of all what the line has not taken of a write."""


def write(to: Pushed, line: int, piece: bytes) -> None:
    """Write whole frames to a socket by its number."""
    try:
        sent = os.write(line, piece)
    except OSError:
        # Full or broken, which its transport will find too and knows what to do about.
        sent = 0
    if sent != len(piece):
        to.push(piece[sent:])
