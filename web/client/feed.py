"""A client of the market's feed, to be copied out: this file and `websockets` are all it needs.

    async for event in Feed("wss://market.example/feed", ["prices:*"], credential=token):
        match event:
            case Changed(topic=topic, view=view): ...
            case Disconnected(): ...  # what was shown is stale from here on

It keeps each topic's view as the market has it: changes are applied in their numbers' order, a
gap is asked for again, and the digest of every snapshot and heartbeat is compared with the
view's own. A lost connection is opened again, later and later, or when the market says to; then
each topic resumes after the last change taken. Acts that were not answered are sent again under
their command id, so none happens twice.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Literal, cast

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.typing import Subprotocol

SUBPROTOCOL = "aggregator.feed.v1"
MALFORMED, SESSION_OVER, FORBIDDEN, SLOW, TOO_BIG, RATE, GOING_AWAY = (
    4400, 4401, 4403, 4408, 4413, 4429, 4503,
)  # fmt: skip
_FATAL = frozenset({MALFORMED, SESSION_OVER, FORBIDDEN, TOO_BIG})
_FIRST_WAIT_MS, _RATE_WAIT_MS = 500, 5_000
_OPEN_S, _SILENT_BEATS, _LARGEST_FRAME = 10, 3, 16 * 1024 * 1024
_RETRY = re.compile(r"retry_ms=(\d{1,7})\Z")

View = dict[str, Any]
Frame = dict[str, Any]
Credential = str | Callable[[], Awaitable[Frame]] | None
"""A bearer token; or what makes `{"ticket": …}` or `{"token": …}` for each connection."""


@dataclass(frozen=True, slots=True)
class Connected:
    """The market has welcomed us; views are fresh again as they change or are confirmed."""


@dataclass(frozen=True, slots=True)
class Disconnected:
    """The connection is gone: every view is stale from here on."""

    code: int
    reason: str


@dataclass(frozen=True, slots=True)
class Changed:
    """A topic's whole view after a change; `seq` is its number."""

    topic: str
    seq: int
    view: View


@dataclass(frozen=True, slots=True)
class Refused:
    """The topic is not shown to us; it is no longer asked for."""

    topic: str
    code: str
    detail: View


Event = Connected | Disconnected | Changed | Refused


