"""Many websockets on one thread, for load: raw sockets and epoll, told what to do line by line.

`connect PORT COUNT OURS` opens them; `round MESSAGES` counts until each has so many and then
prints when they came; `ranks` tells how even the order was. Messages carry when they were made
(`"at_ns":`) and end with `}}`.
"""

from __future__ import annotations

import json
import os
import select
import socket
import sys
import time

STAMP, END = b'"at_ns":', b"}}"
PATIENCE_S = 60
HANDSHAKE = (
    b"GET /feed HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)


def masked(text: str) -> bytes:
    """Return a client's frame; its mask is zero, so the text stands as it is."""
    payload = text.encode()
    assert len(payload) < 126
    return bytes((0x81, 0x80 | len(payload), 0, 0, 0, 0)) + payload


FOLLOWING = masked('{"op":"hello","client":"load/1"}') + masked(
    '{"op":"subscribe","topic":"prices:*"}'
)


class Load:
    """The sockets and what has come on them."""

    def __init__(self) -> None:
        self.epoll = select.epoll()
        self.sockets: dict[int, socket.socket] = {}
        self.rest: dict[int, bytes] = {}
        self.ranks: dict[int, int] = {}
        self.rounds = 0

    def connect(self, port: int, count: int, *, is_ours: bool) -> None:
        for _ in range(0, count, 100):
            batch = [self._opened(port) for _ in range(min(100, count - len(self.sockets)))]
            for one in batch:
                answer = b""
                while b"\r\n\r\n" not in answer:
                    answer += one.recv(4096)
                assert b" 101 " in answer, answer
            if is_ours:
                for one in batch:
                    one.sendall(FOLLOWING)
                for one in batch:
                    seen = answer = b""
                    while b'"snapshot"' not in seen or not seen.endswith(b"}"):
                        seen += one.recv(4096)
            for one in batch:
                one.setblocking(False)
                self.epoll.register(one.fileno(), select.EPOLLIN)
                self.sockets[one.fileno()] = one

    def _opened(self, port: int) -> socket.socket:
        one = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)
        one.sendall(HANDSHAKE)
        return one

    def round(self, messages: int) -> dict[str, int]:
        """Return when the last message came and how long most took, in ns."""
        wanted, seen, at_ns, came = messages * len(self.sockets), 0, 0, []
        ranks, is_ranked = self.ranks, messages == 1
        self.rounds += is_ranked
        clock, read = time.monotonic_ns, os.read
        until = clock() + PATIENCE_S * 10**9
        while seen < wanted:
            assert clock() < until, f"{seen} of {wanted} messages came"
            for fd, _ in self.epoll.poll(1, 1000):
                found = read(fd, 65536)
                assert found, "the server has closed a socket"
                if fd in self.rest:
                    found = self.rest.pop(fd) + found
                if not found.endswith(END):
                    self.rest[fd] = found
                    continue
                fresh = found.count(STAMP)
                if fresh:
                    seen += fresh
                    if is_ranked:
                        ranks[fd] = ranks.get(fd, 0) + len(came)
                    came.append(clock())
                    if not at_ns:
                        begins = found.index(STAMP) + len(STAMP)
                        at_ns = int(found[begins : found.index(b"}", begins)].split(b",")[0])
        came.sort()
        return {
            "all_ns": came[-1] - at_ns,
            "p50_ns": came[len(came) // 2] - at_ns,
            "p99_ns": came[len(came) * 99 // 100] - at_ns,
        }

    def fairness(self) -> dict[str, int]:
        """Return the first and last mean rank of a socket over all single messages, in percent."""
        last = self.rounds * (len(self.sockets) - 1)
        means = [100 * total // last for total in self.ranks.values()]
        return {"rounds": self.rounds, "first": min(means), "last": max(means)}


def main() -> None:
    load = Load()
    for line in sys.stdin:
        command, *values = line.split()
        if command == "connect":
            port, count, ours = map(int, values)
            load.connect(port, count, is_ours=bool(ours))
            said: dict[str, int] = {"connected": len(load.sockets)}
        elif command == "ranks":
            said = load.fairness()
        else:
            print("{}", flush=True)  # ready
            said = load.round(int(values[0]))
        print(json.dumps(said), flush=True)


if __name__ == "__main__":
    main()
