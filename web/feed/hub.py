"""One process's part in the feed: streams followed once, frames made once, sockets counted.

A stream that somebody follows has one reader here, whatever the number of topics, audiences and
sockets. The bus wakes it; a look at the heads each second finds what a lost wake-up left out.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from aggregator import logs
from aggregator.errors import MarketError, NotFound
from aggregator.journal.facts import stamp
from aggregator.journal.heads import heads, origin
from aggregator.journal.reading import Entry, entries
from aggregator.market import Actor, Audience, Market
from aggregator.market.eyes import reading_for, reading_own
from aggregator.parties.known import Known
from aggregator.tasks import Tasks
from aggregator.topics import TOPICS, Topic
from web.feed import frames
from web.feed.fanout import Fanout
from web.feed.folds import ALL, Fold, Track
from web.feed.limits import FeedLimits
from web.feed.outbox import Outbox
from web.feed.protocol import ANONYMOUS_PREFIX, Close, Ending, Since, Subscribe
from web.feed.shared import fold_of

# A stream is read and folded in parts, and between two of them the process acknowledges bids.
_SLICE, _FOLDED, _SHOWN = 200, 16, 32
# Who follows a stream that never rests is shown how it stands all the same.
_LONGEST_BURST = 1_000
_REST_S = 0.001
_BEATS = 32
_TICKED = frozenset({ANONYMOUS_PREFIX, "curve"})
_IDLE_BEATS = 12
_GOODBYE_S = 2
_NOBODY = ("person", "")


class Socket(Protocol):
    """What the hub knows of a socket."""

    outbox: Outbox
    actor: Actor | None

    @property
    def tracks(self) -> dict[str, Track]:
        """What it follows, by topic."""

    def recheck(self) -> None:
        """Look now whether the session still stands."""


@dataclass
class SocketsTooMany(MarketError):
    code = "sockets_too_many"
    max_sockets: int


@dataclass(eq=False)
class _Tail:
    """One stream as far as this process has read it."""

    stream: str
    position: int = 0
    folds: dict[str, Fold] = field(default_factory=dict)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Hub:
    """Joins topics, streams and sockets of one process."""

    def __init__(
        self,
        market: Market,
        *,
        topics: Mapping[str, Topic] = TOPICS,
        limits: FeedLimits | None = None,
    ) -> None:
        self._market = market
        self._topics = topics
        self.limits = limits or FeedLimits()
        self._tails: dict[str, _Tail] = {}
        self._sockets: dict[Socket, None] = {}
        self._is_empty = asyncio.Event()
        self._is_empty.set()
        self._count: Counter[tuple[str, str]] = Counter()
        self._grown: set[str] = set()
        self._has_grown = asyncio.Event()
        self.tasks = Tasks()
        self._fanout = Fanout(tick_ms=self.limits.tick_ms, is_acting=lambda: market.is_acting)
        self._is_closing = False
        self._firms: dict[str, int] = {}
        self.known = Known(market)

    async def start(self) -> None:
        """Begin to follow the bus and to beat."""
        self._origin = await origin()
        self._end_listening = self._market.bus.listen(self._woken)
        self.known.is_watched = True
        self.tasks.start(self._keep_following(), name="feed follows")
        self.tasks.start(self._fanout.keep_telling(), name="feed tells")
        self.tasks.start(self._keep_beating(), name="feed beats")

    async def stop(self) -> None:
        """End every socket with a hint when to come back, then the hub itself."""
        await self.say_goodbye()
        self._end_listening()
        await self.tasks.stop()

    async def say_goodbye(self) -> None:
        """End every socket; clients come back spread over the seconds the reason names."""
        self._is_closing = True
        for number, socket in enumerate(list(self._sockets)):
            retry_ms = 1000 + number * 10 % 4000
            socket.outbox.end(Ending(Close.GOING_AWAY, f"retry_ms={retry_ms}"))
        with suppress(TimeoutError):
            async with asyncio.timeout(_GOODBYE_S):
                await self._is_empty.wait()

    def enter(self, socket: Socket) -> None:
        """Count a socket that has said hello.

        Raises:
            SocketsTooMany: its person, its organisation or the process has enough.

        """
        actor, limits = socket.actor, self.limits
        if actor is None:
            if self._count[_NOBODY] >= limits.anonymous_sockets:
                raise SocketsTooMany(limits.anonymous_sockets)
        elif self._count["person", actor.person_id] >= limits.sockets_per_person:
            raise SocketsTooMany(limits.sockets_per_person)
        elif self._count["firm", actor.organisation_id] >= limits.sockets_per_organisation:
            raise SocketsTooMany(limits.sockets_per_organisation)
        self._count.update(_counted(actor))
        self._sockets[socket] = None
        self._is_empty.clear()
        if self._is_closing:
            socket.outbox.end(Ending(Close.GOING_AWAY, "retry_ms=1000"))

    def leave(self, socket: Socket) -> None:
        for track in socket.tracks.values():
            track.followers.pop(socket.outbox, None)
        socket.tracks.clear()
        if socket in self._sockets:
            del self._sockets[socket]
            if not self._sockets:
                self._is_empty.set()
            self._count.subtract(_counted(socket.actor))
            self._count += Counter()  # what fell to zero need not be kept

    async def audience(self, actor: Actor | None, asked: Subscribe) -> Audience:
        """Return whose eyes the actor's are for this topic, or raise NotFound."""
        topic = self._topics.get(asked.prefix)
        if topic is None:
            raise NotFound("topic")
        with reading_for(actor):
            return await topic.allow(actor, asked.topic_id)

    async def subscribe(self, socket: Socket, asked: Subscribe, audience: Audience) -> None:
        """Send what the socket misses of the topic, and from then on every change."""
        topic = self._topics[asked.prefix]
        stream = topic.stream(asked.topic_id, socket.actor)
        async with self._tail(stream) as tail:
            await self._catch_up(tail)
            track = await self._track(tail, asked, audience)
            # From here on nothing waits, so no change falls between snapshot and first delta.
            self.unsubscribe(socket, asked.topic)
            if socket in self._sockets:
                self._begin(socket, track, asked.since)

    def unsubscribe(self, socket: Socket, topic: str) -> None:
        track = socket.tracks.pop(topic, None)
        if track is not None:
            track.followers.pop(socket.outbox, None)
            socket.outbox.forget(track)

    @asynccontextmanager
    async def _tail(self, stream: str) -> AsyncIterator[_Tail]:
        """Lend the stream's reader, alone; one that was forgotten meanwhile is made anew."""
        while True:
            tail = self._tails.setdefault(stream, _Tail(stream))
            async with tail.lock:
                if self._tails.get(stream) is tail:
                    yield tail
                    return

    def _begin(self, socket: Socket, track: Track, since: Since | None) -> None:
        missed = track.missed(since, max_bytes=self.limits.queue_bytes // 2)
        if missed is None:
            socket.outbox.refresh(track)
        else:
            socket.outbox.send_all([frames.resumed(track.name), *missed])
        track.followers[socket.outbox] = track.seq
        socket.tracks[track.name] = track

    async def _track(self, tail: _Tail, asked: Subscribe, audience: Audience) -> Track:
        # Two organisations' `me` are one name on two streams, so the name is unique here.
        fold = tail.folds.get(asked.topic)
        known = fold.tracks.get(audience) or fold.join(audience) if fold else None
        if known is not None:
            return known
        opened = fold_of(
            asked.topic,
            asked.topic_id,
            self._topics[asked.prefix],
            tail.stream,
            origin=self._origin,
            window=self.limits.window_frames,
            is_ticked=asked.prefix in _TICKED,
        )
        track, since = opened.open(audience), asked.since
        async for entry in _read(tail.stream, up_to=tail.position):
            opened.note(entry)
            if since is not None and opened.number_of(track) == since.seq:
                # A frame begins where the client stands, so it may go on from there.
                opened.show(ALL)
        opened.show(ALL)
        # The tail is ours alone, so it has moved no further meanwhile.
        tail.folds.setdefault(asked.topic, opened).adopt(opened)
        return track

    async def _catch_up(self, tail: _Tail) -> None:
        """Read what the stream has beyond our position and show it to every follower."""
        try:
            async for entry in _read(tail.stream, after=tail.position):
                tail.position = entry.seq
                for fold in list(tail.folds.values()):
                    self._guarded(tail, fold, partial(fold.note, entry))
                if entry.seq % _LONGEST_BURST == 0:
                    await self._show(tail)
            await self._show(tail)
        finally:
            # Whoever asked for it may have gone meanwhile; the others are shown all the same.
            for fold in list(tail.folds.values()):
                self._guarded(tail, fold, partial(fold.show, ALL))

    async def _show(self, tail: _Tail) -> None:
        """Show what was noted, to some of the audiences at a time."""
        for fold in list(tail.folds.values()):
            while fold.is_due:
                if not self._guarded(tail, fold, partial(fold.show, _SHOWN)):
                    break
                # As in a round of telling, an acknowledgement does not wait for an audience.
                await asyncio.sleep(_REST_S if self._market.is_acting else 0)

    def _guarded(self, tail: _Tail, fold: Fold, step: Callable[[], list[Track]]) -> bool:
        """Take a step of a fold and tell who has grown; return whether it still stands."""
        try:
            grown = step()
        except Exception as error:  # noqa: BLE001 - one topic's fault must not stop the others
            logs.logger().error(
                "topic_failed", stream=tail.stream, seq=tail.position, exc_info=error
            )
            tail.folds.pop(fold.name, None)
            for socket in list(self._sockets):
                if socket.tracks.get(fold.name) in fold.tracks.values():
                    socket.outbox.end(Ending(Close.BROKEN, "we failed; come back"))
            return False
        for track in grown:
            self._fanout.grown(track)
        return True

    def _woken(self, streams: Sequence[str]) -> None:
        for stream in streams:
            if stream in self._tails:
                self._grown.add(stream)
                self._has_grown.set()
            kind, _, organisation_id = stream.partition(":")
            if kind == "session":
                self.known.forget({organisation_id})
                self._recheck({organisation_id})

    def _recheck(self, firms: set[str]) -> None:
        for socket in list(self._sockets):
            if socket.actor and socket.actor.organisation_id in firms:
                socket.recheck()

    async def _look_at_firms(self) -> None:
        """Find the firms whose people have changed although no wake-up came."""
        served = {s.actor.organisation_id for s in self._sockets if s.actor}
        looked_at = served | self.known.firms()
        if not looked_at:
            self._firms.clear()
            return
        began_ms = time.monotonic_ns() // 1_000_000
        streams = {firm: f"organisation:{firm}" for firm in looked_at}
        found = await heads(sorted(streams.values()))
        ends = {firm: found.get(stream, 0) for firm, stream in streams.items()}
        self.known.looked(ends, began_ms=began_ms)
        self._recheck({firm for firm in served if self._firms.get(firm) != ends[firm]})
        self._firms = {firm: ends[firm] for firm in served}

    async def _keep_following(self) -> None:
        loop, poll_s = asyncio.get_running_loop(), self.limits.poll_ms * 0.001
        look_at = loop.time() + poll_s
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout_at(look_at):
                    await self._has_grown.wait()
            grown = sorted(self._grown)
            self._grown.clear()
            self._has_grown.clear()
            try:
                await self._follow(grown)
                if loop.time() >= look_at:
                    look_at = loop.time() + poll_s
                    await self._follow(await self._behind())
                    await self._look_at_firms()
            except Exception as error:  # noqa: BLE001 - the database may be away for a while
                logs.logger().warning("feed_waits", count=len(self._tails), exc_info=error)
                await asyncio.sleep(poll_s)

    async def _follow(self, streams: Sequence[str]) -> None:
        for stream in streams:
            tail = self._tails.get(stream)
            if tail is not None:
                async with tail.lock:
                    await self._catch_up(tail)

    async def _behind(self) -> list[str]:
        """Return the followed streams whose journal is longer than what we have read."""
        if not self._tails:
            return []
        grown = await heads(sorted(self._tails))
        return [
            stream
            for stream, seq in grown.items()
            if (tail := self._tails.get(stream)) is not None and seq > tail.position
        ]

    async def _keep_beating(self) -> None:
        while True:
            await asyncio.sleep(self.limits.heartbeat_ms * 0.001)
            now = stamp(self._market.clock.now())
            made: dict[tuple[Track, ...], bytes] = {}
            for number, socket in enumerate(list(self._sockets)):
                _beat(socket, now, made)
                if number % _BEATS == _BEATS - 1:
                    await asyncio.sleep(0)
                    made.clear()
            self._forget_idle()

    def _forget_idle(self) -> None:
        for tail in list(self._tails.values()):
            for fold in list(tail.folds.values()):
                for track in list(fold.tracks.values()):
                    track.idle_ticks = 0 if track.followers else track.idle_ticks + 1
                    if track.idle_ticks > _IDLE_BEATS:
                        fold.forget(track)
                if not fold.tracks and not tail.lock.locked():
                    del tail.folds[fold.name]
            if not tail.folds and not tail.lock.locked():
                del self._tails[tail.stream]


def _counted(actor: Actor | None) -> list[tuple[str, str]]:
    if actor is None:
        return [_NOBODY]
    return [("person", actor.person_id), ("firm", actor.organisation_id)]


def _beat(socket: Socket, now: str, made: dict[tuple[Track, ...], bytes]) -> None:
    """Send a heartbeat; sockets that follow the same tracks get the same bytes."""
    outbox = socket.outbox
    for track in socket.tracks.values():
        # It tells the newest numbers, so they must not still wait for a tick.
        track.give(outbox)
    tracks = tuple(t for t in socket.tracks.values() if not outbox.is_stale(t))
    frame = made.get(tracks)
    if frame is None:
        frame = made[tracks] = frames.heartbeat(now, ((t.name, t.seq, t.digest) for t in tracks))
    outbox.beat(frame)


async def _read(stream: str, *, after: int = 0, up_to: int | None = None) -> AsyncIterator[Entry]:
    """Return the entries after one seq up to another or to the end; others get their turns."""
    while up_to is None or after < up_to:
        limit = _SLICE if up_to is None else min(_SLICE, up_to - after)
        with reading_own(stream):
            found = await entries(None, stream, after=after, limit=limit)
        for number, entry in enumerate(found, start=1):
            yield entry
            if number % _FOLDED == 0:
                await asyncio.sleep(0)
        if len(found) < limit:
            assert up_to is None, f"{stream} ends before {up_to}"
            return
        after = found[-1].seq
