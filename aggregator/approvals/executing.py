"""An approved act is carried out once, by its asker, under the terms that were approved.

The act's own transaction moves the request from approved to executed, so however often and
wherever this runs, it binds once. A refusal by the market ends the request as failed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from pydantic import TypeAdapter

from aggregator.auctions import bidding, opening
from aggregator.auctions import queries as auctions
from aggregator.errors import Conflict, DiskFull, MarketError, OutcomeUnknown, TryAgain
from aggregator.forwards import asking as strip_asking
from aggregator.forwards import clocking, countering, ordering, proposing
from aggregator.forwards import offering as strip_offering
from aggregator.forwards.plans import Change
from aggregator.journal.facts import json_text
from aggregator.journal.reading import Pool
from aggregator.mandates import secrecy
from aggregator.mandates.drawing import APPROVED
from aggregator.mandates.errors import ApprovalNotOpen
from aggregator.mandates.facts import ApprovalEnded
from aggregator.mandates.policies import stream_of
from aggregator.mandates.requesting import EXECUTE, approve
from aggregator.market import Actor, Answer, Command, Market, Outcome, Unit
from aggregator.parties.sessions import member
from aggregator.pools import answering, pledging, sending
from aggregator.refusals import Refusal, plain_figures, refusal_code
from aggregator.scheduler.timers import set_timer
from aggregator.supply import offering
from matching.auctions.refusals import BidEarly
from matching.errors import RuleViolation

T = TypeVar("T")
Terms = Mapping[str, Any]
Run = Callable[[Market, Actor, Command | None, str, Terms], Awaitable[Outcome]]

_NO_APPROVAL = "none"


async def _bid(
    market: Market, actor: Actor, command: Command | None, subject: str, terms: Terms
) -> Outcome:
    """Say what was approved in an auction: a demand, a package, up to a limit, or a price.

    Or open one, for the firm to buy in.
    """
    if _opens(terms):
        wanted = _read(opening.AuctionTerms, terms)
        return await opening.open_auction(market, actor, command, wanted)
    if "demand" in terms:
        return await bidding.place_demand(market, actor, command, subject, **terms)
    if "items" in terms:
        return await bidding.place_package(market, actor, command, subject, **terms)
    if "limit_minor" in terms:
        return await bidding.set_standing(market, actor, command, subject, **terms)
    return await bidding.place_bid(market, actor, command, subject, **terms)


async def _pledge(
    market: Market, actor: Actor, command: Command | None, subject: str, terms: Terms
) -> Outcome:
    """Join a pool, by a request or not, change what was pledged, or take freed lots."""
    if "freed" in terms:
        return await answering.accept(
            market, actor, command, subject, terms["freed"], only_offer=terms["only_offer"]
        )
    if "pledge_id" in terms:
        change = _read(pledging.PledgeChange, _without(terms, "pledge_id"))
        return await pledging.change(market, actor, command, subject, terms["pledge_id"], change)
    wanted = _read(pledging.PledgeTerms, _without(terms, "request_id"))
    if "request_id" not in terms:
        return await pledging.pledge(market, actor, command, subject, wanted)
    return await sending.send(
        market,
        actor,
        command,
        terms["request_id"],
        subject,
        size_lots=wanted.size_lots,
        agrees_to_prolong=wanted.agrees_to_prolong,
        only_as=wanted,
    )


async def _order(
    market: Market, actor: Actor, command: Command | None, subject: str, terms: Terms
) -> Outcome:
    """Order, take agreed terms beyond an order's limit, or change a contract's slot."""
    if "order" in terms:
        return await strip_asking.approve(
            market, actor, command, subject, terms["order"], terms_sha256=terms["terms_sha256"]
        )
    if "change" in terms:
        change = _read(Change, terms["change"])
        return await proposing.propose(
            market, actor, command, subject, change, terms["to"], only_as=terms["terms_sha256"]
        )
    if "terms_sha256" in terms:
        return await proposing.consent(market, actor, command, subject, **terms)
    wanted = _read(ordering.OrderTerms, terms)
    return await ordering.place_order(market, actor, command, subject, wanted)


async def _strip_offer(
    market: Market, actor: Actor, command: Command | None, subject: str, terms: Terms
) -> Outcome:
    """Offer in a window, say what one delivers in a clock's round, or accept what was proposed."""
    if "only_round" in terms:
        return await clocking.supply(market, actor, command, subject, **terms)
    if "number" in terms:
        return await countering.accept(market, actor, command, subject, **terms)
    wanted = _read(strip_offering.OfferTerms, terms)
    return await strip_offering.place_offer(market, actor, command, subject, wanted)


async def _offer(
    market: Market, actor: Actor, command: Command | None, _: str, terms: Terms
) -> Outcome:
    wanted = _read(offering.OfferTerms, terms)
    return await offering.publish_offer(market, actor, command, wanted)


