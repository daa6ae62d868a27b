"""How fast acts are decided and written, as of late: it settles how many go into a commit."""

from __future__ import annotations

LEAST_AHEAD = 12
"""Fewer are not decided ahead of their turn: each time costs as much as deciding one."""


class Pace:
    """What one process has seen of its own deciding and of its database's writing.

    It moves no result: an act is decided the same way in whichever commit it goes.
    """

    def __init__(self) -> None:
        self._act_s = 0.0
        self._commit_s = 0.0

    def decided(self, count: int, took_s: float) -> None:
        self._act_s = took_s / count

    def written(self, took_s: float) -> None:
        self._commit_s = took_s

    def first_of(self, count: int) -> int:
        """Return how many of those that wait to write first, while the others are decided.

        Half of them, for one commit more: it gains where to decide them all takes longer than
        a commit does. Where the disk is slow they all go at once.
        """
        if count * self._act_s <= self._commit_s:
            return count
        return min(count, max(LEAST_AHEAD, -(-count // 2)))
