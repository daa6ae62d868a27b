"""Websockets that follow all prices, for measuring: PORT COUNT, then `round` for each change.

Prints how many there are, and for each round "ready" and when half and 99 % of them had a change.
"""

from __future__ import annotations

import json
import os
import sys
import time

from _feed_load import PATIENCE_S, Load

QUIET_S = 0.3
DELTA = b'"op":"delta"'


class Followers(Load):
    """Sockets of which each waits for one change a round."""

    def drain(self) -> None:
        """Read what has come before, until all is quiet."""
        while ready := self.epoll.poll(QUIET_S, 1000):
            for fd, _ in ready:
                os.read(fd, 65536)

    def round(self, messages: int) -> dict[str, int]:
        """Return when half and 99 % of the sockets had their change, by the machine's clock."""
        came: dict[int, int] = {}
        rest: dict[int, bytes] = {}
        until = time.monotonic_ns() + PATIENCE_S * 10**9
        while len(came) < messages * len(self.sockets):
            assert time.monotonic_ns() < until, f"{len(came)} of {len(self.sockets)} had the price"
            for fd, _ in self.epoll.poll(1, 1000):
                found = rest.pop(fd, b"") + os.read(fd, 65536)
                if DELTA in found:
                    came.setdefault(fd, time.monotonic_ns())
                else:
                    rest[fd] = found
        times = sorted(came.values())
        return {"p50_ns": times[len(times) // 2], "p99_ns": times[len(times) * 99 // 100]}


def main() -> None:
    port, count = map(int, sys.argv[1:])
    followers = Followers()
    followers.connect(port, count, is_ours=True)
    print(len(followers.sockets), flush=True)
    for _ in sys.stdin:
        followers.drain()
        print('"ready"', flush=True)
        print(json.dumps(followers.round(1)), flush=True)


if __name__ == "__main__":
    main()
