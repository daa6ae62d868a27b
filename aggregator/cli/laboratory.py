"""`aggregator clear` and `aggregator check`: mechanisms on files."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from aggregator.laboratory.clearing import (
    GuaranteeBroken,
    canonical_json,
    check_documents,
    clear_document,
    explain_document,
)
from aggregator.laboratory.reading import BadInput

MAX_BYTES = 1_000_000_000


def add_commands(commands: Any) -> None:  # the type is private to argparse
    clear = commands.add_parser(
        "clear",
        help="run a mechanism on one instance",
        description="Read one instance (JSON, - for standard input), clear it, print the result.",
    )
    clear.add_argument("file", help="the instance, or - for standard input")
    clear.add_argument("--explain", action="store_true", help="tell the result in words")
    clear.add_argument("--json", action="store_true", help="print one JSON document (the default)")
    clear.add_argument(
        "--format", choices=("json", "cats"), default="json", help="cats: auction test suite text"
    )
    clear.set_defaults(run=_clear)
    check = commands.add_parser(
        "check",
        help="check a result with the independent checker",
        description="Exit 3, naming the guarantee, when the result breaks one.",
    )
    check.add_argument("instance")
    check.add_argument("result")
    check.add_argument("--json", action="store_true", help="print one JSON document")
    check.set_defaults(run=_check)


def _clear(arguments: argparse.Namespace) -> int:
    try:
        text = _read(arguments.file)
        if arguments.format == "cats":
            text = _from_cats(text)
        if arguments.explain:
            print(explain_document(text))
        else:
            print(canonical_json(clear_document(text)))
    except BadInput as error:
        return _refused(error)
    return 0


def _check(arguments: argparse.Namespace) -> int:
    try:
        check_documents(_read(arguments.instance), _read(arguments.result))
    except BadInput as error:
        return _refused(error)
    except GuaranteeBroken as broken:
        if arguments.json:
            print(canonical_json({"holds": False, "broken": str(broken)}))
        else:
            print(f"broken: {broken}", file=sys.stderr)
        return 3
    print(canonical_json({"holds": True}) if arguments.json else "every guarantee holds")
    return 0


def _from_cats(text: bytes) -> bytes:
    from aggregator.laboratory.packages import from_cats  # the solver is loaded on demand

    return from_cats(text)


def _read(name: str) -> bytes:
    try:
        if name == "-":
            return sys.stdin.buffer.read(MAX_BYTES)
        path = Path(name)
        if path.stat().st_size > MAX_BYTES:
            raise BadInput("", f"at most {MAX_BYTES} bytes", path.stat().st_size)
        return path.read_bytes()
    except OSError as error:
        raise BadInput("", f"cannot read {name}", error.strerror) from error


def _refused(error: BadInput) -> int:
    print(f"refused: {error}", file=sys.stderr)
    return 1
