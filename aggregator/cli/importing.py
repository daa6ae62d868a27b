"""`aggregator import`: a spreadsheet of requests or offers, for a person of a firm."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from aggregator import vault
from aggregator.app import database, market_on
from aggregator.errors import MarketError
from aggregator.importing.bringing import bring_in
from aggregator.importing.kinds import Kind
from aggregator.importing.previewing import KINDS, Preview, preview
from aggregator.market import Actor, Answer, Command, Market
from aggregator.parties.sessions import member_of_login
from aggregator.refusals import plain_figures, refusal_code
from aggregator.settings import load_settings
from aggregator.spreadsheets.tables import MAX_BYTES
from matching.errors import RuleViolation

DONE, REFUSED = 0, 1


def add_commands(commands: Any) -> None:  # the type is private to argparse
    parser = commands.add_parser(
        "import",
        help="import requests or offers from a CSV or XLSX file, all of it or nothing",
        description="The person's roles and mandate hold as on the pages.",
    )
    parser.add_argument("kind", choices=sorted(KINDS), metavar="KIND", help=", ".join(KINDS))
    parser.add_argument("path", metavar="PATH", help="the file")
    parser.add_argument(
        "--as", dest="login", required=True, metavar="LOGIN", help="the person who imports"
    )
    parser.add_argument(
        "--organisation", metavar="ID", help="the firm, of a person who is in several"
    )
    parser.add_argument("--preview", action="store_true", help="tell what it means, make nothing")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.set_defaults(run=_import)


def _import(arguments: argparse.Namespace) -> int:
    try:
        with Path(arguments.path).open("rb") as file:
            content = file.read(MAX_BYTES + 1)
        told = asyncio.run(_run(arguments, content))
    except OSError as error:
        print(f"aggregator: {arguments.path}: {error.strerror}", file=sys.stderr)
        return REFUSED
    except (MarketError, RuleViolation) as refusal:
        told = {"code": refusal_code(refusal), "figures": plain_figures(refusal)}
    if arguments.json:
        print(json.dumps(told, ensure_ascii=False, default=str))
    else:
        _print(told)
    return DONE if "code" not in told and not told.get("faults") else REFUSED


async def _run(arguments: argparse.Namespace, content: bytes) -> Answer:
    kind, settings = KINDS[arguments.kind], load_settings()
    # What waits for an approval is sealed with the installation's keys.
    vault.install(settings.data_dir)
    async with database(settings) as found, market_on(found.dsn) as market:
        actor = await member_of_login(arguments.login, arguments.organisation)
        print(f"reading {len(content)} bytes", file=sys.stderr)
        shown = await preview(market, actor, kind, content)
        if shown.reading.faults or arguments.preview:
            return told_of(kind, shown)
        print(f"importing {len(shown.reading.items)} {kind.name}", file=sys.stderr)
        return await _bring_in(market, actor, kind, content, shown)


async def _bring_in(
    market: Market, actor: Actor, kind: Kind, content: bytes, shown: Preview
) -> Answer:
    command = Command.of(market.ids.new("import"), shown.digest)
    done = await bring_in(
        market, actor, command, kind, content, digest=shown.digest, ends_at=shown.ends_at
    )
    return done.answer


def told_of(kind: Kind, shown: Preview) -> Answer:
    """Return a preview as a program reads it."""
    return {
        "kind": kind.name,
        "sheet": shown.reading.sheet,
        "rows": shown.reading.rows,
        "items": [
            {"rows": list(item.rows), "meaning": dict(item.meaning)} for item in shown.reading.items
        ],
        "faults": [
            {
                "row": fault.row,
                "column": fault.column,
                "header": fault.header,
                "code": refusal_code(fault.refusal),
                "figures": plain_figures(fault.refusal),
            }
            for fault in shown.reading.faults
        ],
        "earlier": shown.earlier,
    }


def _print(told: Answer) -> None:
    if "code" in told:
        print(f"aggregator: {told['code']}: {told['figures']}", file=sys.stderr)
    elif "import_id" in told:
        print(f"{told['import_id']}: {told['made']} made, {told['asked']} of them to be approved")
    else:
        for fault in told["faults"]:
            figures = fault["figures"]
            why = figures.get("rule") or fault["code"]
            print(f"{fault['column']}{fault['row']} {fault['header']}: {why}", file=sys.stderr)
        print(f"{told['rows']} rows, {len(told['items'])} {told['kind']} sound, nothing imported")
