"""Telling many followers what has changed, without holding up anything else.

A round over a track's followers goes in slices, and between two slices the process does
whatever else is due: an acknowledgement never waits for a whole audience. While somebody waits
for one, a round rests after each slice, so that the database finds a processor. What happens in an
auction begins its round at once; prices begin theirs together at the next tick, so several
changes go out in one write. Each round begins at another follower, so nobody is always last.

Sending is most of a round. Whoever has nothing waiting is written to by the number of his socket.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from aggregator import logs
from web.feed.folds import LARGEST_PIECE, Follower, Track
from web.feed.lines import write
from web.feed.protocol import Close, Ending

# About half a millisecond of writing; while there are acts half of that, and then a rest.
_SLICE, _SMALL_SLICE, _REST_S = 64, 32, 0.001

# Knuth, The Art of Computer Programming 6.4: multiples of 2³²/φ spread evenly over a circle.
_GOLDEN, _CIRCLE_BITS = 2_654_435_769, 32


class _Round:
    """One walk over those who followed a track when it began."""

    __slots__ = ("_at", "_followers", "_is_joint", "track")

    def __init__(self, track: Track, number: int, *, is_joint: bool) -> None:
        followers = list(track.followers)
        turn = number * _GOLDEN & ((1 << _CIRCLE_BITS) - 1)
        first = turn * len(followers) >> _CIRCLE_BITS
        self.track = track
        self._followers = followers[first:] + followers[:first]
        self._at = 0
        self._is_joint = is_joint

    def go_on(self, most: int) -> int:
        """Tell at most so many followers; return how many it were."""
        told = self._followers[self._at : self._at + most]
        track, given, seq = self.track, self.track.followers, self.track.seq
        known, piece = seq, b""
        for follower in told:
            try:
                has = given.get(follower, seq)
                if has != known:
                    known, piece = has, track.piece(has)
                line = follower.line
                if self._is_joint:
                    _tell_all(follower)
                elif line is None or not piece:
                    track.give(follower)
                else:
                    given[follower] = seq
                    write(follower, line, piece)
            except Exception as error:  # noqa: BLE001 - one must not stop the others
                logs.logger().error("feed_follower_failed", exc_info=error)
                follower.end(Ending(Close.BROKEN, "we failed; come back"))
        self._at += len(told)
        return len(told)

    @property
    def is_over(self) -> bool:
        return self._at >= len(self._followers)


def _tell_all(follower: Follower) -> None:
    """Give a follower all it lacks, of whatever topic, so that it goes out in one write."""
    if follower.line is not None:
        pieces, room = [], LARGEST_PIECE
        for track in follower.tracks.values():
            piece = track.piece(track.followers.get(follower, track.seq))
            if 0 < len(piece) <= room:
                track.followers[follower] = track.seq
                pieces.append(piece)
                room -= len(piece)
        write(follower, follower.line, b"".join(pieces))
    for track in follower.tracks.values():
        track.give(follower)


class Fanout:
    """The rounds that one process has to go."""

    def __init__(self, *, tick_ms: int, is_acting: Callable[[], bool]) -> None:
        self._tick_s = tick_ms * 0.001
        self._is_acting = is_acting
        self._ticked_at = 0.0
        self._due: list[Track] = []
        self._at_once: deque[_Round] = deque()
        self._ticked: deque[_Round] = deque()
        self._has_rounds = asyncio.Event()
        self._number = 0

    def grown(self, track: Track) -> None:
        """Let the followers of a track have what they lack: at once, or at the next tick."""
        if track.is_told or not track.followers:
            return
        track.is_told = True
        if not track.is_ticked:
            self._begin(track, self._at_once)
            return
        if not self._due:
            # What changes in the same breath goes with it, so even the first waits a little.
            loop = asyncio.get_running_loop()
            loop.call_at(max(loop.time(), self._ticked_at + self._tick_s), self._tick)
        self._due.append(track)

    async def keep_telling(self) -> None:
        """Go the rounds, slice by slice, as long as the process serves."""
        while True:
            await self._has_rounds.wait()
            left = _SMALL_SLICE if self._is_acting() else _SLICE
            while left > 0 and (rounds := self._at_once or self._ticked):
                # Small audiences do not wait until a large one is through.
                now = rounds.popleft()
                left -= now.go_on(left)
                if now.is_over:
                    self._end(now)
                else:
                    rounds.append(now)
            if not self._at_once and not self._ticked:
                self._has_rounds.clear()
            await asyncio.sleep(_REST_S if self._is_acting() else 0)

    def _tick(self) -> None:
        self._ticked_at = asyncio.get_running_loop().time()
        due, self._due = self._due, []
        for track in due:
            self._begin(track, self._ticked, is_joint=len(due) > 1)

    def _begin(self, track: Track, rounds: deque[_Round], *, is_joint: bool = False) -> None:
        self._number += 1
        rounds.append(_Round(track, self._number, is_joint=is_joint))
        self._has_rounds.set()

    def _end(self, ended: _Round) -> None:
        track = ended.track
        track.is_told = False
        if set(track.followers.values()) - {track.seq}:
            self.grown(track)
