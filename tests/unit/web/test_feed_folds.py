"""Numbering: derived from the journal, dense for each audience, the same everywhere."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from aggregator.journal.reading import Entry
from aggregator.market import PUBLIC, Actor, Audience
from web.feed.folds import Fold, Track, digest_of
from web.feed.framing import texts
from web.feed.patches import merged
from web.feed.protocol import Ending, Since

START = datetime(2027, 1, 4, tzinfo=UTC)
ANN = Audience("member", "ann")


@dataclass(frozen=True)
class Said:
    """Somebody said a number; only they may see whose it was."""

    by: str
    number: int


class Saying:
    """The highest number for everybody; one's own last number for a member."""

    is_state = True

    async def allow(self, actor: Actor | None, _: str) -> Audience:
        return Audience("member", actor.organisation_id) if actor else PUBLIC

    def stream(self, topic_id: str, _: Actor | None) -> str:
        return f"saying:{topic_id}"

    def initial(self, _: str) -> dict[str, int]:
        return {}

    def evolve(self, state: dict[str, int], entry: Entry) -> dict[str, int]:
        said: Said = entry.fact
        return {**state, said.by: said.number, "*": max(state.get("*", 0), said.number)}

    def view(self, state: dict[str, int], audience: Audience) -> dict[str, Any]:
        own = state.get(audience.organisation_id or "")
        return {"highest": state.get("*"), "own": own}


def entries(*said: tuple[str, int]) -> list[Entry]:
    return [
        Entry("saying:1", seq, START + timedelta(seconds=seq), Said(by, number), by, b"")
        for seq, (by, number) in enumerate(said, start=1)
    ]


def read(frame: bytes) -> Any:
    (text,) = texts(frame)
    return json.loads(text)


def a_fold() -> Fold:
    return Fold("saying:1", "1", Saying(), "saying:1", origin="2027", window=1000)


def opened(fold: Fold, audience: Audience, history: Iterable[Entry]) -> Track:
    """Return the audience's track in a new fold that then takes the history."""
    track = fold.open(audience)
    fold.take(history)
    return track


class Listener:
    """Keeps frames and follows the view as a client does."""

    line: int | None = None

    def __init__(self, track: Track) -> None:
        track.followers[self] = track.seq
        self.tracks = {track.name: track}
        self.view: Any = read(track.snapshot())["data"]
        self.seq = track.seq

    def follow(self, _: Track, frames: bytes) -> None:
        for frame in map(json.loads, texts(frames)):
            assert (frame["prev"], frame["seq"]) == (self.seq, self.seq + 1)
            self.seq = frame["seq"]
            self.view = merged(self.view, frame["data"])

    def push(self, rest: bytes) -> None:
        raise AssertionError(f"{len(rest)} bytes were left over without a line")

    def lose(self, track: Track) -> None:
        raise AssertionError(f"{track.name} has lost frames")

    def end(self, ending: Ending) -> None:
        raise AssertionError(ending.reason)


SAID = st.lists(st.tuples(st.sampled_from(["ann", "bob"]), st.integers(1, 5)), max_size=25)


@given(SAID, st.integers(0, 25))
def test_whoever_joins_when_sees_the_same_numbers(said: list[tuple[str, int]], cut: int) -> None:
    history = entries(*said)
    early, late = a_fold(), a_fold()
    first = early.open(ANN)
    listener = Listener(first)
    for entry in history:
        early.take([entry])
        if entry.seq % 3 == 0:
            first.give(listener)
    first.give(listener)
    late.take(history[:cut])
    later = a_fold()
    second = opened(later, ANN, history[:cut])
    late.adopt(later)
    late.take(history[cut:])

    assert (first.seq, first.view, first.digest) == (second.seq, second.view, second.digest)
    assert first.epoch == second.epoch
    assert (listener.seq, listener.view) == (first.seq, first.view)
    assert digest_of(listener.view) == first.digest


@given(SAID)
def test_what_another_hides_leaves_no_trace(said: list[tuple[str, int]]) -> None:
    # Bob's numbers are below the highest, so nobody else may notice how many there are.
    loud = [("ann", 9), *[("bob", number) for _, number in said]]
    quiet = [("ann", 9)]

    seen = opened(a_fold(), ANN, entries(*loud))
    unseen = opened(a_fold(), ANN, entries(*quiet))

    assert seen.snapshot() == unseen.snapshot()
    assert seen.missed(Since(seen.epoch, 0), max_bytes=10_000) == unseen.missed(
        Since(unseen.epoch, 0), max_bytes=10_000
    )


def test_every_audience_has_numbers_and_an_epoch_of_its_own() -> None:
    fold = a_fold()
    everybody, ann = fold.open(PUBLIC), fold.open(ANN)

    fold.take(entries(("ann", 3), ("ann", 2), ("bob", 1)))

    assert (everybody.seq, ann.seq) == (1, 2)
    assert everybody.epoch != ann.epoch


def test_what_was_missed_is_told_whole_or_not_at_all() -> None:
    track = opened(a_fold(), ANN, entries(*[("ann", number) for number in range(1, 11)]))

    seven = track.missed(Since(track.epoch, 3), max_bytes=10_000)

    assert seven is not None
    assert [read(frame)["seq"] for frame in seven] == [4, 5, 6, 7, 8, 9, 10]
    assert track.missed(Since(track.epoch, 10), max_bytes=10_000) == []
    assert track.missed(Since(track.epoch, 11), max_bytes=10_000) is None
    assert track.missed(Since("0" * 16, 3), max_bytes=10_000) is None
    assert track.missed(Since(track.epoch, 3), max_bytes=100) is None
    assert track.missed(None, max_bytes=10_000) is None


def test_beyond_the_window_only_a_snapshot_tells() -> None:
    fold = Fold("saying:1", "1", Saying(), "saying:1", origin="2027", window=5)
    track = opened(fold, ANN, entries(*[("ann", number) for number in range(1, 11)]))

    assert track.missed(Since(track.epoch, 4), max_bytes=10_000) is None
    assert len(track.missed(Since(track.epoch, 5), max_bytes=10_000) or []) == 5


def test_members_without_a_value_are_left_out_everywhere() -> None:
    track = opened(a_fold(), PUBLIC, entries(("ann", 3)))

    assert read(track.snapshot())["data"] == {"highest": 3}
    assert track.digest == digest_of({"highest": 3})
