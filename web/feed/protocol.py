"""The conversation of one socket, without input or output: frames in, requests out.

A socket says hello once, then subscribes, unsubscribes and acts. What breaks the protocol ends
it with a close code; what the market refuses is answered and the socket stays. Time is
monotonic milliseconds and an argument.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum, IntEnum
from functools import lru_cache

from aggregator.errors import InvalidField, MarketError
from matching.values import value
from web.api.reading import MAX_DEPTH, Malformed, read_text
from web.auth.rates import Bucket, Rate
from web.feed.limits import FeedLimits

SUBPROTOCOL = "aggregator.feed.v1"
ANONYMOUS_PREFIX = "prices"

_TOPIC = re.compile(r"([a-z]{1,20})(?::([A-Za-z0-9*][A-Za-z0-9*_./-]{0,119}))?\Z")
_WILD = re.compile(r"(?:\*|[A-Z0-9][A-Z0-9-]{1,39}/\*)\Z")
_COMMAND_ID = re.compile(r"[!-~]{1,200}\Z")
_EPOCH = re.compile(r"[0-9a-f]{1,64}\Z")


class Close(IntEnum):
    """Why the market ends a socket."""

    MALFORMED = 4400
    SESSION_OVER = 4401
    FORBIDDEN = 4403
    SLOW = 4408
    TOO_BIG = 4413
    RATE = 4429
    GOING_AWAY = 4503
    BROKEN = 1011


@dataclass(frozen=True, slots=True)
class Ending:
    """The socket must be closed; `reason` is for the client's log."""

    code: Close
    reason: str


@dataclass(frozen=True, slots=True)
class Hello:
    """Open the session of `ticket` or `token`; of nobody when both are None."""

    ticket: str | None
    token: str | None
    client: str


@dataclass(frozen=True, slots=True)
class Since:
    """What the client has: the numbering and the last frame of it."""

    epoch: str
    seq: int


@dataclass(frozen=True, slots=True)
class Subscribe:
    topic: str
    prefix: str
    topic_id: str
    since: Since | None


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    topic: str


