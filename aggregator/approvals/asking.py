"""Asking with the terms that the act itself takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic import TypeAdapter

from aggregator.approvals.executing import rehearse
from aggregator.auctions import sealing
from aggregator.auctions.sealing import SealedRefusal
from aggregator.errors import (
    DiskFull,
    InvalidField,
    MarketError,
    OutcomeUnknown,
    RecordedRefusal,
    TryAgain,
)
from aggregator.mandates.requesting import Asking, ask
from aggregator.market import Actor, Command, Market, Outcome
from aggregator.refusals import Refusal
from matching.errors import RuleViolation


@dataclass(frozen=True, slots=True)
class Wanted:
    """The terms of an act as its use case takes them, and their total at the worst price.

    Without a total it is what the act itself, when it is rehearsed, says it would bind to.
    """

    terms: object
    amount_minor: int | None = None


async def ask_for(
    market: Market, actor: Actor, command: Command, wanted: Wanted, **about: str
) -> Outcome:
    """Ask as `requesting.ask`; `about` are its act, subject, currency and note.

    What could not be carried out is refused by the rule that says so, at its place in `/terms`,
    and the refusal is kept as any.
    """
    terms, known_minor = terms_of(wanted.terms), wanted.amount_minor
    asking = Asking(terms=terms, amount_minor=known_minor or 1, **about)
    command = sealing.fingerprinted(command)
    try:
        needed_minor = await rehearse(market, actor, asking.act, asking.subject, terms)
    except (TryAgain, OutcomeUnknown, DiskFull):
        raise
    except (RuleViolation, MarketError) as refusal:
        return await _refused(market, actor, command, asking, refusal)
    if known_minor is None:
        asking = replace(asking, amount_minor=needed_minor)
    return await ask(market, actor, command, asking)


async def _refused(
    market: Market, actor: Actor, command: Command, asking: Asking, refusal: Refusal
) -> Outcome:
    """Refuse, or answer what the command was answered before."""
    if isinstance(refusal, InvalidField):
        refusal = replace(refusal, pointer=f"/terms{refusal.pointer}")
    # A bid's figures are nobody's but its bidder's, also where they are refused.
    is_secret = asking.act == "auctions.bid"
    kept = sealing.sealed_refusal(refusal) if is_secret else refusal
    try:
        return await ask(market, actor, command, asking, refusal=kept)
    except SealedRefusal as sealed:
        raise sealed.refusal from None
    except RecordedRefusal as again:
        raise sealing.readable_refusal(again) from None


def terms_of(value: object) -> Mapping[str, Any]:
    """Return terms as JSON that `executing` reads back."""
    if isinstance(value, dict):
        return value
    found: Mapping[str, Any] = TypeAdapter(type(value)).dump_python(value, mode="json")
    return found
