"""The client that others copy: its arithmetic, and what it does with frames that go missing."""

from __future__ import annotations

import ast
import inspect
import json
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.journal.facts import canonical as theirs
from aggregator.market import PUBLIC
from web.client import feed
from web.client.feed import Changed, Copies, FeedEnded, canonical, digest_of, merged
from web.feed import patches
from web.feed.folds import Track
from web.feed.folds import digest_of as market_digest
from web.feed.frames import heartbeat, resumed
from web.feed.framing import texts
from web.feed.protocol import Since

TOPIC = "room:1"
NAMES = st.text(st.characters(exclude_categories=["Cs"], max_codepoint=0xFFFF), max_size=4)
VIEWS: st.SearchStrategy[Any] = st.dictionaries(
    NAMES,
    st.recursive(
        st.one_of(NAMES, st.integers(-(2**53), 2**53), st.booleans()),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
        max_leaves=6,
    ),
    max_size=4,
)


@given(VIEWS)
def test_both_sides_write_a_view_alike(view: Any) -> None:
    assert canonical(view).encode() == theirs(view)
    assert digest_of(view) == market_digest(view)


@given(VIEWS, VIEWS)
def test_both_sides_merge_any_patch_alike(view: Any, patch: Any) -> None:
    removing = {**patch, **dict.fromkeys(list(view)[::2])}

    assert merged(view, patch) == patches.merged(view, patch)
    assert merged(view, removing) == patches.merged(view, removing)


def test_the_file_needs_nothing_of_ours() -> None:
    tree = ast.parse(inspect.getsource(feed))
    names = {
        name.partition(".")[0]
        for node in ast.walk(tree)
        for name in (
            [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else []
        )
    }

    assert names - sys.stdlib_module_names == {"websockets"}


def test_names_are_sorted_by_their_utf_16_units() -> None:
    # RFC 8785 section 3.2.3: an emoji's first surrogate comes before U+FB33.
    assert canonical({"\ufb33": 1, "\U0001f600": 2, "€": 3}) == (
        '{"€":3,"\U0001f600":2,"\ufb33":1}'
    )


def test_a_view_without_a_canonical_form_is_refused() -> None:
    with pytest.raises(ValueError, match="float"):
        canonical({"price": 1.5})


@given(VIEWS, VIEWS)
def test_a_change_makes_the_market_s_view_of_ours(old: Any, new: Any) -> None:
    assert merged(old, patches.difference(old, new)) == new


class Line:
    """The market's side of one topic, over a line that may lose frames."""

    def __init__(self) -> None:
        self.track = Track(TOPIC, PUBLIC, {"n": 0}, epoch="ab", is_state=True, window=8)
        self.copies = Copies([TOPIC])
        self.seen: list[int] = []
        for ask in self.copies.ask_all():
            self.answer(ask)

    def answer(self, ask: Any) -> None:
        since = Since(**ask["since"]) if "since" in ask else None
        missed = self.track.missed(since, max_bytes=10_000)
        frames = [self.track.snapshot()] if missed is None else [resumed(TOPIC), *missed]
        for frame in frames:
            self.deliver(frame)

    def deliver(self, frames: bytes) -> None:
        for text in texts(frames):
            events, asks = self.copies.take(json.loads(text))
            self.seen += [event.seq for event in events if isinstance(event, Changed)]
            for ask in asks:
                self.answer(ask)

    def beat(self) -> None:
        track = self.track
        self.deliver(heartbeat("", [(TOPIC, track.seq, track.digest)]))


@given(st.lists(st.booleans(), max_size=40))
def test_whatever_is_lost_is_noticed_and_made_good(arrives: list[bool]) -> None:
    line = Line()
    for number, is_lucky in enumerate(arrives, start=1):
        line.track.show({"n": number})
        if is_lucky:
            line.deliver(line.track._window[-1][1])
    line.beat()

    copy = line.copies.topics[TOPIC]
    assert (copy.seq, copy.view) == (line.track.seq, line.track.view)
    assert copy.digest == line.track.digest
    assert line.seen == sorted(set(line.seen)), "no number is told twice or backwards"
    assert bool(line.copies.found["gaps"]) is (False in arrives)


def test_a_view_that_differs_under_the_same_number_is_fetched_anew() -> None:
    line = Line()
    line.copies.topics[TOPIC].view["n"] = 9

    line.copies.topics[TOPIC]._digest = ""
    line.beat()

    assert line.copies.found == {"gaps": 0, "digests": 1}
    assert line.copies.topics[TOPIC].view == {"n": 0}


def test_a_snapshot_that_is_not_its_digest_s_ends_the_feed() -> None:
    frame = json.loads(texts(Line().track.snapshot())[0])
    frame["data"]["n"] = 1

    with pytest.raises(FeedEnded, match="digest"):
        Copies([TOPIC]).take(frame)
