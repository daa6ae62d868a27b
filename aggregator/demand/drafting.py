"""Writing needs down: drafts and templates, changes and copies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from aggregator.catalogue.tenors import checked_tenor
from aggregator.demand import store
from aggregator.demand.facts import RequestChanged, RequestDrafted
from aggregator.demand.terms import RequestTerms, check_terms, months_between, months_later
from aggregator.market import Actor, Answer, Command, Market, Outcome, Unit

AT_ONCE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestChange:
    """What is to be different; None leaves it as it is."""

    first_tenor: str | None = None
    last_tenor: str | None = None
    lots: int | None = None
    tolerance_lots: int | None = None
    limit_minor: int | None = None
    freight_minor: int | None = None
    place: str | None = None
    payment: str | None = None
    credit_days: int | None = None


async def draft(market: Market, actor: Actor, command: Command, terms: RequestTerms) -> Outcome:
    """Write a need down; nobody else learns of it.

    Raises:
        NotFound: there is no such instrument.
        InvalidField: a term breaks its rule.

    """
    return await _draft(market, actor, command, terms, store.DRAFT)


async def keep_template(
    market: Market, actor: Actor, command: Command, terms: RequestTerms
) -> Outcome:
    """Write a template down, of which drafts are copied; raises as `draft` does."""
    return await _draft(market, actor, command, terms, store.TEMPLATE)


async def copy(
    market: Market, actor: Actor, command: Command, request_id: str, first_tenor: str | None = None
) -> Outcome:
    """Draft anew what a request or template asks for, its window beginning with `first_tenor`.

    Raises:
        NotFound: no such request of the actor's firm.
        InvalidField: the months of the copy are over.

    """

    async def step(unit: Unit) -> Answer:
        found = await store.own(actor.organisation_id, request_id, unit)
        terms = moved(found.terms, first_tenor or found.terms.first_tenor)
        await check_terms(unit, terms)
        return await draft_within(
            unit, actor.organisation_id, terms, store.DRAFT, copied_from=request_id
        )

    return await market.perform(actor, store.ACT, step, command=command)


async def change(
    market: Market, actor: Actor, command: Command, request_id: str, wanted: RequestChange
) -> Outcome:
    """Change a draft or a template.

    Raises:
        NotFound: no such request of the actor's firm.
        WrongState: it was sent, bought or withdrawn.
        InvalidField: a term breaks its rule.

    """

    async def step(unit: Unit) -> Answer:
        found = await store.locked(unit, request_id, store.DRAFT, store.TEMPLATE)
        given = {name: getattr(wanted, name) for name in RequestChange.__slots__}
        terms = replace(found.terms, **{k: v for k, v in given.items() if v is not None})
        if wanted.payment not in (None, "credit") and wanted.credit_days is None:
            terms = replace(terms, credit_days=0)
        await check_terms(unit, terms, is_template=found.state == store.TEMPLATE)
        if terms != found.terms:
            await store.write_terms(unit, request_id, terms)
            fact = RequestChanged(request_id, found.organisation_id, terms)
            await unit.record(store.stream_of(request_id), fact)
        return {"request_id": request_id, "state": found.state}

    stream = await own_stream(actor, request_id)
    return await market.perform(actor, store.ACT, step, command=command, stream=stream)


async def own_stream(actor: Actor, request_id: str) -> str:
    """Return the stream of an own request; an unknown id must not leave one behind."""
    actor.require(store.ACT)
    await store.own(actor.organisation_id, request_id)
    return store.stream_of(request_id)


async def draft_within(
    unit: Unit,
    organisation_id: str,
    terms: RequestTerms,
    state: str,
    *,
    copied_from: str | None = None,
) -> Answer:
    """Write a firm's request down in the caller's transaction; terms are checked by then."""
    request_id = await store.insert(unit, organisation_id, terms, state, copied_from)
    is_template = state == store.TEMPLATE
    fact = RequestDrafted(request_id, organisation_id, is_template, copied_from, terms)
    await unit.record(store.stream_of(request_id), fact)
    return {"request_id": request_id, "state": state}


async def draft_all(unit: Unit, organisation_id: str, wanted: Sequence[RequestTerms]) -> list[str]:
    """Write a firm's drafts down and return their ids; terms are checked by then.

    Thousands are written some at a time, so that others are served between.
    """
    ids = []
    for first in range(0, len(wanted), AT_ONCE):
        ids += await _draft_some(unit, organisation_id, wanted[first : first + AT_ONCE])
    return ids


async def _draft_some(
    unit: Unit, organisation_id: str, wanted: Sequence[RequestTerms]
) -> list[str]:
    ids = await store.insert_all(unit, organisation_id, wanted, store.DRAFT)
    await unit.lock_all([store.stream_of(request_id) for request_id in ids])
    is_template = False
    for request_id, terms in zip(ids, wanted, strict=True):
        fact = RequestDrafted(request_id, organisation_id, is_template, None, terms)
        unit.note(store.stream_of(request_id), [fact])
    await unit.write_noted()
    return ids


def moved(terms: RequestTerms, first_tenor: str) -> RequestTerms:
    """Return the same need for a window that begins with another month."""
    length = months_between(terms.first_tenor, terms.last_tenor)
    checked_tenor(first_tenor, "/first_tenor")
    return replace(terms, first_tenor=first_tenor, last_tenor=months_later(first_tenor, length))


async def _draft(
    market: Market, actor: Actor, command: Command, terms: RequestTerms, state: str
) -> Outcome:
    async def step(unit: Unit) -> Answer:
        await check_terms(unit, terms)
        return await draft_within(unit, actor.organisation_id, terms, state)

    return await market.perform(actor, store.ACT, step, command=command)
