"""Views shown once a burst are those of one entry at a time, under the same numbers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.auctions import sealing, store
from aggregator.auctions.facts import (
    AuctionAwarded,
    BidderEntered,
    BiddingBegan,
    StopApproved,
    StopProposed,
)
from aggregator.auctions.topic import AuctionTopic
from aggregator.journal.reading import Entry
from aggregator.market import PUBLIC, Audience
from matching.auctions.commands import (
    Close,
    Command,
    PlaceBid,
    PlaceDemand,
    PlacePackage,
    SetStanding,
    WithdrawBid,
)
from matching.auctions.engine import decide, evolve, initial, next_allowed, open_auction
from matching.auctions.events import BidPlaced, Closed, Event, PackagePlaced, StandingSet
from matching.auctions.rules import Criterion, FormatName, Item, Rules
from matching.auctions.state import State
from matching.errors import RuleViolation
from tests.properties.auction_worlds import (
    CLOSES,
    OPENS,
    announced_auctions,
    book_auctions,
    history,
    listing,
    package_auctions,
)
from web.feed.folds import Fold, Track, digest_of
from web.feed.framing import texts
from web.feed.patches import bare, merged
from web.feed.protocol import Ending, Since
from web.feed.shared import SharedFold, fold_of

NAMES = "abcdefg"
STRANGER = "z"
AUDIENCES = [
    PUBLIC,
    Audience("owner", "org_mill"),
    Audience("operator", "org_market"),
    *(Audience("member", name) for name in (*NAMES, STRANGER)),
]
TOPIC = AuctionTopic()
worlds = st.one_of(book_auctions(), announced_auctions(), package_auctions())


@st.composite
def some_rules(draw: st.DrawFn) -> Rules:
    """Rules under which bids come by the hundred, in every disclosure and on both sides."""
    form = draw(st.sampled_from(["english"] * 4 + ["sealed_first", "second_price"]))
    lots = 1 if form == "second_price" else draw(st.integers(1, 6))
    is_open = form == "english"
    told = draw(st.sampled_from(["full", "best", "rank", "blind"]))
    is_scored = form != "second_price" and draw(st.integers(0, 3)) == 0
    return Rules(
        side=draw(st.sampled_from(["buy", "sell"])),
        format=form,
        opens_at=OPENS,
        closes_at=CLOSES,
        lots=lots,
        tick_minor=10,
        steps=draw(st.sampled_from([(), ((0, 10), (1000, 30))])),
        soft_close_s=draw(st.sampled_from([0, 120, 3600])) if is_open else 0,
        disclosure=told,
        improve=draw(st.sampled_from(["leader", "own"])) if is_open else "own",
        observer_disclosure=draw(st.sampled_from([None, "blind"])),
        owner_disclosure=draw(st.sampled_from([None, "full", "blind"])) if is_open else None,
        criteria=(Criterion("days", 10, 0, 3),) if is_scored else (),
    )


# Counted in steps past what must be beaten, so that most of them are good bids.
BIDS = st.tuples(st.sampled_from(NAMES), st.integers(-1, 4), st.integers(0, 3))
ORDERS = st.tuples(st.sampled_from(NAMES), st.one_of(st.none(), st.integers(60, 140)))
ACTS = st.lists(
    st.one_of(
        BIDS,
        BIDS,
        BIDS,
        ORDERS,
        st.integers(1, 20),
        st.sampled_from(["propose", "approve", "begin"]),
    ),
    max_size=50,
)


@st.composite
def busy_journals(draw: st.DrawFn) -> list[Entry]:
    """Return the journal of a busy auction, with what the market adds to its events."""
    rules = draw(some_rules())
    made = history({**_DOCUMENT, "commands": [{**_CANCEL}]})[:2]
    opened = open_auction(rules, OPENS - timedelta(hours=draw(st.integers(0, 1))))
    facts: list[Any] = [made[0].fact, made[1].fact, opened]
    state = initial(opened)
    for number, act in enumerate(draw(ACTS)):
        if isinstance(act, str):
            facts.append(_MOTIONS[act])
            continue
        now = max(state.at, OPENS) + timedelta(seconds=number)
        state = _taken(facts, state, _command(state, f"b{number}", act), now)
    if draw(st.booleans()):
        state = _taken(facts, state, Close(None, None), CLOSES + timedelta(hours=9))
    return _journal(made[0].stream, facts)


_DOCUMENT: dict[str, Any] = {
    "kind": "auction",
    "side": "buy",
    "format": "english",
    "rules": {"opens_at": "2027-01-05T11:00:00Z", "closes_at": "2027-01-05T12:00:00Z", "lots": 1},
}
_CANCEL = {"at": "2027-01-05T11:00:00Z", "cmd": "cancel", "reason": "as told"}
_MOTIONS = {
    "propose": StopProposed("mot", "pause", "storm", "pat", CLOSES),
    "approve": StopApproved("mot", "sam"),
    "begin": BiddingBegan("auc"),
}


def _command(state: State, bid_id: str, act: Any) -> Command:
    if isinstance(act, int):
        return WithdrawBid(act, "by mistake")
    if len(act) == 2:
        bidder, tens = act
        return SetStanding(bid_id, bidder, None if tens is None else tens * 10)
    bidder, steps, days = act
    better = -10 if state.rules.side == "buy" else 10
    beaten = next_allowed(state, bidder) or 1000
    terms = (("days", days),) if state.rules.criteria else ()
    return PlaceBid(
        bid_id, bidder, beaten + steps * better - 10 * days * bool(terms), None, False, terms
    )


def _taken(facts: list[Any], state: State, command: Command, now: Any) -> State:
    try:
        events: list[Event] = decide(state, command, now)
    except RuleViolation:
        return state
    for event in events:
        state = evolve(state, event)
    facts += events
    return state


def _journal(stream: str, facts: Sequence[Any]) -> list[Entry]:
    """Return facts as the market keeps them: who comes is told first, secrets are in boxes."""
    auction_id, known = store.auction_of(stream), set[str]()
    room, kept = store.Room(), list[Any]()
    for fact in facts:
        bidder = getattr(fact, "bidder", None)
        if bidder is not None and bidder not in known:
            known.add(bidder)
            kept.append(BidderEntered(bidder, bidder, f"Firm {bidder}"))
        room = store.evolve(room, fact)
        is_secret = isinstance(fact, StandingSet) or (
            isinstance(fact, BidPlaced | PackagePlaced) and room.opened[1].rules.is_sealed
        )
        kept.append(sealing.sealed(room.key, auction_id, fact) if is_secret else fact)
        if isinstance(fact, Closed):
            kept.append(AuctionAwarded(auction_id, "", "buy", "x", None, fact.result.awards, 0))
    return [
        Entry(stream, seq, OPENS, fact, "somebody", bytes(32))
        for seq, fact in enumerate(kept, start=1)
    ]


class Truth:
    """One entry at a time, the obvious way: the number after each, and each number's digest."""

    def __init__(self, audience: Audience, journal: Sequence[Entry]) -> None:
        state: Any = TOPIC.initial("x")
        self.numbers = [0]
        view = bare(TOPIC.view(state, audience))
        self.digests = [digest_of(view)]
        for entry in journal:
            state = TOPIC.evolve(state, entry)
            digest = digest_of(bare(TOPIC.view(state, audience)))
            if digest != self.digests[-1]:
                self.digests.append(digest)
            self.numbers.append(len(self.digests) - 1)


