"""Reading requests: the own firm's, for those of its people who need to know its limits."""

from __future__ import annotations

from collections.abc import Sequence

from aggregator.demand import store
from aggregator.demand.store import Request
from aggregator.journal.reading import Pool, Reader
from aggregator.market import Actor

ACT = "demand.read"


async def requests(
    actor: Actor,
    *,
    state: str | None = None,
    limit: int = 50,
    after: str | None = None,
    reader: Reader | None = None,
) -> Sequence[Request]:
    """Return the requests of the actor's firm, the newest first, behind the one named."""
    actor.require(ACT)
    found = await (reader or Pool()).rows(
        f"select {store.COLUMNS} {store.FROM} where r.organisation_id = $1"
        " and ($2::text is null or r.state = $2) and ($3::text is null or r.id < $3)"
        " order by r.id desc limit $4",
        actor.organisation_id,
        state,
        after,
        limit,
    )
    return [store.request_of(row) for row in found]


async def request(actor: Actor, request_id: str, reader: Reader | None = None) -> Request:
    """Return one request of the actor's firm, or raise NotFound."""
    actor.require(ACT)
    return await store.own(actor.organisation_id, request_id, reader)