class FeedEnded(Exception):
    """The market will not have us as we are: no session, forbidden, or we broke the protocol."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"{code} {reason}")
        self.code = code


class ActRefused(Exception):
    """The market refused an act; `detail` says by which rule and figure."""

    def __init__(self, code: str, detail: View) -> None:
        super().__init__(code)
        self.code, self.detail = code, detail


@dataclass(slots=True)
class Copy:
    """One topic as far as we have followed it."""

    topic: str
    epoch: str = ""
    seq: int = -1
    view: View = field(default_factory=dict)
    _digest: str = ""

    @property
    def digest(self) -> str:
        if not self._digest:
            self._digest = digest_of(self.view)
        return self._digest

    def asking(self) -> Frame:
        """Return the frame that asks for what we lack."""
        since = {"since": {"epoch": self.epoch, "seq": self.seq}} if self.epoch else {}
        return {"op": "subscribe", "topic": self.topic, **since}

    def forget(self) -> None:
        self.epoch, self.seq, self.view, self._digest = "", -1, {}, ""

    def take_snapshot(self, frame: Frame) -> None:
        """Take a whole view.

        Raises:
            FeedEnded: it is not what its digest says: we and the market count differently.

        """
        self.epoch, self.seq, self.view = frame["epoch"], frame["seq"], frame["data"]
        self._digest = ""
        if self.digest != frame["digest"]:
            raise FeedEnded(MALFORMED, f"the snapshot of {self.topic} is not its digest's")

    def take_change(self, frame: Frame) -> bool:
        """Apply a change; return False, unchanged, if it does not follow what we have."""
        if not self.epoch or frame["prev"] != self.seq:
            return False
        self.view = cast(View, merged(self.view, frame["data"]))
        self.seq, self._digest = frame["seq"], ""
        return True


class Copies:
    """The topics of one client, without input or output: frames in, events and asks out.

    `found` counts what was wrong: gaps, and digests that differed. Each is made good by asking
    again, so a count says how good the line is, not that anything shown was false.
    """

    def __init__(self, topics: Iterable[str]) -> None:
        self.topics = {topic: Copy(topic) for topic in topics}
        self.found = {"gaps": 0, "digests": 0}
        self._asked: set[str] = set()

    def ask_all(self) -> list[Frame]:
        """Return what to ask on a new connection."""
        self._asked = set(self.topics)
        return [copy.asking() for copy in self.topics.values()]

    def take(self, frame: Frame) -> tuple[list[Event], list[Frame]]:
        """Take a frame of the market; return what happened and what to ask."""
        op, copy = frame["op"], self.topics.get(frame.get("topic", ""))
        if op == "heartbeat":
            return [], self._compare(frame["topics"])
        if copy is None:
            return [], []
        if op == "refused":
            del self.topics[copy.topic]
            return [Refused(copy.topic, frame["code"], frame["detail"])], []
        if op == "resumed":
            self._asked.discard(copy.topic)
        if op == "snapshot":
            self._asked.discard(copy.topic)
            copy.take_snapshot(frame)
        elif op != "delta" or copy.topic in self._asked:
            return [], []
        elif not copy.take_change(frame):
            return [], self._again(copy, "gaps")
        return [Changed(copy.topic, copy.seq, copy.view)], []

    def _compare(self, told: View) -> list[Frame]:
        asks: list[Frame] = []
        for topic, newest in told.items():
            copy = self.topics.get(topic)
            if copy is None or topic in self._asked:
                continue
            if newest["seq"] != copy.seq:
                asks += self._again(copy, "gaps")
            elif newest["digest"] != copy.digest:
                asks += self._again(copy, "digests")
        return asks

    def _again(self, copy: Copy, what: str) -> list[Frame]:
        self.found[what] += 1
        if what == "digests":
            copy.forget()
        self._asked.add(copy.topic)
        return [copy.asking()]


class Feed:
    """Follows topics for as long as somebody iterates over it.

    Raises (while iterated):
        FeedEnded: the market ended the connection for a reason that coming back does not mend.

    """

    def __init__(
        self,
        url: str,
        topics: Iterable[str],
        *,
        credential: Credential = None,
        name: str = "aggregator-feed/1",
        proxy: str | Literal[True] | None = True,
        longest_wait_ms: int = 30_000,
    ) -> None:
        self.copies = Copies(topics)
        self._url, self._credential, self._name, self._proxy = url, credential, name, proxy
        self._longest_wait_ms = longest_wait_ms
        self._socket: ClientConnection | None = None
        self._heartbeat_s = 5
        self._failures = 0
        self._acts: dict[str, tuple[Frame, asyncio.Future[View]]] = {}
        self._pace = _Pace()

    async def __aiter__(self) -> AsyncIterator[Event]:
        while True:
            code, reason = 1006, ""
            try:
                async with connect(
                    self._url,
                    subprotocols=[Subprotocol(SUBPROTOCOL)],
                    compression=None,
                    open_timeout=_OPEN_S,
                    max_size=_LARGEST_FRAME,
                    proxy=self._proxy,
                ) as socket:
                    async for event in self._conversation(socket):
                        yield event
            except ConnectionClosed as closed:
                if closed.rcvd is not None:
                    code, reason = closed.rcvd.code, closed.rcvd.reason
            except (OSError, TimeoutError, InvalidHandshake) as error:
                reason = str(error)
            finally:
                self._socket = None
            if code in _FATAL:
                raise self._ended(FeedEnded(code, reason))
            yield Disconnected(code, reason)
            await asyncio.sleep(self._wait_ms(code, reason) * 0.001)

    async def act(self, op: str, *, command_id: str = "", **content: Any) -> View:
        """Let the market do `op`; return its answer, however often the line breaks meanwhile.

        The feed must be iterated over by another task.

        Raises:
            ActRefused: the market's refusal.

        """
        command_id = command_id or secrets.token_hex(16)
        frame = {"op": op, "cmd": command_id, **content}
        answer: asyncio.Future[View] = asyncio.get_running_loop().create_future()
        self._acts[command_id] = frame, answer
        try:
            if self._socket is not None:
                await self._say(self._socket, frame)
            return await answer
        finally:
            self._acts.pop(command_id, None)

    async def _conversation(self, socket: ClientConnection) -> AsyncIterator[Event]:
        self._pace = _Pace()
        await self._say(socket, {"op": "hello", "client": self._name, **await self._signing_in()})
        welcome = await self._hear(socket)
        self._heartbeat_s = welcome["heartbeat_s"]
        self._pace.allow(**{name: welcome["limits"][name] for name in ("frames_per_s", "burst")})
        self._failures = 0
        yield Connected()
        # An act sent twice is done once and answered twice.
        unanswered = [frame for frame, _ in self._acts.values()]
        self._socket = socket
        for frame in (*self.copies.ask_all(), *unanswered):
            await self._say(socket, frame)
        while True:
            frame = await self._hear(socket)
            if "cmd" in frame:
                self._answer(frame)
                continue
            events, asks = self.copies.take(frame)
            for ask in asks:
                await self._say(socket, ask)
            for event in events:
                yield event

    async def _signing_in(self) -> Frame:
        if self._credential is None:
            return {}
        if isinstance(self._credential, str):
            return {"token": self._credential}
        return await self._credential()

    async def _hear(self, socket: ClientConnection) -> Frame:
        # The market speaks at every heartbeat; silence is a line that broke without a word.
        async with asyncio.timeout(self._heartbeat_s * _SILENT_BEATS):
            return cast(Frame, json.loads(await socket.recv()))

    async def _say(self, socket: ClientConnection, frame: Frame) -> None:
        await self._pace.wait()
        try:
            await socket.send(json.dumps(frame))
        except ConnectionClosed:
            return  # whoever reads hears of it, and says all of this again

    def _answer(self, frame: Frame) -> None:
        _, answer = self._acts.get(frame["cmd"], (None, None))
        if answer is None or answer.done():
            return
        if frame["op"] == "ack":
            answer.set_result(frame["data"])
        else:
            answer.set_exception(ActRefused(frame["code"], frame["detail"]))

    def _ended(self, error: FeedEnded) -> FeedEnded:
        for _, answer in self._acts.values():
            if not answer.done():
                answer.set_exception(error)
        return error

    def _wait_ms(self, code: int, reason: str) -> int:
        """Return how long to wait before the next try: as told, or twice as long each time."""
        told = _RETRY.match(reason)
        if code == GOING_AWAY and told is not None:
            return int(told[1])
        longest = min(_FIRST_WAIT_MS << self._failures, self._longest_wait_ms)
        self._failures = min(self._failures + 1, 10)
        # Clients that lost one server must not all come back in the same instant.
        return secrets.randbelow(longest + 1) + (_RATE_WAIT_MS if code == RATE else 0)


class _Pace:
    """Keeps what we send within what the market allows on one connection."""

    def __init__(self) -> None:
        self._per_s, self._burst, self._left, self._at = 1.0, 1.0, 1.0, 0.0

    def allow(self, *, frames_per_s: int, burst: int) -> None:
        # The hello has been counted; a quarter is kept free for clocks that differ.
        self._per_s, self._burst = frames_per_s * 0.75, burst * 0.75
        self._left = self._burst - 1

    async def wait(self) -> None:
        loop = asyncio.get_running_loop()
        self._left = min(self._left + (loop.time() - self._at) * self._per_s, self._burst)
        self._at = loop.time()
        self._left -= 1
        if self._left < 0:
            await asyncio.sleep(-self._left / self._per_s)


def merged(target: object, patch: object) -> object:
    """Return `target` with a JSON merge patch applied (RFC 7386, section 2)."""
    if not isinstance(patch, dict):
        return patch
    found = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            found.pop(name, None)
        else:
            found[name] = merged(found.get(name), value)
    return found


def canonical(value: object) -> str:
    """Return a view as canonical JSON (RFC 8785): texts, whole numbers, booleans, no null.

    Names are in the order of their UTF-16 code units.
    """
    if isinstance(value, dict):
        names = sorted(value, key=lambda name: str(name).encode("utf-16-be", "surrogatepass"))
        return "{" + ",".join(f"{_text(name)}:{canonical(value[name])}" for name in names) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    if isinstance(value, str | bool | int) or value is None:
        return _text(value)
    raise ValueError(f"a view holds {type(value).__name__}")


def digest_of(view: View) -> str:
    """Return SHA-256 of a view's canonical JSON, in hex."""
    return hashlib.sha256(canonical(view).encode()).hexdigest()


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
