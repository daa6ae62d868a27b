"""Strict reading of one JSON document: every refusal names the pointer, the rule and the figure.

Duplicate keys, unknown fields, floats, NaN, half characters, deep nesting and wrong types are
refused. A `Node` is a value with its JSON pointer (RFC 6901); its methods take it apart.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import NamedTuple, NoReturn

MAX_DEPTH = 32
MAX_INTEGER = 10**15
MAX_DIGITS = 18
MAX_ID = 120
# One that never ends runs to the end of the text, so that looking stays linear.
_STRING = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
_BRACKET = re.compile(r"[\[\]{}]")
_HALF = re.compile("[\ud800-\udfff]")
_HALF_WRITTEN = re.compile(r"\\u[dD][89a-fA-F]")


@dataclass
class BadInput(Exception):
    """An instance that breaks a rule of its format.

    `pointer` is a JSON pointer, `rule` a stable name, `figure` what was found.
    """

    pointer: str
    rule: str
    figure: object = None

    def __str__(self) -> str:
        found = "" if self.figure is None else f", found {self.figure!r}"
        where = "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in self.pointer)
        return f"{where or '/'}: {self.rule}{found}"


@dataclass(frozen=True, slots=True)
class Node:
    """A JSON value and where it stands."""

    value: object
    pointer: str

    def refuse(self, rule: str, figure: object = None) -> NoReturn:
        raise BadInput(self.pointer, rule, figure)

    def fields(self, required: str, optional: str = "") -> dict[str, Node]:
        """Return the fields of an object; names are given as words in a string."""
        if not isinstance(self.value, dict):
            self.refuse("must be an object", _kind(self.value))
        must, may = required.split(), optional.split()
        for name in self.value:
            if name not in must and name not in may:
                raise BadInput(f"{self.pointer}/{_escaped(name)}", "unknown field", name)
        for name in must:
            if name not in self.value:
                raise BadInput(f"{self.pointer}/{name}", "required field is missing")
        return {n: Node(v, f"{self.pointer}/{_escaped(n)}") for n, v in self.value.items()}

    def entries(self, *, max_items: int) -> dict[str, Node]:
        """Return an object's members where the keys are data, such as tenors."""
        if not isinstance(self.value, dict):
            self.refuse("must be an object", _kind(self.value))
        if len(self.value) > max_items:
            self.refuse(f"at most {max_items} entries", len(self.value))
        return {n: Node(v, f"{self.pointer}/{_escaped(n)}") for n, v in self.value.items()}

    def items(self, *, max_items: int, min_items: int = 0) -> Iterator[Node]:
        if not isinstance(self.value, list):
            self.refuse("must be an array", _kind(self.value))
        if len(self.value) > max_items:
            self.refuse(f"at most {max_items} items", len(self.value))
        if len(self.value) < min_items:
            self.refuse(f"at least {min_items} items", len(self.value))
        return (Node(value, f"{self.pointer}/{i}") for i, value in enumerate(self.value))

    def integer(self, at_least: int, at_most: int = MAX_INTEGER) -> int:
        if type(self.value) is not int:
            self.refuse("must be an integer", _kind(self.value))
        if not at_least <= self.value <= at_most:
            self.refuse(f"must lie between {at_least} and {at_most}", self.value)
        return self.value

    def text(self, *, max_length: int = MAX_ID) -> str:
        if not isinstance(self.value, str):
            self.refuse("must be a string", _kind(self.value))
        if not 1 <= len(self.value) <= max_length:
            self.refuse(f"must have 1 to {max_length} characters", len(self.value))
        if not self.value.isprintable():
            self.refuse("must hold printable characters only")
        return self.value

    def prose(self) -> str:
        """Return what people wrote, spaces of every script included."""
        if not isinstance(self.value, str):
            self.refuse("must be a string", _kind(self.value))
        Node("".join(self.value.split()), self.pointer).text()
        if len(self.value) > MAX_ID or any(ord(c) < ord(" ") for c in self.value):
            self.refuse(f"must have 1 to {MAX_ID} characters on one line", len(self.value))
        return self.value

    def choice(self, *allowed: str) -> str:
        if not isinstance(self.value, str) or self.value not in allowed:
            self.refuse(f"must be one of {', '.join(allowed)}", _short(self.value))
        return self.value

    def boolean(self) -> bool:
        if not isinstance(self.value, bool):
            self.refuse("must be true or false", _kind(self.value))
        return self.value

    def instant(self) -> datetime:
        """Return an RFC 3339 instant, aware and in UTC."""
        text = self.text(max_length=40)
        try:
            found = datetime.fromisoformat(text)
        except ValueError:
            self.refuse("must be an RFC 3339 instant", text)
        if found.utcoffset() != timedelta(0):
            self.refuse("must be in UTC", text)
        return found.astimezone(UTC)


