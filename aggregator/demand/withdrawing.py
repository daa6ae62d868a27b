"""Taking a need back."""

from __future__ import annotations

from collections.abc import Sequence

from aggregator.demand import store
from aggregator.demand.facts import RequestWithdrawn
from aggregator.demand.repeating import stop
from aggregator.errors import WrongState
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


async def withdraw_drafts(unit: Unit, organisation_id: str, request_ids: Sequence[str]) -> int:
    """Take a firm's drafts back at once, and return how many; some may be withdrawn by then.

    Raises:
        WrongState: one of them is sent or bought.

    """
    await unit.lock_all([store.stream_of(request_id) for request_id in request_ids])
    found = await unit.rows(
        "select id, state from request where id = any($1::text[]) and organisation_id = $2"
        " and state <> 'withdrawn' order by id",
        list(request_ids),
        organisation_id,
    )
    for row in found:
        if row["state"] != store.DRAFT:
            raise WrongState(row["state"], store.DRAFT)
    await unit.execute(
        "update request set state = 'withdrawn', changed_at = $2 where id = any($1::text[])",
        [row["id"] for row in found],
        unit.now,
    )
    for row in found:
        unit.note(store.stream_of(row["id"]), [RequestWithdrawn(row["id"], organisation_id)])
    await unit.write_noted()
    return len(found)
