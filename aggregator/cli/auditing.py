"""`aggregator export auction`, `verify bundle` and `replay`: results for others to check."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from aggregator import vault
from aggregator.app import database, market_on
from aggregator.auctions import bundle, replaying
from aggregator.auctions.bundle import Reading
from aggregator.errors import MarketError
from aggregator.laboratory.bundle import Report, verify_bundle
from aggregator.laboratory.pool_evidence import verify_pool
from aggregator.settings import load_settings
from matching.clearing.form import GuaranteeBroken

# The most records that a bundle may have fill about half of it; read, each byte may take 30.
MAX_BYTES = 200_000_000
REFUSED, VIOLATED = 1, 3


def add_commands(commands: Any) -> None:  # the type is private to argparse
    export = commands.add_parser("export", help="write what others may check")
    subjects = export.add_subparsers(title="subjects", required=True, metavar="SUBJECT")
    auction = subjects.add_parser(
        "auction",
        help="write the verification bundle of an auction that is over",
        description="Its record, opened as far as the disclosure rule allows, signed.",
    )
    auction.add_argument("id", metavar="ID")
    auction.add_argument("-o", "--output", metavar="PATH", help="without it, standard output")
    auction.add_argument(
        "--for",
        dest="reader",
        default=bundle.PUBLIC,
        metavar="READER",
        help="public (default), owner, operator, auditor, or the id of a firm",
    )
    auction.set_defaults(run=_export_auction)
    replay = commands.add_parser(
        "replay",
        help="play auctions again from the journal; exit 3 on any difference",
    )
    replay.add_argument("ids", nargs="*", metavar="ID", help="auctions; without any, all of them")
    replay.add_argument("--json", action="store_true", help="print one JSON document")
    replay.set_defaults(run=_replay)


def add_bundle(subjects: Any) -> None:
    """Add `verify bundle`, which needs neither database nor network."""
    parser = subjects.add_parser(
        "bundle", help="check a verification bundle; exit 3 if anything in it does not hold"
    )
    parser.add_argument("path", metavar="PATH")
    parser.add_argument("--key", metavar="HEX", help="the market's published key")
    parser.add_argument(
        "--receipt",
        dest="receipts",
        action="append",
        default=[],
        metavar="HEX",
        help="the hash of a receipt, which one's own bundle must hold; may be given again",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.set_defaults(run=_verify_bundle)
    pool = subjects.add_parser(
        "pool", help="check the evidence of a pool's close; exit 3 if anything in it does not hold"
    )
    pool.add_argument("path", metavar="PATH")
    pool.set_defaults(run=_verify_pool)


def _export_auction(arguments: argparse.Namespace) -> int:
    try:
        raw = asyncio.run(_exported(arguments.id, _reading(arguments.reader)))
    except MarketError as error:
        print(f"refused: {error}", file=sys.stderr)
        return REFUSED
    if arguments.output is None:
        sys.stdout.buffer.write(raw)
        return 0
    try:
        Path(arguments.output).write_bytes(raw)
    except OSError as error:
        print(f"refused: cannot write {arguments.output}: {error.strerror}", file=sys.stderr)
        return REFUSED
    return 0


def _reading(reader: str) -> Reading:
    if reader in (bundle.PUBLIC, bundle.OWNER, bundle.OPERATOR, bundle.AUDITOR):
        return Reading(reader)
    return Reading(bundle.BIDDER, reader)


async def _exported(auction_id: str, reading: Reading) -> bytes:
    settings = load_settings()
    async with database(settings) as found, market_on(found.dsn):
        vault.install(settings.data_dir)
        return await bundle.bundle(auction_id, reading)


def _verify_bundle(arguments: argparse.Namespace) -> int:
    raw = _read(arguments.path)
    if raw is None:
        return REFUSED
    try:
        report = verify_bundle(raw, arguments.key, arguments.receipts)
    except GuaranteeBroken as broken:
        if arguments.json:
            print(json.dumps({"holds": False, "broken": str(broken)}))
        else:
            print(f"broken: {broken}", file=sys.stderr)
        return VIOLATED
    print(json.dumps({"holds": True, **asdict(report)}) if arguments.json else _told(report))
    return 0


def _verify_pool(arguments: argparse.Namespace) -> int:
    raw = _read(arguments.path)
    if raw is None:
        return REFUSED
    try:
        report = verify_pool(raw)
    except GuaranteeBroken as broken:
        print(f"broken: {broken}", file=sys.stderr)
        return VIOLATED
    print(f"{report.pools} pools and {report.divisions} divisions of them hold")
    return 0


def _read(name: str) -> bytes | None:
    """Return a file's bytes; None, and a word why, where it cannot be read."""
    try:
        path = Path(name)
        if path.stat().st_size > MAX_BYTES:
            print(f"refused: at most {MAX_BYTES} bytes", file=sys.stderr)
            return None
        return path.read_bytes()
    except OSError as error:
        print(f"refused: cannot read {name}: {error.strerror}", file=sys.stderr)
        return None


def _told(report: Report) -> str:
    lines = [
        f"{report.auction_id}: {report.records} records lead to {report.head}",
        f"signed with {report.key}: compare it with the key that the market publishes",
        f"{report.opened} records are open to this reader ({report.audience}) and unaltered",
    ]
    if report.receipts:
        lines.append(f"{report.receipts} receipts stand in it as bids of this reader")
    if report.replayed:
        lines.append("the result was computed again from all bids and follows from the rules")
    else:
        lines.append(
            "the rules hide bids from this reader: that they were worse than the winning ones is"
            " proved only to whom they are open"
        )
    return "\n".join(lines)


def _replay(arguments: argparse.Namespace) -> int:
    try:
        found = asyncio.run(_replayed(arguments.ids))
    except MarketError as error:
        print(f"refused: {error}", file=sys.stderr)
        return REFUSED
    differences = [one for one in found if one.difference]
    if arguments.json:
        print(json.dumps([asdict(one) for one in found]))
    else:
        for one in found:
            # What was only checked was not the same again.
            told = one.checked or "the same again"
            if one.difference:
                told = "; ".join(filter(None, (f"differs: {one.difference}", one.checked)))
            print(f"{one.auction_id}: {one.facts} facts, {one.state}: {told}")
    return VIOLATED if differences else 0


async def _replayed(auction_ids: list[str]) -> list[replaying.Replayed]:
    settings = load_settings()
    async with database(settings) as found, market_on(found.dsn):
        vault.install(settings.data_dir)
        chosen = auction_ids or await replaying.all_auctions()
        return [await replaying.replay(auction_id) for auction_id in chosen]
