"""The conversation of a socket, frame by frame, without a socket."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.errors import InvalidField
from web.feed.limits import FeedLimits
from web.feed.protocol import (
    Act,
    Close,
    Conversation,
    Ending,
    Hello,
    Request,
    Since,
    Subscribe,
    TooManyTopics,
    Unreadable,
    Unsubscribe,
)

LIMITS = FeedLimits()


def a_conversation() -> Conversation:
    return Conversation(LIMITS, {"bid"}, opened_at_ms=0)


def a_member() -> Conversation:
    conversation = a_conversation()
    say(conversation, op="hello", ticket="t")
    conversation.welcome_member()
    return conversation


def say(conversation: Conversation, now_ms: int = 0, **frame: Any) -> Request:
    return conversation.receive(json.dumps(frame), now_ms=now_ms)


def code(request: Request) -> Close:
    assert isinstance(request, Ending)
    return request.code


def test_a_member_says_hello_follows_a_topic_and_leaves_it() -> None:
    conversation = a_conversation()

    assert say(conversation, op="hello", ticket="t", client="x/1") == Hello("t", None, "x/1")
    conversation.welcome_member()
    since = {"epoch": "ab12", "seq": 41}
    assert say(conversation, op="subscribe", topic="pool:pool_1", since=since) == Subscribe(
        "pool:pool_1", "pool", "pool_1", Since("ab12", 41)
    )
    assert say(conversation, op="unsubscribe", topic="pool:pool_1") == Unsubscribe("pool:pool_1")
    assert conversation.topics == set()


def test_the_first_frame_is_hello_and_there_is_one() -> None:
    assert code(say(a_conversation(), op="subscribe", topic="prices:*")) == Close.MALFORMED
    assert code(say(a_member(), op="hello", ticket="t")) == Close.MALFORMED


def test_nothing_is_taken_before_the_welcome() -> None:
    conversation = a_conversation()
    say(conversation, op="hello")

    assert code(say(conversation, op="subscribe", topic="prices:*")) == Close.MALFORMED


def test_a_socket_without_hello_ends_after_five_seconds() -> None:
    conversation = a_conversation()

    assert conversation.check_hello(4_999) is None
    late = conversation.check_hello(5_000)

    assert late is not None
    assert late.code == Close.SESSION_OVER
    assert a_member().check_hello(60_000) is None


def test_without_a_session_only_prices_are_read() -> None:
    conversation = a_conversation()
    assert say(conversation, op="hello") == Hello(None, None, "")
    conversation.welcome_anyone()

    assert isinstance(say(conversation, op="subscribe", topic="prices:*"), Subscribe)
    assert code(say(conversation, op="subscribe", topic="pool:pool_1")) == Close.FORBIDDEN


def test_a_command_with_a_fraction_is_refused_by_its_id() -> None:
    text = '{"op":"bid","cmd":"1","price":4995.0}'

    found = a_member().receive(text, now_ms=0)

    assert found == Unreadable("1", InvalidField("/price", "no_fractions", "4995.0"))


def test_without_a_session_nobody_bids() -> None:
    conversation = a_conversation()
    say(conversation, op="hello")
    conversation.welcome_anyone()

    assert code(say(conversation, op="bid", cmd="1")) == Close.FORBIDDEN


@pytest.mark.parametrize(
    "topic",
    ["prices:*", "prices:SUGAR-W1/*", "prices:SUGAR-W1/GX/2027-03", "me", "auction:auc_01J"],
)
def test_topics_that_are_topics(topic: str) -> None:
    assert isinstance(say(a_member(), op="subscribe", topic=topic), Subscribe)


@pytest.mark.parametrize(
    "topic",
    [
        "",
        "*",
        "pool:*",
        "prices:SUGAR-*",
        "prices:*/GX",
        "prices:SUGAR-W1/GX/*",
        "prices:**",
        "PRICES:*",
        "prices: x",
        "prices:a\n",
        "prices:" + "a" * 200,
        None,
        7,
        ["prices:*"],
    ],
)
def test_any_other_star_or_name_is_malformed(topic: object) -> None:
    assert code(say(a_member(), op="subscribe", topic=topic)) == Close.MALFORMED


@pytest.mark.parametrize(
    "since",
    [
        7,
        {},
        {"epoch": "ab"},
        {"epoch": "ab", "seq": -1},
        {"epoch": "ab", "seq": True},
        {"epoch": "ab", "seq": 1, "x": 1},
        {"epoch": "GG", "seq": 1},
        {"epoch": 1, "seq": 1},
    ],
)
def test_a_broken_since_is_malformed(since: object) -> None:
    frame = {"op": "subscribe", "topic": "prices:*", "since": since}
    assert code(say(a_member(), **frame)) == Close.MALFORMED


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "7",
        "null",
        '{"op":"subscribe","op":"subscribe"}',
        '{"op":"fly"}',
        '{"op":1}',
        '{"op":"subscribe","topic":"me","more":1}',
        '{"op":"bid","cmd":7,"price":4995.0}',
        '{"op":"bid","cmd":"1","cmd":"2"}',
        '{"op":"subscribe","topic":"me","since":1.5}',
        '{"op":["bid"],"cmd":"1","price":4995.0}',
        '{"op":"bid"}',
        '{"op":"bid","cmd":""}',
        '{"op":"bid","cmd":7}',
        "[" * 9000,
    ],
)
def test_a_frame_that_is_no_frame_ends_the_socket(text: str) -> None:
    assert code(a_member().receive(text, now_ms=0)) == Close.MALFORMED


def test_a_binary_frame_ends_the_socket() -> None:
    assert code(a_member().receive(None, now_ms=0)) == Close.MALFORMED


def test_a_frame_beyond_sixteen_kibibytes_is_too_big() -> None:
    assert code(a_member().receive("x" * 16_385, now_ms=0)) == Close.TOO_BIG
    assert code(a_member().receive("糖" * 6_000, now_ms=0)) == Close.TOO_BIG


def test_beyond_the_burst_the_rate_ends_the_socket() -> None:
    conversation = a_member()
    frames = [say(conversation, op="unsubscribe", topic="me") for _ in range(39)]

    assert all(isinstance(frame, Unsubscribe) for frame in frames)
    assert code(say(conversation, op="unsubscribe", topic="me")) == Close.RATE


def test_twenty_frames_a_second_go_on_for_ever() -> None:
    conversation = a_member()

    for number in range(400):
        asked = say(conversation, now_ms=number * 50, op="unsubscribe", topic="me")
        assert isinstance(asked, Unsubscribe)


def test_the_fifty_first_topic_is_refused_and_the_socket_stays() -> None:
    conversation = a_member()
    for number in range(50):
        asked = say(conversation, now_ms=number * 1000, op="subscribe", topic=f"pool:p{number}")
        assert isinstance(asked, Subscribe)

    more = say(conversation, now_ms=60_000, op="subscribe", topic="pool:p50")
    again = say(conversation, now_ms=61_000, op="subscribe", topic="pool:p7")
    conversation.leave("pool:p7")
    then = say(conversation, now_ms=62_000, op="subscribe", topic="pool:p50")

    assert more == TooManyTopics("pool:p50", 50)
    assert isinstance(again, Subscribe)
    assert isinstance(then, Subscribe)


def test_an_act_keeps_its_content_apart_from_its_command() -> None:
    asked = say(a_member(), op="bid", cmd="c-1", auction="auc_1", price="4995.00", lots=300)

    assert asked == Act("bid", "c-1", {"auction": "auc_1", "price": "4995.00", "lots": 300})


def test_after_its_end_nothing_is_taken() -> None:
    conversation = a_member()
    conversation.receive("{", now_ms=0)

    assert code(say(conversation, op="subscribe", topic="me")) == Close.MALFORMED


@given(st.text(max_size=60) | st.binary(max_size=60).map(lambda raw: raw.decode("latin-1")))
def test_no_text_breaks_the_conversation(text: str) -> None:
    conversation = a_member()
    found = conversation.receive(text, now_ms=0)

    assert isinstance(found, Ending | Subscribe | Unsubscribe | Act | TooManyTopics)


def test_an_odd_frame_is_placed_however_deep_it_is() -> None:
    # To place it is to read it again, with less room on the stack than at first.
    for depth in range(1, 1100):
        text = '{"op":"bid","cmd":"c","price":1.5,"more":' + "[" * depth + "]" * depth + "}"
        found = a_member().receive(text, now_ms=0)
        assert isinstance(found, Unreadable) or code(found) is Close.MALFORMED
