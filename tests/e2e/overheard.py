"""What was said on tapped lines: who asked or was told what, unpacked, and when.

Who it was comes from the lines alone. A session is known by its token, which the market gave to
somebody whose firm the same answer names; so no database and no code of the market is believed.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import cached_property
from typing import Any

from httptools import HttpParserUpgrade, HttpRequestParser, HttpResponseParser
from pypdf import PdfReader
from websockets.frames import Frame, Opcode
from websockets.streams import StreamReader

from tests.e2e.tap import Chunk, Line

_Socket = tuple[list[Chunk], list[Chunk]]
"""What was asked and told once a connection had become a socket."""
API = "/api/v1"
NOBODY = ""
_ABOUT_THE_LINE = ("content-length", "content-security-policy", "date", "webhook-timestamp")
"""Headers of lengths, ports and times, whose numbers are of no trade."""
_COOKIE = re.compile(r"(?:^|[;\s])(?:__Host-)?agg=([^;\s]+)")
_OPERATIONS = {"bid": "bids", "demand": "demands", "package": "packages", "standing": "standing"}
_FILES = {"application/pdf": "pdf", "image/jpeg": "picture", "image/png": "picture"}


@dataclass
class Half:
    """A request or an answer, as far as it came."""

    at: datetime | None = None
    head: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def is_whole(self) -> bool:
        """Say whether all of the body came, before somebody left or was killed."""
        return int(self.headers.get("content-length", len(self.body))) == len(self.body)

    @cached_property
    def text(self) -> str:
        """Return the body in words, unpacked."""
        content = self.body
        if self.headers.get("content-encoding") == "gzip":
            content = zlib.decompressobj(wbits=31).decompress(content)
        else:
            assert "content-encoding" not in self.headers, self.headers
        if not self.is_whole:
            return content.decode("latin-1")
        kind = _FILES.get(self.headers.get("content-type", "").partition(";")[0], "")
        if kind == "pdf":
            return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages)
        if content.startswith(b"PK\x03\x04"):
            with zipfile.ZipFile(io.BytesIO(content)) as packed:
                return "\n".join(packed.read(name).decode("utf-8") for name in packed.namelist())
        return content.decode("latin-1" if kind == "picture" else "utf-8", errors="replace")

    @cached_property
    def json(self) -> Any:
        """Return what the body says as JSON; None where it is something else."""
        try:
            return json.loads(self.text) if self.body[:1] in (b"{", b"[") else None
        except ValueError:
            return None


@dataclass
class Exchange:
    """One request and its answer, by somebody of a firm or by nobody."""

    asked: Half
    told: Half
    firms: frozenset[str] = frozenset()

    @property
    def method(self) -> str:
        return self.asked.head.partition(" ")[0]

    @property
    def path(self) -> str:
        return self.asked.head.partition(" ")[2].partition("?")[0]

    @property
    def is_done(self) -> bool:
        """Say whether all of an answer came that says yes."""
        return self.told.head.startswith("2") and self.told.is_whole

    @property
    def token(self) -> str:
        """Return the session that the request was made under."""
        scheme, _, bearer = self.asked.headers.get("authorization", "").partition(" ")
        cookie = _COOKIE.search(self.asked.headers.get("cookie", ""))
        return bearer if scheme.lower() == "bearer" else cookie[1] if cookie else NOBODY


@dataclass
class Piece:
    """Something that was told: by what, to whom, and when."""

    what: str
    text: str
    firms: frozenset[str]
    at: datetime | None


@dataclass
class Overheard:
    """Every exchange and frame of some lines, each with the firms that it was for."""

    exchanges: list[Exchange] = field(default_factory=list)
    acts: list[Exchange] = field(default_factory=list)
    pieces: list[Piece] = field(default_factory=list)


class _Halves:
    """Takes one side of a line apart; what follows an upgrade is kept as it came."""

    def __init__(self, *, asks: bool) -> None:
        self.found: list[Half] = []
        self.after: list[Chunk] = []
        self._asks = asks
        self._parser: Any = HttpRequestParser(self) if asks else HttpResponseParser(self)
        self._target = b""

    def take(self, chunks: list[Chunk]) -> _Halves:
        is_over = False
        for at, chunk in chunks:
            self._at = at
            if is_over:
                self.after.append((at, chunk))
                continue
            try:
                self._parser.feed_data(chunk)
            except HttpParserUpgrade as upgrade:
                is_over = True
                self.after.append((at, chunk[upgrade.args[0] :]))
        return self

    def on_message_begin(self) -> None:
        self.found.append(Half(self._at))
        self._target = b""

    def on_url(self, part: bytes) -> None:
        self._target += part

    def on_header(self, name: bytes, value: bytes) -> None:
        half = self.found[-1]
        named, said = name.decode().lower(), value.decode("latin-1")
        half.headers[named] = ", ".join(filter(None, (half.headers.get(named), said)))

    def on_headers_complete(self) -> None:
        half = self.found[-1]
        if self._asks:
            half.head = f"{self._parser.get_method().decode()} {self._target.decode()}"
        else:
            half.head = str(self._parser.get_status_code())

    def on_body(self, part: bytes) -> None:
        self.found[-1].body += part
        self.found[-1].at = self._at


def _frames(chunks: list[Chunk], *, masked: bool) -> Iterator[tuple[datetime, str]]:
    """Return the messages of one side of a socket."""
    reader = StreamReader()
    parsing = None
    for at, chunk in chunks:
        reader.feed_data(chunk)
        while True:
            parsing = parsing or Frame.parse(reader.read_exact, mask=masked)
            try:
                next(parsing)
                break
            except StopIteration as done:
                parsing = None
                if done.value.opcode not in (Opcode.PING, Opcode.PONG):
                    yield at, bytes(done.value.data).decode("utf-8", errors="replace")


def overheard(lines: list[Line]) -> Overheard:
    """Take everything apart, and say of each piece whom it was told."""
    found, sockets, letters = Overheard(), list[_Socket](), list[Line]()
    for line in list(lines):
        if line.told and line.told[0][1].startswith(b"220 "):
            letters.append(line)
            continue
        asked, told = _Halves(asks=True).take(line.asked), _Halves(asks=False).take(line.told)
        answers = [*told.found, *(Half() for _ in asked.found)]
        met = [Exchange(*pair) for pair in zip(asked.found, answers, strict=False)]
        found.exchanges += met
        if told.after:
            sockets.append((asked.after, told.after))
    found.exchanges.sort(key=lambda one: (one.asked.at is not None, one.asked.at))
    firms = _sessions(found.exchanges)
    for one in found.exchanges:
        one.firms = firms.get(_given(one) or one.token or _link(one), frozenset())
        what = f"{one.method} {one.path}"
        for text in (one.told.text, _headers(one.told)):
            found.pieces.append(Piece(what, text, one.firms, one.told.at))
    found.acts = [
        one
        for one in found.exchanges
        if one.is_done and one.method != "GET" and one.told.json is not None
    ]
    tickets = {
        one.told.json["ticket"]: one.firms
        for one in found.acts
        if one.path.endswith("/feed-tickets")
    }
    for sides in sockets:
        _listen(found, sides, {**firms, **tickets})
    for line in letters:
        _read(found, line)
    found.pieces += [_posted(found, one) for one in found.exchanges if _is_post(one)]
    return found


def _read(found: Overheard, line: Line) -> None:
    """Note a letter; it is for the firm whose person said that he is to be found there."""
    content = b"".join(chunk for _, chunk in line.asked)
    envelope, _, rest = content.partition(b"DATA\r\n")
    letter = message_from_bytes(rest.partition(b"\r\n.\r\n")[0], policy=policy.default)
    to = re.search(rb"RCPT TO:<([^>]*)>", envelope, re.IGNORECASE)
    firms = _who_named(found, "mail-address", to[1].decode()) if to else frozenset[str]()
    words = "\n".join(f"{name}: {value}" for name, value in letter.items())
    body = letter.get_content() if isinstance(letter, EmailMessage) and to else ""
    found.pieces.append(Piece("a letter", f"{words}\n{body}", firms, line.asked[-1][0]))


def _is_post(one: Exchange) -> bool:
    """Say whether it is the market that asks: it posts a notice to an address."""
    return "webhook-id" in one.asked.headers


def _posted(found: Overheard, one: Exchange) -> Piece:
    """Return what was posted; it is for the firm that has named the address."""
    firms = _who_named(found, "webhooks", f'"http://{one.asked.headers["host"]}{one.path}"')
    text = f"{_headers(one.asked)}\n{one.asked.text}"
    return Piece("a webhook", text, firms, one.asked.at)


def _who_named(found: Overheard, path: str, address: str) -> frozenset[str]:
    """Return the firms whose people said where something is to be sent."""
    return frozenset[str]().union(
        *(
            one.firms
            for one in found.acts
            if one.path == f"{API}/{path}" and address in one.asked.text
        )
    )


def _headers(half: Half) -> str:
    kept = (name for name in half.headers if name not in _ABOUT_THE_LINE)
    return "\n".join(f"{name}: {half.headers[name]}" for name in kept)


def _given(one: Exchange) -> str:
    """Return the token of the session that an answer opens."""
    cookie = _COOKIE.search(one.told.headers.get("set-cookie", ""))
    body = one.told.json if one.is_done else None
    bearer = body.get("token") if isinstance(body, dict) and "organisation" in body else None
    return bearer or (cookie[1] if cookie else NOBODY)


def _link(one: Exchange) -> str:
    """Return the token of the invitation that somebody shows who is in no firm yet."""
    body = one.asked.json if one.path.startswith(f"{API}/joinings") else None
    return str(body["token"]) if isinstance(body, dict) and "token" in body else NOBODY


def _sessions(exchanges: list[Exchange]) -> dict[str, frozenset[str]]:
    """Return the firms whose eyes each token lends."""
    firms: dict[str, frozenset[str]] = {}
    answered = [
        (one, one.told.json)
        for one in exchanges
        if one.is_done and one.path.startswith(API) and isinstance(one.told.json, dict)
    ]
    for one, answer in answered:
        token = _given(one) or (one.token if one.path == f"{API}/me" else NOBODY)
        if token and "organisation" in answer:
            firms[token] = frozenset({answer["organisation"]})
    for one, answer in answered:
        if one.method == "POST" and "token" in answer and answer["token"] not in firms:
            named = one.path.removeprefix(API).split("/")
            if named[1] == "organisations":  # The desk makes a link for a firm's owner.
                firms[answer["token"]] = frozenset({named[2]})
            elif named[1] == "support-sessions":
                # What the market's people look at then, its owner has let them see.
                firms[answer["token"]] = frozenset({answer["organisation_id"]})
            else:
                firms[answer["token"]] = firms.get(one.token, frozenset())
    return firms


def _object(text: str) -> dict[str, Any]:
    """Return what a frame says; of a close frame, or of nonsense, nothing."""
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _listen(found: Overheard, sides: _Socket, firms: dict[str, frozenset[str]]) -> None:
    """Note what a socket was told, and the acts that were done over it."""
    who = frozenset[str]()
    acts: dict[str, tuple[datetime, dict[str, Any]]] = {}
    for at, text in _frames(sides[0], masked=True):
        frame = _object(text)
        if frame.get("op") == "hello":
            who = firms.get(frame.get("token") or frame.get("ticket") or NOBODY, who)
        if "cmd" in frame:
            acts[frame["cmd"]] = at, frame
    for at, text in _frames(sides[1], masked=False):
        found.pieces.append(Piece("the feed", text, who, at))
        frame = _object(text)
        if frame.get("op") == "ack":
            asked_at, said = acts[frame["cmd"]]
            head = f"POST {API}/auctions/{said['auction']}/{_OPERATIONS[said['op']]}"
            body = json.dumps({k: v for k, v in said.items() if k not in ("op", "cmd", "auction")})
            answer = Half(at, "200", {}, json.dumps(frame["data"]).encode())
            found.acts.append(Exchange(Half(asked_at, head, {}, body.encode()), answer, who))