class Client:
    """Follows a track by its frames alone."""

    line: int | None = None

    def __init__(self, track: Track) -> None:
        self.tracks = {track.name: track}
        track.followers[self] = track.seq
        self.view: Any = json.loads(texts(track.snapshot())[0])["data"]
        self.seq = track.seq

    def follow(self, _: Track, frames: bytes) -> None:
        for frame in map(json.loads, texts(frames)):
            assert frame["prev"] == self.seq < frame["seq"]
            self.view, self.seq = merged(self.view, frame["data"]), frame["seq"]

    def lose(self, track: Track) -> None:
        raise AssertionError(f"{track.name} has lost frames")

    def push(self, rest: bytes) -> None:
        raise AssertionError(f"{len(rest)} bytes were left over without a line")

    def end(self, ending: Ending) -> None:
        raise AssertionError(ending.reason)


def a_fold(journal: Sequence[Entry]) -> Fold:
    stream = journal[0].stream
    return fold_of(stream, "x", TOPIC, stream, origin="2027", window=1000)


def burst(fold: Fold, entries: Sequence[Entry], most: int) -> None:
    for entry in entries:
        fold.note(entry)
    while fold.is_due:
        fold.show(most)


def check(
    journal: list[Entry], lengths: list[int], most: int, joins: int, *, followed: int = 2
) -> None:
    """Show the journal burst by burst to followers of every audience; many join later."""
    truths = {audience: Truth(audience, journal) for audience in AUDIENCES}
    fold, at, clients = a_fold(journal), 0, list[Client]()
    clients += [Client(fold.open(audience)) for audience in AUDIENCES[::followed]]
    for number, length in enumerate([*lengths, len(journal)]):
        burst(fold, journal[at : at + length], most)
        at = min(at + length, len(journal))
        if number == joins:
            for audience in [one for one in AUDIENCES if one not in fold.tracks]:
                joined = fold.join(audience)
                assert joined is not None
                clients.append(Client(joined))
        for track in fold.tracks.values():
            truth = truths[track.audience]
            assert track.seq == fold.number_of(track) == truth.numbers[at]
            assert track.digest == truth.digests[track.seq]
        for client in clients:
            (track,) = client.tracks.values()
            track.give(client)
            assert (client.seq, digest_of(client.view)) == (track.seq, track.digest)


