"""`aggregator migrate`, `verify` and `settings`."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from dataclasses import asdict
from typing import Any

from aggregator.amounts import decimal_text
from aggregator.app import database, market_on
from aggregator.cli import auditing
from aggregator.ledger.trial import TrialBalance, TrialRow, TrialTotal, trial_balance
from aggregator.ledger.verifying import LedgerReport
from aggregator.ledger.verifying import verify as verify_ledger
from aggregator.prices.verifying import PriceReport
from aggregator.prices.verifying import verify as verify_prices
from aggregator.settings import describe, load_settings


def add_commands(commands: Any) -> None:  # the type is private to argparse
    migrate = commands.add_parser("migrate", help="bring the database's schema up to date")
    migrate.set_defaults(run=_migrate)
    verify = commands.add_parser("verify", help="recompute and compare")
    subjects = verify.add_subparsers(title="subjects", required=True, metavar="SUBJECT")
    ledger = subjects.add_parser(
        "ledger", help="recompute every balance from postings; exit 3 on any difference"
    )
    ledger.add_argument("--json", action="store_true", help="print one JSON document")
    ledger.set_defaults(run=_verify_ledger)
    prices = subjects.add_parser(
        "prices", help="recompute every published price from its deals; exit 3 on any difference"
    )
    prices.add_argument("--json", action="store_true", help="print one JSON document")
    prices.set_defaults(run=_verify_prices)
    auditing.add_bundle(subjects)
    settings = commands.add_parser("settings", help="list every setting and its value")
    settings.add_argument("--json", action="store_true", help="print one JSON document")
    settings.set_defaults(run=_settings)


def _migrate(_: argparse.Namespace) -> int:
    async def run() -> None:
        async with database(load_settings()):
            print("the schema is up to date")

    asyncio.run(run())
    return 0


def _verify_ledger(arguments: argparse.Namespace) -> int:
    report, trial = asyncio.run(_ledger_report())
    if arguments.json:
        found = [
            {"rule": d.rule, "id": d.id, "difference_minor": d.difference_minor}
            for d in report.differences
        ]
        counts = {
            "accounts": report.accounts,
            "transfers": report.transfers,
            "postings": report.postings,
        }
        print(json.dumps({**counts, "differences": found, "trial_balance": asdict(trial)}))
    else:
        print(
            f"{report.accounts} accounts, {report.transfers} transfers,"
            f" {report.postings} postings: {len(report.differences)} differences"
        )
        for row in trial.rows:
            print(_trial_line(row, row.purpose))
        for total in trial.totals:
            print(_trial_line(total, ""))
        for difference in report.differences:
            print(
                f"  {difference.id}: {difference.rule} ({difference.difference_minor})",
                file=sys.stderr,
            )
    return 3 if report.differences else 0


def _verify_prices(arguments: argparse.Namespace) -> int:
    report = asyncio.run(_price_report())
    if arguments.json:
        print(json.dumps(asdict(report)))
    else:
        counted = f"{report.publications} publications of {report.deals} deals"
        print(f"{counted}: {len(report.differences)} differences")
        for found in report.differences:
            told = f"{found.field} is {found.found}, recomputed {found.expected}"
            print(f"  {found.publication_id}: {told}", file=sys.stderr)
    return 3 if report.differences else 0


async def _price_report() -> PriceReport:
    async with database(load_settings()) as found, market_on(found.dsn):
        return await verify_prices()


def _trial_line(row: TrialRow | TrialTotal, purpose: str) -> str:
    columns = (row.debit_minor, row.credit_minor)
    shown = " ".join(f"{decimal_text(minor, row.currency):>20}" for minor in columns)
    return f"  {row.currency} {purpose:<10} {shown}"


async def _ledger_report() -> tuple[LedgerReport, TrialBalance]:
    async with database(load_settings()) as found, market_on(found.dsn):
        return await verify_ledger(), await trial_balance()


def _settings(arguments: argparse.Namespace) -> int:
    rows = describe(load_settings())
    if arguments.json:
        print(json.dumps({row.variable: row.value for row in rows}))
        return 0
    width = max(len(row.variable) for row in rows)
    for row in rows:
        print(f"{row.variable:<{width}}  {row.value:<28}  {row.meaning}")
    return 0
