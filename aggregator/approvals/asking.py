"""Asking with the terms that the act itself takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter

from aggregator.auctions import sealing
from aggregator.mandates.requesting import Asking, ask
from aggregator.market import Actor, Command, Market, Outcome


@dataclass(frozen=True, slots=True)
class Wanted:
    """The terms of an act as its use case takes them, and their total at the worst price."""

    terms: object
    amount_minor: int


async def ask_for(
    market: Market, actor: Actor, command: Command, wanted: Wanted, **about: str
) -> Outcome:
    """Ask as `requesting.ask`; `about` are its act, subject, currency and note."""
    asking = Asking(terms=terms_of(wanted.terms), amount_minor=wanted.amount_minor, **about)
    return await ask(market, actor, sealing.fingerprinted(command), asking)


def terms_of(value: object) -> Mapping[str, Any]:
    """Return terms as JSON that `executing` reads back."""
    if isinstance(value, dict):
        return value
    found: Mapping[str, Any] = TypeAdapter(type(value)).dump_python(value, mode="json")
    return found
