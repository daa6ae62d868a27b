"""Taking a need back."""

from __future__ import annotations

from aggregator.demand import store
from aggregator.demand.facts import RequestWithdrawn
from aggregator.demand.repeating import stop
from aggregator.market import Answer, Unit


async def withdraw_within(unit: Unit, request_id: str) -> Answer:
    """Take back the actor's own request that is not bought; a template comes no more.

    Raises:
        NotFound: no such request of the actor's firm.
        WrongState: it is bought or withdrawn.

    """
    found = await store.locked(unit, request_id, store.DRAFT, store.TEMPLATE, store.SENT)
    await stop(unit, found)
    await store.set_state(unit, request_id, store.WITHDRAWN)
    fact = RequestWithdrawn(request_id, found.organisation_id)
    await unit.record(store.stream_of(request_id), fact)
    return {"request_id": request_id, "state": store.WITHDRAWN}