LENGTHS = st.lists(st.integers(1, 20), max_size=12)


@settings(max_examples=300, deadline=None)
@given(busy_journals(), LENGTHS, st.integers(1, 12), st.integers(0, 12), st.integers(1, 11))
def test_a_burst_shows_what_one_bid_at_a_time_does(
    journal: list[Entry], lengths: list[int], most: int, joins: int, followed: int
) -> None:
    check(journal, lengths, most, joins, followed=followed)


@settings(max_examples=200, deadline=None)
@given(worlds, LENGTHS, st.integers(1, 12), st.integers(0, 12), st.integers(1, 11))
def test_a_burst_of_any_format_shows_what_one_act_at_a_time_does(
    instance: dict[str, Any], lengths: list[int], most: int, joins: int, followed: int
) -> None:
    found = history(instance)
    journal = _journal(found[0].stream, [entry.fact for entry in found])

    check(journal, lengths, most, joins, followed=followed)


@settings(max_examples=100, deadline=None)
@given(busy_journals(), LENGTHS, st.integers(0, 40))
def test_whoever_comes_back_to_a_new_fold_goes_on_from_where_he_stood(
    journal: list[Entry], lengths: list[int], stands_at: int
) -> None:
    for audience in AUDIENCES:
        first, again = a_fold(journal), a_fold(journal)
        track = first.open(audience)
        burst(first, journal[:stands_at], 1)
        client = Client(track)

        resumed = again.open(audience)
        for entry in journal:
            again.note(entry)
            if again.number_of(resumed) == client.seq:
                again.show(1000)
        again.show(1000)

        missed = resumed.missed(Since(track.epoch, client.seq), max_bytes=1_000_000)
        assert missed is not None
        client.follow(resumed, b"".join(missed))
        assert (client.seq, digest_of(client.view)) == (resumed.seq, resumed.digest)


def test_what_nothing_of_ones_own_has_changed_in_is_written_once() -> None:
    rules = Rules(side="sell", format="english", opens_at=OPENS, closes_at=CLOSES, lots=1)
    facts: list[Any] = [listing("auc"), open_auction(rules, OPENS)]
    state = initial(facts[-1])
    for number in range(20):
        bid = PlaceBid(f"b{number}", NAMES[number % 2], 1000 + number)
        state = _taken(facts, state, bid, OPENS + timedelta(seconds=number))
    fold = a_fold(journal := _journal("auction:auc", facts))
    assert isinstance(fold, SharedFold)
    tracks = [fold.open(Audience("member", f"org_{number}")) for number in range(50)]

    burst(fold, journal, 1000)

    newest = {id(track.piece(1)): track.piece(1) for track in tracks}
    assert [texts(piece) for piece in newest.values()] == [
        [
            '{"op":"delta","topic":"auction:auc","seq":21,"prev":1,"data":{"best":"10.19","next_allowed":"10.20"}}'
        ]
    ]


class CountedTopic(AuctionTopic):
    """Counts the views that it makes for a whole kind."""

    made = 0

    def common(self, state: Any, kind: str) -> dict[str, Any]:
        self.made += 1
        return super().common(state, kind)


@pytest.mark.parametrize("form", ["clock", "packages"])
def test_what_is_hidden_on_items_makes_no_view_of_all(form: FormatName) -> None:
    rules = Rules(
        side="sell",
        format=form,
        opens_at=OPENS,
        closes_at=CLOSES,
        lots=10,
        items=(Item("a", 5, 1000), Item("b", 5, 1000)),
        interval_s=60 if form == "clock" else 0,
        disclosure="full",
    )
    facts: list[Any] = [listing("auc"), open_auction(rules, OPENS)]
    state = initial(facts[-1])
    for number in range(40):
        bid_id, bidder = f"b{number}", NAMES[number % 7]
        act: Command = PlacePackage(bid_id, bidder, ("a", "b"), 1000 + number)
        if form == "clock":
            act = PlaceDemand(bid_id, bidder, (("a", 1 + number % 5), ("b", 0)))
        state = _taken(facts, state, act, OPENS)
    journal = _journal("auction:auc", facts)
    topic = CountedTopic()
    fold = fold_of("auction:auc", "x", topic, "auction:auc", origin="2027", window=1000)
    fold.open(Audience("member", STRANGER))

    burst(fold, journal, 1000)

    assert len(journal) > 40
    assert topic.made < 40
