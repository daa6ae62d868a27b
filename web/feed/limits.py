"""The published limits of the feed (INTERFACES.md 4, MARKET.md 13)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FeedLimits:
    """What one socket, one person and one organisation may use."""

    hello_ms: int = 5_000
    heartbeat_ms: int = 5_000
    recheck_ms: int = 30_000
    send_ms: int = 10_000
    frame_bytes: int = 16 * 1024
    frames_per_s: int = 20
    burst: int = 40
    topics: int = 50
    sockets_per_person: int = 5
    sockets_per_organisation: int = 30
    anonymous_sockets: int = 20_000
    queue_frames: int = 256
    queue_bytes: int = 256 * 1024
    window_frames: int = 1_000
    poll_ms: int = 1_000
    tick_ms: int = 30
    """Prices of one tick go out together; what happens in an auction goes at once."""

    def told(self) -> dict[str, int]:
        """Return what a client is told in its welcome."""
        return {
            "frame_bytes": self.frame_bytes,
            "frames_per_s": self.frames_per_s,
            "burst": self.burst,
            "topics": self.topics,
            "sockets_per_person": self.sockets_per_person,
            "sockets_per_organisation": self.sockets_per_organisation,
            "queue_frames": self.queue_frames,
            "queue_bytes": self.queue_bytes,
        }