def read_document(text: str | bytes) -> Node:
    """Parse one JSON document strictly.

    Raises:
        BadInput: it is no JSON, too deep, has a duplicate key, a float, NaN or half a character.

    """
    if isinstance(text, bytes):
        try:
            text = text.decode("utf-8")
        except UnicodeDecodeError as error:
            raise BadInput("", "must be UTF-8", f"byte {error.start}") from error
    _limit_depth(text)
    refused: list[_Refused] = []
    try:
        value = json.loads(
            text,
            object_pairs_hook=partial(_unique, refused),
            parse_float=partial(_no_float, refused),
            parse_constant=partial(_no_float, refused),
            parse_int=partial(_bounded_integer, refused),
        )
    except json.JSONDecodeError as error:
        found = f"line {error.lineno} column {error.colno}"
        raise BadInput("", f"must be JSON ({error.msg})", found) from error
    if refused or _HALF_WRITTEN.search(text):
        _refuse_first(Node(value, ""))
    return Node(value, "")


class _Refused(NamedTuple):
    """Stands where a value is that no document may hold; `name` is its place in there."""

    rule: str
    figure: str
    name: str | None = None


def _refuse_first(node: Node) -> None:
    """Refuse the first value in the order of the document that none may hold."""
    value, pointer = node.value, node.pointer
    if isinstance(value, _Refused):
        inside = "" if value.name is None else f"/{_escaped(value.name)}"
        raise BadInput(pointer + inside, value.rule, value.figure)
    if isinstance(value, str) and _HALF.search(value):
        raise BadInput(pointer, "must hold printable characters only", _short(value))
    if isinstance(value, dict):
        for name, part in value.items():
            _refuse_first(Node(name, pointer))
            _refuse_first(Node(part, f"{pointer}/{_escaped(name)}"))
    elif isinstance(value, list):
        for place, part in enumerate(value):
            _refuse_first(Node(part, f"{pointer}/{place}"))


def _limit_depth(text: str) -> None:
    depth = 0
    for bracket in _BRACKET.findall(_STRING.sub("", text)):
        if bracket in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise BadInput("", f"at most {MAX_DEPTH} levels of nesting")
        else:
            depth -= 1


def _unique(refused: list[_Refused], pairs: list[tuple[str, object]]) -> object:
    found: dict[str, object] = {}
    for name, value in pairs:
        if name in found:
            return _noted(refused, _Refused("duplicate key", name, name))
        found[name] = value
    return found


def _no_float(refused: list[_Refused], text: str) -> _Refused:
    return _noted(refused, _Refused("numbers must be integers", text[:40]))


def _bounded_integer(refused: list[_Refused], text: str) -> int | _Refused:
    digits = len(text.lstrip("-"))
    if digits > MAX_DIGITS:
        figure = f"{text[:12]}… ({digits} digits)"
        return _noted(refused, _Refused(f"integers have at most {MAX_DIGITS} digits", figure))
    return int(text)


def _noted(refused: list[_Refused], found: _Refused) -> _Refused:
    refused.append(found)
    return found


def _kind(value: object) -> str:
    names = {dict: "object", list: "array", str: "string", int: "integer", bool: "boolean"}
    return "null" if value is None else names.get(type(value), type(value).__name__)


def _short(value: object) -> str:
    return repr(value)[:60]


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")[:80]
