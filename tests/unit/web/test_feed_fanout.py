"""Rounds over followers: everybody, in slices, nobody always last, prices together."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from aggregator.market import PUBLIC
from web.feed.fanout import Fanout
from web.feed.folds import Track
from web.feed.framing import texts
from web.feed.protocol import Ending


class Listener:
    """Counts what it is given, and notes when it was its turn."""

    def __init__(self, name: int, turns: list[int]) -> None:
        self.name, self.turns = name, turns
        self.tracks: dict[str, Track] = {}
        self.pieces: list[int] = []
        self.line: int | None = None
        self.ending: Ending | None = None

    def push(self, rest: bytes) -> None:
        raise AssertionError(f"{len(rest)} bytes were left over without a line")

    def follow(self, _: Track, frames: bytes) -> None:
        self.turns.append(self.name)
        self.pieces.append(len(texts(frames)))

    def lose(self, track: Track) -> None:
        raise AssertionError(f"{track.name} has lost frames")

    def end(self, ending: Ending) -> None:
        self.ending = ending


class Breaking(Listener):
    """Fails when it is told."""

    def follow(self, _: Track, frames: bytes) -> None:
        raise OSError(len(frames))


def a_track(*, is_ticked: bool = False, name: str = "auction:1") -> Track:
    view = {"n": 0}
    return Track(name, PUBLIC, view, epoch="ab", is_state=True, window=100, is_ticked=is_ticked)


def followed(track: Track, count: int, turns: list[int]) -> list[Listener]:
    return [join(track, Listener(number, turns)) for number in range(count)]


def join(track: Track, listener: Listener) -> Listener:
    track.followers[listener] = track.seq
    listener.tracks[track.name] = track
    return listener


@asynccontextmanager
async def telling(*, tick_ms: int = 1, is_acting: bool = False) -> AsyncIterator[Fanout]:
    fanout = Fanout(tick_ms=tick_ms, is_acting=lambda: is_acting)
    task = asyncio.ensure_future(fanout.keep_telling())
    yield fanout
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def settled(track: Track) -> None:
    async with asyncio.timeout(20):
        while track.is_told:
            await asyncio.sleep(0)


async def test_everybody_is_told_and_others_get_their_turn_between_slices() -> None:
    track, turns, seen = a_track(), [], []
    followed(track, 500, turns)
    async with telling() as fanout:
        track.show({"n": 1})
        fanout.grown(track)
        while track.is_told:
            seen.append(len(turns))
            await asyncio.sleep(0)

    assert sorted(turns) == list(range(500))
    assert max(b - a for a, b in zip(seen, [*seen[1:], 500], strict=True)) <= 64


async def test_a_round_rests_while_somebody_waits_for_an_answer() -> None:
    track, turns, seen = a_track(), [], []
    followed(track, 200, turns)
    async with telling(is_acting=True) as fanout:
        track.show({"n": 1})
        fanout.grown(track)
        while track.is_told:
            seen.append(len(turns))
            await asyncio.sleep(0)

    told = [b - a for a, b in zip(seen, [*seen[1:], 200], strict=True) if b > a]
    assert sorted(turns) == list(range(200))
    assert max(told) <= 32
    # The loop went round with nothing told in between: that time is the acts'.
    assert 2 * len(seen) > 3 * len(told)


async def test_over_many_rounds_nobody_is_early_or_late() -> None:
    track, turns, ranks = a_track(), [], [0] * 40
    followed(track, 40, turns)
    async with telling() as fanout:
        for number in range(1, 201):
            turns.clear()
            track.show({"n": number})
            fanout.grown(track)
            await settled(track)
            for rank, name in enumerate(turns):
                ranks[name] += rank

    means = [total / 200 / 39 for total in ranks]
    assert 0.4 < min(means) <= max(means) < 0.6


async def test_prices_of_one_tick_go_out_in_one_piece() -> None:
    prices, turns = a_track(is_ticked=True, name="prices:*"), []
    (listener,) = followed(prices, 1, turns)
    async with telling(tick_ms=50) as fanout:
        for number in range(1, 4):
            prices.show({"n": number})
            fanout.grown(prices)
        await settled(prices)

    assert listener.pieces == [3]


async def test_a_small_audience_does_not_wait_for_a_large_one() -> None:
    large, small, turns = a_track(), a_track(name="auction:2"), []
    followed(large, 1000, turns)
    join(small, Listener(-1, turns))
    async with telling() as fanout:
        for track in (large, small):
            track.show({"n": 1})
            fanout.grown(track)
        await settled(large)

    assert turns.index(-1) <= 64


async def test_what_changes_during_a_round_reaches_those_told_before() -> None:
    track, turns = a_track(), []
    listeners = followed(track, 100, turns)
    async with telling() as fanout:
        track.show({"n": 1})
        fanout.grown(track)
        while len(turns) < 40:
            await asyncio.sleep(0)
        track.show({"n": 2})
        fanout.grown(track)
        await settled(track)

    assert [sum(listener.pieces) for listener in listeners] == [2] * 100


async def test_a_follower_that_fails_is_ended_and_the_others_are_told() -> None:
    track, turns = a_track(), []
    broken = join(track, Breaking(-1, turns))
    followed(track, 50, turns)
    async with telling() as fanout:
        track.show({"n": 1})
        fanout.grown(track)
        await settled(track)

    assert sorted(turns) == list(range(50))
    assert broken.ending is not None


class Reader(Listener):
    """Follows the numbers as a client does."""

    def __init__(self, track: Track) -> None:
        super().__init__(0, [])
        self.seq = track.seq
        join(track, self)

    def follow(self, _: Track, frames: bytes) -> None:
        for frame in map(json.loads, texts(frames)):
            assert frame["prev"] == self.seq
            self.seq = frame["seq"]


async def test_whoever_comes_and_goes_misses_nothing_and_hears_nothing_twice() -> None:
    chance = random.Random(7)
    tracks = [a_track(name=f"auction:{n}", is_ticked=n % 2 == 0) for n in range(3)]
    followers: list[tuple[Track, Reader]] = []
    async with telling() as fanout:
        for number in range(1, 1500):
            track = chance.choice(tracks)
            kind = chance.random()
            if kind < 0.3:
                followers.append((track, Reader(track)))
            elif kind < 0.4 and followers:
                left, reader = followers.pop(chance.randrange(len(followers)))
                del left.followers[reader]
            else:
                track.show({"n": number})
                fanout.grown(track)
            if chance.random() < 0.3:
                await asyncio.sleep(0)
        for track in tracks:
            await settled(track)

    assert len(followers) > 100
    assert all(reader.ending is None for _, reader in followers)
    assert {reader.seq - track.seq for track, reader in followers} == {0}
