"""A request becomes a pledge, and hears what came of it."""

from __future__ import annotations

from aggregator.demand import sending as demand
from aggregator.demand import store as requests
from aggregator.demand.terms import RequestTerms
from aggregator.demand.withdrawing import withdraw_within as withdraw_request_within
from aggregator.errors import Conflict, InvalidField, WrongState
from aggregator.market import Actor, Answer, Command, Market, Outcome, Unit
from aggregator.pools import store
from aggregator.pools.errors import RequestNotForPool
from aggregator.pools.facts import (
    PledgeChanged,
    PledgesLeftOut,
    PledgeWithdrawn,
    PoolAwarded,
    PoolLapsed,
)
from aggregator.pools.pledging import PledgeTerms, perform_in, pledge_within, withdraw_within


async def send(
    market: Market,
    actor: Actor,
    command: Command | None,
    request_id: str,
    pool_id: str,
    *,
    size_lots: int | None = None,
    agrees_to_prolong: bool = False,
    only_as: PledgeTerms | None = None,
) -> Outcome:
    """Send a draft to a pool of its cell, as a binding pledge; with `only_as` as this one alone.

    Raises:
        NotFound: no such request of the actor's firm, or no such pool.
        WrongState: the request is no draft.
        Conflict: it asks for something else than `only_as` by now.
        InvalidField: the request has no limit yet.
        RequestNotForPool: the pool's instrument, region or month is another.
        PoolIsClosed and what else `pledging.pledge` raises.

    """

    async def step(unit: Unit) -> Answer:
        found = await requests.own(actor.organisation_id, request_id, unit)
        if found.state != requests.DRAFT:
            raise WrongState(found.state, requests.DRAFT)
        terms = found.terms
        wanted = pledge_terms(terms, size_lots, agrees_to_prolong=agrees_to_prolong)
        if only_as not in (None, wanted):
            raise Conflict("request_changed")
        pool = await store.load(unit, pool_id)
        if not terms.covers(pool.cell):
            window = (terms.instrument_id, terms.region, terms.first_tenor, terms.last_tenor)
            raise RequestNotForPool(*window, str(pool.cell))
        answer = await pledge_within(unit, pool_id, wanted)
        await demand.sent(unit, request_id, pool_id, answer["pledge_id"])
        return {"request_id": request_id, **answer}

    await requests.own(actor.organisation_id, request_id)
    return await perform_in(market, actor, command, pool_id, step)


def pledge_terms(
    terms: RequestTerms, size_lots: int | None, *, agrees_to_prolong: bool
) -> PledgeTerms:
    """Return the pledge that a request becomes.

    Raises:
        InvalidField: the request has no limit yet.

    """
    if terms.limit_minor is None:
        raise InvalidField("/limit", "needed before it is sent")
    return PledgeTerms(
        lots=terms.lots,
        limit_minor=terms.limit_minor,
        tolerance_lots=terms.tolerance_lots,
        freight_minor=terms.freight_minor,
        size_lots=size_lots,
        agrees_to_prolong=agrees_to_prolong,
    )


async def withdraw_request(
    market: Market, actor: Actor, command: Command, request_id: str
) -> Outcome:
    """Take a request back, and its pledge with it while the pool gathers.

    Raises:
        NotFound: no such request of the actor's firm.
        WrongState: it is bought or withdrawn.
        NoLeavingInFirming, PoolIsClosed: its pledge is bound.

    """

    async def step(unit: Unit) -> Answer:
        found = await requests.own(actor.organisation_id, request_id, unit)
        answer = await withdraw_request_within(unit, request_id)
        if found.state == requests.SENT:
            assert found.pool_id is not None
            assert found.pledge_id is not None
            await withdraw_within(unit, found.pool_id, found.pledge_id)
        return answer

    actor.require(requests.ACT)
    found = await requests.own(actor.organisation_id, request_id)
    # A pledge is left in the order of its pool, a draft in its own.
    stream = requests.stream_of(request_id)
    if found.state == requests.SENT:
        assert found.pool_id is not None
        stream = store.stream_of(found.pool_id)
    return await market.perform(actor, requests.ACT, step, command=command, stream=stream)


async def on_pledge_changed(unit: Unit, fact: PledgeChanged) -> None:
    """Let the request of a pledge ask for what the pledge asks for now."""
    await demand.changed(
        unit,
        fact.pledge_id,
        lots=fact.lots,
        tolerance_lots=fact.tolerance_lots,
        limit_minor=fact.limit_minor,
        freight_minor=fact.freight_minor,
    )


async def on_pledge_withdrawn(unit: Unit, fact: PledgeWithdrawn) -> None:
    """Let the request of a pledge that left be a draft again."""
    await demand.reopened(unit, fact.pledge_id)


async def on_left_out(unit: Unit, fact: PledgesLeftOut | PoolLapsed) -> None:
    """Let the requests of pledges that got nothing be drafts again."""
    for left in fact.left_out:
        await demand.reopened(unit, left.pledge_id)


async def on_pool_awarded(unit: Unit, fact: PoolAwarded) -> None:
    """Note which requests became deals."""
    for award in fact.awards:
        await demand.bought(unit, award.pledge_id, award.deal_id)
