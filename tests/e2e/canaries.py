"""Secrets of the firms of an end-to-end test, and the search for them in what others were told.

**What counts as a canary**: whatever a firm says to the market in an act, and each name that the
market gives a thing in its answer, is that firm's own unless `tests/e2e/disclosures.py` declares,
with the clause of the law, who else may know it. Secrets are not read from the database, so what is
sealed there counts as well, and a new field is a secret until somebody declares it. Only who
trades with whom is taken from the deals' rows.

- A *figure* of four digits or more is found as decimal text, grouped or not, in whole units and in
  minor ones; one of three digits, such as a freight, only where its decimals are told.
- A *quantity* (fields called lots, capacity and the like, from 11 on) is found in such a field of
  JSON, where one number is not taken for another.
- A *text* of five letters or more is found as it stands.
- Of a file that is brought, such as a spreadsheet, each amount with its decimals is a figure.

A firm may know what it has said itself. So where two have said the same, neither is caught by it,
and what stands in the market's own words for everybody (`web/locale`, the API's description) is no
secret. The stories therefore let each firm say figures of its own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from tests.e2e.overheard import API, Exchange, Overheard, Piece, overheard
from tests.e2e.tap import Tap
from web import api
from web.api import openapi
from web.api.routing import ENDPOINTS, specific_first

EVERYBODY, LOG = "everybody", "a log"
Knows = Mapping[str, datetime | None]
"""Who may know something, each from an instant on, or from ever."""
WEB = Path(__file__).parents[2] / "web"

_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?")
_SEEN = re.compile(
    r"(?<![0-9A-Za-z.])(?:[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?|[0-9]+(?:\.[0-9]+)?)(?![0-9A-Za-z])"
)
_AMOUNT = re.compile(r"(?<![0-9.])[0-9]+\.[0-9]{2}(?![0-9])")
_QUANTITY = re.compile(r"(?<!monthly_)lots|capacity|quantity|volume|tonnes")
_INSTANT = re.compile(r"\d{4}-\d{2}(-\d{2}(T.*)?)?")
_LEAST_QUANTITY, _LEAST_FIGURE, _LEAST_WHOLE, _LEAST_TEXT = 11, 100, 1000, 5
_LONGEST_SPAN = 5


@dataclass(frozen=True)
class Said:
    """One value of an act, or of its answer, with where it stood."""

    act: Exchange
    route: str
    path: Mapping[str, str]
    name: str
    value: str | int
    beside: Mapping[str, Any]


Rule = Callable[[Said, "Scene"], Knows]


@dataclass(eq=False)
class Scene:
    """What the acts of a test tell of the relations between its firms."""

    heard: Overheard
    deals: Mapping[str, tuple[str, str]]
    acts: list[tuple[Exchange, str, Mapping[str, str]]]

    @classmethod
    def of(cls, heard: Overheard, deals: Mapping[str, tuple[str, str]]) -> Scene:
        acts = [act for act in heard.acts if act.firms and act.path.startswith(API)]
        return cls(heard, deals, [(act, *_route(act)) for act in acts])

    @cached_property
    def desks(self) -> set[str]:
        """The market's own people."""
        return self._with_role("operator")

    @cached_property
    def auditors(self) -> set[str]:
        return self._with_role("auditor")

    def is_evidence(self, piece: Piece) -> bool:
        """Say whether an auditor was given what he recomputes results from (MARKET.md 6 and 8)."""
        is_auditor = bool(piece.firms) and piece.firms <= self.auditors
        return is_auditor and piece.what.endswith("/evidence")

    def _with_role(self, role: str) -> set[str]:
        return {
            str(act.told.json["organisation"])
            for act, route, _ in self.acts
            if route == "POST /sessions" and role in act.told.json["roles"]
        }


@dataclass
class Canary:
    """A value with who may know it, and where it was said."""

    kind: str
    value: str
    names: set[str] = field(default_factory=set)
    knows: dict[str, datetime | None] = field(default_factory=dict)

    def allow(self, knows: Knows) -> None:
        for firm, since in knows.items():
            known = self.knows.get(firm, since)
            self.knows[firm] = None if since is None or known is None else min(known, since)

    def may_be_told(self, piece: Piece) -> bool:
        for firm in (*piece.firms, EVERYBODY):
            if firm in self.knows:
                since = self.knows[firm]
                if since is None or (piece.at is not None and piece.at >= since):
                    return True
        return False

    @property
    def is_name(self) -> bool:
        """Say whether it is what the market calls a thing, by which its logs speak of it."""
        return all(re.match(r"answer\..*_id ", f"{name} ") for name in self.names)

    @property
    def spellings(self) -> set[str]:
        """Return a figure in decimal text, as whole units and as minor units."""
        whole, _, minor = self.value.partition(".")
        ways = {f"{whole}.{minor or '00'}", f"{whole}{minor or '00'}"}
        if int(whole) < _LEAST_WHOLE:
            return ways
        return ways | {self.value} | ({whole} if not minor.strip("0") else set())


def scan(tap: Tap, disclosures: Mapping[str, Mapping[str, Rule]]) -> list[str]:
    """Return a sentence for each thing that was told to somebody who may not know it."""
    heard = overheard(tap.lines)
    scene = Scene.of(heard, tap.deals)
    canaries = list(canaries_of(scene, disclosures))
    logged = Piece(LOG, tap.log.getvalue(), frozenset(), None)
    told = [piece for piece in heard.pieces if not scene.is_evidence(piece)]
    return sorted(set(leaks_in([*told, logged], canaries)))


