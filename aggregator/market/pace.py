"""How fast acts are decided and written, as of late: it settles how many go into a commit."""

from __future__ import annotations

LEAST_AHEAD = 12
"""Fewer are not decided ahead of their turn: each time costs as much as deciding one."""


class Pace:
    """What one process has seen of its own work for an act, and of its database's commits.

    It moves no result: an act is decided the same way in whichever commit it goes.
    """

    def __init__(self) -> None:
        self._act_ns = 0
        self._commit_ns = 0

    def written(self, count: int, *, worked_ns: int, took_ns: int) -> None:
        """Note a commit of so many acts: how long it took, and how long this process worked.

        Its work is all that it did since the commit before, on a processor, whatever it waited.
        """
        self._act_ns = worked_ns // count
        self._commit_ns = took_ns

    def first_of(self, count: int) -> int:
        """Return how many of those that wait to write first, while the others are decided.

        Half of them, for one commit more: it gains where the work for all of them takes longer
        than a commit does. Where the disk is slow they all go at once.
        """
        if count * self._act_ns <= self._commit_ns:
            return count
        return min(count, max(LEAST_AHEAD, -(-count // 2)))