@value
class Act:
    """Carry out operation `op` under the client's command id."""

    op: str
    command_id: str
    content: dict[str, object]


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A command with a fraction or a field named twice: refused, the socket stays."""

    command_id: str
    error: InvalidField


@dataclass(frozen=True, slots=True)
class TooManyTopics:
    """A subscription beyond the limit: refused, the socket stays."""

    topic: str
    max_topics: int


Request = Hello | Subscribe | Unsubscribe | Act | Unreadable | TooManyTopics | Ending


@dataclass
class TopicsTooMany(MarketError):
    code = "topics_too_many"
    max_topics: int


class _Phase(Enum):
    SILENT = "silent"
    GREETING = "greeting"
    OPEN = "open"
    OVER = "over"


class _Broken(Exception):
    """A frame that is no frame of the protocol."""


class Conversation:
    """The state of one socket: its phase, its rate, the topics it follows."""

    def __init__(self, limits: FeedLimits, operations: Collection[str], *, opened_at_ms: int):
        self._limits = limits
        self._operations = operations
        self._phase = _Phase.SILENT
        self._is_anonymous = True
        self._hello_until_ms = opened_at_ms + limits.hello_ms
        self._bucket = Bucket(_rate(limits.frames_per_s, limits.burst), opened_at_ms)
        self.topics: set[str] = set()

    def receive(self, text: str | None, *, now_ms: int) -> Request:
        """Return what a frame asks for; `text` is None for a binary frame."""
        if self._phase is _Phase.OVER:
            return Ending(Close.MALFORMED, "the conversation is over")
        found = self._received(text, now_ms)
        if isinstance(found, Ending):
            self._phase = _Phase.OVER
        return found

    def check_hello(self, now_ms: int) -> Ending | None:
        """Return the ending of a socket that did not say hello in time."""
        if self._phase is not _Phase.SILENT or now_ms < self._hello_until_ms:
            return None
        self._phase = _Phase.OVER
        return Ending(Close.SESSION_OVER, "no hello in time")

    def welcome_member(self) -> None:
        """Go on: the hello was that of a session."""
        assert self._phase is _Phase.GREETING
        self._phase, self._is_anonymous = _Phase.OPEN, False

    def welcome_anyone(self) -> None:
        """Go on: the hello came without a session, so only prices may be read."""
        assert self._phase is _Phase.GREETING
        self._phase = _Phase.OPEN

    def leave(self, topic: str) -> None:
        """Forget a topic whose subscription was refused or has ended."""
        self.topics.discard(topic)

    def _received(self, text: str | None, now_ms: int) -> Request:
        if text is None:
            return Ending(Close.MALFORMED, "frames are JSON text")
        if len(text) > self._limits.frame_bytes or (
            not text.isascii() and len(text.encode()) > self._limits.frame_bytes
        ):
            return Ending(Close.TOO_BIG, f"a frame has at most {self._limits.frame_bytes} bytes")
        if self._bucket.wait_ms(now_ms):
            return Ending(Close.RATE, f"at most {self._limits.frames_per_s} frames a second")
        try:
            frame = read_text(text)
        except Malformed as error:
            return Ending(Close.MALFORMED, f"{error.rule} {error.figure}")
        except InvalidField as error:
            return self._unreadable(text, error)
        if not isinstance(frame, dict):
            return Ending(Close.MALFORMED, "a frame is a JSON object")
        try:
            return self._asked(frame)
        except _Broken as error:
            return Ending(Close.MALFORMED, str(error)[:120])

    def _unreadable(self, text: str, error: InvalidField) -> Request:
        """Return which command a frame of odd values was, if that much is plain."""
        try:
            frame = json.loads(text, parse_int=_odd, parse_float=_odd, parse_constant=_odd)
        except RecursionError:
            # Read once it had just room enough, so it is far too deep as well.
            return Ending(Close.MALFORMED, f"depth {MAX_DEPTH}")
        if isinstance(frame, dict) and error.pointer not in ("/op", "/cmd"):
            with contextlib.suppress(_Broken):
                asked = self._asked(frame)
                if isinstance(asked, Act):
                    return Unreadable(asked.command_id, error)
        return Ending(Close.MALFORMED, f"{error.pointer}: {error.rule}"[:120])

    def _asked(self, frame: dict[str, object]) -> Request:
        op = frame.get("op")
        if self._phase is _Phase.SILENT:
            if op != "hello":
                raise _Broken("the first frame is hello")
            self._phase = _Phase.GREETING
            return _hello(frame)
        if self._phase is not _Phase.OPEN:
            raise _Broken("wait for the welcome")
        if op == "subscribe":
            return self._subscribe(frame)
        if op == "unsubscribe":
            _only(frame, "op", "topic")
            topic = _topic(frame)[0]
            self.topics.discard(topic)
            return Unsubscribe(topic)
        if isinstance(op, str) and op in self._operations:
            return self._act(op, frame)
        raise _Broken("unknown op")

    def _subscribe(self, frame: dict[str, object]) -> Request:
        _only(frame, "op", "topic", "since")
        topic, prefix, topic_id = _topic(frame)
        if self._is_anonymous and prefix != ANONYMOUS_PREFIX:
            return Ending(Close.FORBIDDEN, "only prices may be read without a session")
        if topic not in self.topics and len(self.topics) >= self._limits.topics:
            return TooManyTopics(topic, self._limits.topics)
        since = _since(frame)
        self.topics.add(topic)
        return Subscribe(topic, prefix, topic_id, since)

    def _act(self, op: str, frame: dict[str, object]) -> Request:
        if self._is_anonymous:
            return Ending(Close.FORBIDDEN, "acts need a session")
        command_id = frame.get("cmd")
        if not isinstance(command_id, str) or not _COMMAND_ID.match(command_id):
            raise _Broken("cmd has 1 to 200 visible ASCII characters")
        del frame["op"], frame["cmd"]
        return Act(op, command_id, frame)


@lru_cache(maxsize=8)
def _rate(per_s: int, burst: int) -> Rate:
    """Return the rate of all sockets alike: one that is asked all the time is at hand."""
    return Rate(per_s, burst)


def _odd(_: str) -> None:
    """Stand for any number where only texts are looked for."""


def _hello(frame: dict[str, object]) -> Hello:
    _only(frame, "op", "ticket", "token", "client")
    ticket, token = _credential(frame, "ticket"), _credential(frame, "token")
    if ticket is not None and token is not None:
        raise _Broken("hello has a ticket or a token")
    client = frame.get("client", "")
    if not isinstance(client, str) or len(client) > 120:
        raise _Broken("client has at most 120 characters")
    return Hello(ticket, token, client)


def _credential(frame: dict[str, object], name: str) -> str | None:
    found = frame.get(name)
    if found is None:
        return None
    if not isinstance(found, str) or not 1 <= len(found) <= 200 or not found.isascii():
        raise _Broken(f"{name} is a text of at most 200 characters")
    return found


def _topic(frame: dict[str, object]) -> tuple[str, str, str]:
    """Return a topic's name, prefix and the rest; `*` stands only where prices allow it."""
    name = frame.get("topic")
    found = _TOPIC.match(name) if isinstance(name, str) else None
    if found is None:
        raise _Broken("topic is no topic's name")
    prefix, topic_id = found[1], found[2] or ""
    if "*" in topic_id and (prefix != ANONYMOUS_PREFIX or not _WILD.match(topic_id)):
        raise _Broken("* stands only in prices:* and prices:<instrument>/*")
    return found[0], prefix, topic_id


def _since(frame: dict[str, object]) -> Since | None:
    given = frame.get("since")
    if given is None:
        return None
    if not isinstance(given, dict):
        raise _Broken("since is an object")
    _only(given, "epoch", "seq")
    epoch, seq = given.get("epoch"), given.get("seq")
    if not isinstance(epoch, str) or not _EPOCH.match(epoch):
        raise _Broken("since.epoch is the epoch of a snapshot")
    if not isinstance(seq, int) or isinstance(seq, bool) or seq < 0:
        raise _Broken("since.seq is a frame's seq")
    return Since(epoch, seq)


def _only(frame: dict[str, object], *names: str) -> None:
    unknown = next((name for name in frame if name not in names), None)
    if unknown is not None:
        raise _Broken(f"unknown field {unknown[:40]}")