RUNS: Mapping[str, Run] = {
    "auctions.bid": _bid,
    "forwards.offer": _strip_offer,
    "forwards.order": _order,
    "pools.pledge": _pledge,
    "supply.offer": _offer,
}


async def rehearse(market: Market, actor: Actor, act: str, subject: str, terms: Terms) -> int:
    """Refuse what could not be carried out if it were approved now; nothing is done.

    What it would bind the firm to is returned. A word in an auction may be asked for before that
    opens, and is looked at no further then.

    The act is tried under an approval that is not there, which is what refuses it when no other
    rule does. Whether its deposit is available counts when it is carried out.

    Raises:
        Conflict: it would change nothing.
        RuleViolation, MarketError: what the act raises.

    """
    trying = replace(actor, grants=actor.grants | {f"{APPROVED}{_NO_APPROVAL}"})
    try:
        await RUNS[act](market, trying, None, subject, terms)
    except ApprovalNotOpen as tried:
        return tried.asked_minor
    except BidEarly:
        return 0
    raise Conflict("nothing_to_approve")


async def approve_and_execute(
    market: Market, actor: Actor, command: Command, approval_id: str, *, fingerprint: str
) -> Outcome:
    """Say yes as `requesting.approve`; after the last yes the act is carried out at once."""
    outcome = await approve(market, actor, command, approval_id, fingerprint=fingerprint)
    if outcome.answer["state"] == "approved":
        await execute(market, approval_id)
    return outcome


async def execute(market: Market, approval_id: str) -> None:
    """Carry out an approved request; one that is no longer approved is left alone."""
    found = await Pool().rows("select * from approval where id = $1", approval_id)
    if not found or found[0]["state"] not in ("approved", "executed") or found[0]["outcome"]:
        return
    row = secrecy.readable(found[0])
    if await _is_early(market, row):
        return
    try:
        actor = await _asker(row)
        command = Command.of(f"{APPROVED}{approval_id}", bytes(row["fingerprint"]).hex())
        done = await RUNS[row["act"]](market, actor, command, row["subject"], row["terms"])
    except (TryAgain, OutcomeUnknown, DiskFull):
        return  # the timer comes again, and the command is answered once
    except (RuleViolation, MarketError) as refusal:
        await _note(market, row, refusal)
    else:
        await _note(market, row, done.answer)


async def _is_early(market: Market, row: Mapping[str, Any]) -> bool:
    """Tell whether an auction has yet to open, and ring again then."""
    if row["act"] != "auctions.bid" or _opens(row["terms"]):
        return False
    opens_at = await auctions.opens_at(row["subject"])

    async def step(unit: Unit) -> Answer:
        await set_timer(unit, EXECUTE, row["id"], opens_at)
        return {}

    if market.clock.now() >= opens_at:
        return False
    await market.perform(Actor.SYSTEM, EXECUTE, step)
    return True


async def _asker(row: Mapping[str, Any]) -> Actor:
    """Return the asker with the roles of this moment, acting under the approval."""
    actor = await member(row["asked_by"], row["organisation_id"])
    return replace(actor, grants=actor.grants | {f"{APPROVED}{row['id']}"})


async def _note(market: Market, row: Mapping[str, Any], result: Refusal | Answer) -> None:
    """Keep what came of the act with its request."""
    is_done = isinstance(result, dict)
    kept = result if isinstance(result, dict) else _refused(result)

    async def step(unit: Unit) -> Answer:
        noted = await unit.row(
            "update approval set outcome = $2::jsonb,"
            " state = case when state = 'approved' then 'failed' else state end"
            " where id = $1 and outcome is null and state = $3 returning state",
            row["id"],
            json_text(secrecy.sealed(kept)),
            "executed" if is_done else "approved",
        )
        if noted is not None:
            reason = "" if is_done else kept["code"]
            firm, asker = row["organisation_id"], row["asked_by"]
            fact = ApprovalEnded(firm, row["id"], asker, noted["state"], reason)
            await unit.record(stream_of(firm), fact)
        return {}

    stream = stream_of(row["organisation_id"])
    await market.perform(Actor.SYSTEM, "approvals.execute", step, stream=stream)


def _opens(terms: Terms) -> bool:
    """Tell a purchase that is to be opened from a word in an auction: it says when it closes."""
    return "closes_at" in terms


def _refused(refusal: Refusal) -> Answer:
    return {"code": refusal_code(refusal), "figures": plain_figures(refusal)}


def _without(terms: Terms, name: str) -> Terms:
    return {key: value for key, value in terms.items() if key != name}


def _read(cls: type[T], terms: Mapping[str, Any]) -> T:
    found: T = TypeAdapter(cls).validate_python(dict(terms))
    return found
