"""Whose deal it is: its two parties see it, to everybody else it does not exist."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from aggregator.deals.store import Deal, load, locked, stream_of
from aggregator.errors import InvalidField, NotAllowed, NotFound
from aggregator.journal.reading import Pool, Reader
from aggregator.market import Actor, Answer, Command, Market, Outcome, Unit
from aggregator.parties.membership import require_outsider


async def stream_for(actor: Actor, act: str, deal_id: str) -> str:
    """Return the stream of a deal that the actor is a party to.

    Asked before the turnstile, so that an unknown id opens no stream.

    Raises:
        NotAllowed: the actor's roles do not hold `act`.
        NotFound: no such deal, or the actor is no party to it.

    """
    actor.require(act)
    await party_deal(Pool(), actor, deal_id)
    return stream_of(deal_id)


async def party_deal(reader: Reader, actor: Actor, deal_id: str) -> Deal:
    """Return a deal for reading by one of its parties, or raise NotFound."""
    deal = await load(reader, deal_id)
    check_party(deal, actor)
    return deal


async def check_counterparty(actor: Actor, organisation_id: str) -> None:
    """Raise NotFound unless the actor's firm has a deal with another one."""
    found = await Pool().rows(
        "select from deal where (buyer_id, seller_id) in (($1, $2), ($2, $1)) limit 1",
        actor.organisation_id,
        organisation_id,
    )
    if not found:
        raise NotFound("organisation")


async def check_counterparties(
    actor: Actor, organisation_ids: Sequence[str], *, pointer: str
) -> None:
    """Refuse the first that the actor's firm has no deal with, whether or not there is such a firm.

    Raises:
        InvalidField: that one, by its place below `pointer`.

    """
    for place, organisation_id in enumerate(organisation_ids):
        try:
            await check_counterparty(actor, organisation_id)
        except NotFound as error:
            rule = "a firm that one has a deal with"
            raise InvalidField(f"{pointer}/{place}", rule, organisation_id[:60]) from error


async def as_buyer(unit: Unit, deal_id: str, act: str) -> Deal:
    """Return the locked deal for an act that is its buyer's.

    Raises:
        NotFound: no such deal, or the actor is no party to it.
        NotAllowed: the actor is of the seller.

    """
    deal = await as_party(unit, deal_id)
    if unit.actor is not Actor.SYSTEM and unit.actor.organisation_id != deal.buyer_id:
        raise NotAllowed(act)
    return deal


async def as_seller(unit: Unit, deal_id: str, act: str) -> Deal:
    """Return the locked deal for an act that is its seller's; raises as `as_buyer` does."""
    deal = await as_party(unit, deal_id)
    if unit.actor is not Actor.SYSTEM and unit.actor.organisation_id != deal.seller_id:
        raise NotAllowed(act)
    return deal


async def as_party(unit: Unit, deal_id: str) -> Deal:
    """Return the locked deal for an act of either side, or raise NotFound."""
    deal = await locked(unit, deal_id)
    check_party(deal, unit.actor)
    return deal


def check_party(deal: Deal, actor: Actor) -> None:
    """Raise NotFound unless the actor is of one side, or the market itself."""
    if actor is Actor.SYSTEM:
        return
    if actor.organisation_id not in (deal.buyer_id, deal.seller_id):
        raise NotFound("deal")


async def decide_for_market(
    market: Market,
    actor: Actor,
    command: Command,
    act: str,
    deal_id: str,
    *,
    about: Answer,
    lots: int,
    decide: Callable[[Unit, Deal], Awaitable[None]],
) -> Outcome:
    """Carry out what the operator decided about `lots` of a deal; `about` names the matter.

    He decides about quantities and is told of nothing else: amounts are the parties' own. Who is
    in one of the two firms, or in a sister of one, decides nothing between them.

    Raises:
        Conflict: the actor is.

    """

    async def step(unit: Unit) -> Answer:
        deal = await locked(unit, deal_id)
        await require_outsider(unit, deal.buyer_id, deal.seller_id)
        await decide(unit, deal)
        return {**about, "deal_id": deal_id, "lots": lots}

    return await market.perform(actor, act, step, command=command, stream=stream_of(deal_id))