def canaries_of(scene: Scene, disclosures: Mapping[str, Mapping[str, Rule]]) -> Iterator[Canary]:
    """Return every value that somebody may not know, with who may."""
    found: dict[tuple[str, str], Canary] = {}
    for act, route, path in scene.acts:
        for said in (*_said(act, route, path), *_named(act, route, path)):
            kind, value = _kind(said.name, said.value)
            if not kind:
                continue
            canary = found.setdefault((kind, value), Canary(kind, value))
            canary.names.add(f"{said.name} of {route}")
            canary.allow(dict.fromkeys(act.firms))
            rules = disclosures.get(route, {})
            rule = rules.get(said.name.split("/")[0]) or rules.get(said.name) or rules.get("*")
            if rule is not None:
                canary.allow(rule(said, scene))
    for canary in found.values():
        is_public = EVERYBODY in canary.knows and canary.knows[EVERYBODY] is None
        if not is_public and not (canary.kind == "text" and canary.value in _words()):
            yield canary


def leaks_in(pieces: Iterable[Piece], canaries: list[Canary]) -> Iterator[str]:
    """Return a sentence for each canary that somebody was told who may not know it."""
    by_spelling: dict[str, list[Canary]] = {}
    quantities: dict[str, Canary] = {}
    texts = [canary for canary in canaries if canary.kind == "text"]
    for canary in canaries:
        if canary.kind == "figure":
            for way in canary.spellings - _numbers():
                by_spelling.setdefault(way, []).append(canary)
        elif canary.kind == "quantity":
            quantities[canary.value] = canary
    for piece in pieces:
        is_log = piece.what == LOG
        seen = {number.replace(",", "") for number in _SEEN.findall(piece.text)}
        if is_log:
            # A short whole number there is how long something took, or a port.
            seen = {number for number in seen if "." in number or len(number) > _LONGEST_SPAN}
        met = [canary for way in seen & by_spelling.keys() for canary in by_spelling[way]]
        met += [canary for canary in texts if canary.value in piece.text]
        if quantities and piece.text[:1] in ("{", "["):
            told = {value for name, value in _leaves(_parsed(piece.text)) if _QUANTITY.search(name)}
            met += [quantities[str(value)] for value in told if str(value) in quantities]
        for canary in met:
            if is_log and canary.is_name:
                continue
            if not canary.may_be_told(piece):
                who = ", ".join(sorted(piece.firms)) or "nobody"
                names = ", ".join(sorted(canary.names))
                yield f"{who} was told {canary.value} ({names}) by {piece.what} at {piece.at}"


def _kind(name: str, value: str | int) -> tuple[str, str]:
    """Return what sort of canary a value is; of none if it is too ordinary to be found."""
    text = str(value)
    if isinstance(value, int) or _NUMBER.fullmatch(text):
        if _QUANTITY.search(name) and "." not in text:
            return ("quantity", text) if int(text) >= _LEAST_QUANTITY else ("", "")
        return ("figure", text) if int(text.partition(".")[0]) >= _LEAST_FIGURE else ("", "")
    is_word = len(text) >= _LEAST_TEXT and not _INSTANT.fullmatch(text)
    return ("text", text) if is_word else ("", "")


def _said(act: Exchange, route: str, path: Mapping[str, str]) -> Iterator[Said]:
    for name, value, beside in _walked(act.asked.json, "", {}):
        yield Said(act, route, path, name, value, beside)
    if act.asked.json is None and "image" not in act.asked.headers.get("content-type", ""):
        for amount in _AMOUNT.findall(act.asked.text):
            yield Said(act, route, path, "file", amount, {})


def _named(act: Exchange, route: str, path: Mapping[str, str]) -> Iterator[Said]:
    """Return the names that an answer gives to things, and what it tells only once."""
    for name, value, beside in _walked(act.told.json, "", {}):
        if re.search(r"(_id|token|secret|ticket)$", name) and isinstance(value, str):
            yield Said(act, route, path, f"answer.{name}", value, beside)


def _walked(
    value: Any, name: str, beside: Mapping[str, Any]
) -> Iterator[tuple[str, str | int, Mapping[str, Any]]]:
    if isinstance(value, dict):
        for key, part in value.items():
            yield from _walked(part, f"{name}/{key}" if name else key, value)
    elif isinstance(value, list):
        for part in value:
            yield from _walked(part, name, beside)
    elif isinstance(value, (str, int)) and not isinstance(value, bool):
        yield name, value, beside


def _leaves(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    for found, leaf, _ in _walked(value, name, {}):
        yield found.rpartition("/")[2], leaf


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _route(act: Exchange) -> tuple[str, Mapping[str, str]]:
    """Return the route of an act as the API's description writes it, and what its path names."""
    for method, template, pattern in _routes():
        found = pattern.fullmatch(act.path.removeprefix(API)) if method == act.method else None
        if found:
            return f"{method} {template}", found.groupdict()
    return f"{act.method} {act.path}", {}


@cache
def _routes() -> list[tuple[str, str, re.Pattern[str]]]:
    api.load()
    named = sorted(ENDPOINTS, key=lambda found: specific_first(found[1]))
    return [
        (method, path, re.compile(re.sub(r"\\?\{(\w+)\\?\}", r"(?P<\1>[^/]+)", path)))
        for method, path in named
    ]


@cache
def _words() -> str:
    """Return all words that are the same for everybody."""
    api.load()
    described = json.dumps(openapi.document(ENDPOINTS.values(), server=""), ensure_ascii=False)
    return "\n".join([described, *(file.read_text() for file in _files())])


@cache
def _numbers() -> frozenset[str]:
    """Return the numbers in the files that everybody is served."""
    return frozenset(number for file in _files() for number in _SEEN.findall(file.read_text()))


def _files() -> list[Path]:
    return [*sorted(WEB.glob("locale/*.json")), *sorted(WEB.glob("static/js/**/*.js"))]
