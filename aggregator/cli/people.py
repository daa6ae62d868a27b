"""`aggregator user`: the first person of an empty market; everyone else is registered inside."""

from __future__ import annotations

import argparse
import asyncio
import getpass
import sys
from typing import Any

from aggregator.app import database, market_on
from aggregator.errors import Conflict, InvalidField
from aggregator.parties.queries import organisations
from aggregator.parties.registering import found_operator
from aggregator.settings import load_settings


def add_commands(commands: Any) -> None:  # the type is private to argparse
    user = commands.add_parser("user", help="make the first person of an empty market")
    kinds = user.add_subparsers(title="kinds", required=True, metavar="KIND")
    operator = kinds.add_parser(
        "operator",
        help="make the market's operator, who registers everyone else",
        description="The password is asked for, or read from standard input.",
    )
    operator.add_argument("login", metavar="LOGIN", help="3 to 120 of a-z 0-9 . _ @ -")
    operator.add_argument("--name", default="市场运营", help="the operator's name on the pages")
    operator.set_defaults(run=_operator)


def _operator(arguments: argparse.Namespace) -> int:
    try:
        asyncio.run(_found(arguments.login, arguments.name, _password()))
    except InvalidField as error:
        print(f"aggregator: {error.pointer.lstrip('/')}: {error.rule}", file=sys.stderr)
        return 1
    except Conflict as error:
        print(f"aggregator: the market has an operator already: {error.reason}", file=sys.stderr)
        return 1
    print(f"{arguments.login} is the operator: log in and register the firms")
    return 0


def _password() -> str:
    if sys.stdin.isatty():
        return getpass.getpass("Password of the operator: ")
    return sys.stdin.readline().rstrip("\n")


async def _found(login: str, name: str, password: str) -> None:
    async with database(load_settings()) as found, market_on(found.dsn) as market:
        for view in await organisations():
            if view.kind == "operator":
                raise Conflict(view.name)
        await found_operator(market, login, password, name=name)
