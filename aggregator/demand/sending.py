"""What became of a request that was sent, as those who took it tell; steps, not use cases."""

from __future__ import annotations

from dataclasses import replace

from aggregator.demand import store
from aggregator.demand.facts import RequestBought, RequestChanged, RequestReopened, RequestSent
from aggregator.demand.store import Request
from aggregator.market import Unit


async def sent(unit: Unit, request_id: str, pool_id: str, pledge_id: str) -> None:
    """Note that the actor's own draft became a pledge."""
    found = await store.locked(unit, request_id, store.DRAFT)
    await unit.execute(
        "update request set state = 'sent', pool_id = $2, pledge_id = $3, changed_at = $4"
        " where id = $1",
        request_id,
        pool_id,
        pledge_id,
        unit.now,
    )
    fact = RequestSent(request_id, found.organisation_id, pool_id, pledge_id)
    await unit.record(store.stream_of(request_id), fact)


async def changed(
    unit: Unit,
    pledge_id: str,
    *,
    lots: int,
    tolerance_lots: int,
    limit_minor: int,
    freight_minor: int,
) -> None:
    """Note what the pledge of a request asks for now, so that a draft comes back with it."""
    found = await _of_pledge(unit, pledge_id, store.SENT)
    if found is None:
        return
    terms = replace(
        found.terms,
        lots=lots,
        tolerance_lots=tolerance_lots,
        limit_minor=limit_minor,
        freight_minor=freight_minor,
    )
    if terms == found.terms:
        return
    await store.write_terms(unit, found.id, terms)
    fact = RequestChanged(found.id, found.organisation_id, terms)
    await unit.record(store.stream_of(found.id), fact)


async def reopened(unit: Unit, pledge_id: str) -> None:
    """Make the request of a pledge that came to nothing a draft again."""
    found = await _of_pledge(unit, pledge_id, store.SENT)
    if found is None:
        return
    await store.set_state(unit, found.id, store.DRAFT)
    assert found.pool_id is not None
    fact = RequestReopened(found.id, found.organisation_id, found.pool_id, pledge_id)
    await unit.record(store.stream_of(found.id), fact)


async def bought(unit: Unit, pledge_id: str, deal_id: str) -> None:
    """Note that a request's pledge became a deal, at the close or as a substitute's later."""
    found = await _of_pledge(unit, pledge_id, store.SENT, store.DRAFT)
    if found is None:
        return
    await store.set_state(unit, found.id, store.BOUGHT)
    assert found.pool_id is not None
    fact = RequestBought(found.id, found.organisation_id, found.pool_id, pledge_id, deal_id)
    await unit.record(store.stream_of(found.id), fact)


async def _of_pledge(unit: Unit, pledge_id: str, *states: str) -> Request | None:
    found = await unit.rows(
        f"select {store.COLUMNS} {store.FROM} where r.pledge_id = $1 and r.state = any($2::text[])",
        pledge_id,
        list(states),
    )
    if not found:
        return None
    request = store.request_of(found[0])
    await unit.lock(store.stream_of(request.id))
    current = await store.load(unit, request.id)
    is_same = current.pledge_id == pledge_id and current.state in states
    return current if is_same else None
