"""Reading pools: the view of the feed's topic, for whoever asks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aggregator.catalogue.tenors import Cell
from aggregator.errors import InvalidField, NotFound
from aggregator.journal.reading import Pool, Reader, decoded, entries
from aggregator.market import PUBLIC, Actor, Audience
from aggregator.parties.permissions import OPERATOR
from aggregator.pools import store, views
from aggregator.pools.landed import deposit
from aggregator.pools.sight import SEEN, check_seen, eyes
from aggregator.pools.state import State, evolve
from aggregator.pools.views import View
from aggregator.standing.privileges import lowered
from matching.pools.progress import envelope


def audience_of(actor: Actor | None) -> Audience:
    """Return whose eyes an actor has: his firm's, which may be a member any time."""
    if actor is None:
        return PUBLIC
    kind = "operator" if OPERATOR in actor.roles else "member"
    return Audience(kind, actor.organisation_id)


async def pool(actor: Actor | None, pool_id: str, reader: Reader | None = None) -> View:
    """Return the pool as the actor may see it, or raise NotFound."""
    source = reader or Pool()
    await check_seen(source, actor, pool_id)
    return views.view(await state_of(source, pool_id), audience_of(actor))


async def cell_of(pool_id: str, reader: Reader | None = None) -> Cell:
    """Return what a pool buys, or raise NotFound."""
    return (await store.load(reader or Pool(), pool_id)).cell


async def pools(
    actor: Actor | None,
    *,
    cell: str | None = None,
    phase: str | None = None,
    limit: int = 50,
    after: str | None = None,
    reader: Reader | None = None,
) -> list[View]:
    """Return pools as the actor may see them, the newest first, after the one named."""
    source = reader or Pool()
    found = await source.rows(
        f"select id from pool p where {SEEN} and ($3::text is null or cell = $3)"
        " and ($4::text is null or state = $4) and ($5::text is null or id < $5)"
        " order by id desc limit $6",
        *eyes(actor),
        cell,
        phase,
        after,
        limit,
    )
    return [await pool(actor, row["id"], source) for row in found]


async def preview(
    actor: Actor,
    pool_id: str,
    *,
    lots: int,
    tolerance_lots: int,
    limit_minor: int | None,
    freight_minor: int,
    deposit_off_bps: int = 0,
    reader: Reader | None = None,
) -> View:
    """Return what a pledge would cost at each break, hold as deposit, and do to the progress.

    Nothing is done, and nothing in the answer depends on what others pledged since the last
    statement.

    Raises:
        NotFound: there is no such pool.
        InvalidField: the freight leaves nothing of the limit.

    """
    source = reader or Pool()
    await check_seen(source, actor, pool_id)
    state = await state_of(source, pool_id)
    opened = state.opened
    assert opened is not None
    if limit_minor is not None and limit_minor <= freight_minor:
        raise InvalidField("/freight", f"leaves nothing of the limit {limit_minor}", freight_minor)
    breaks = envelope(state.offers.values())
    held_minor = whole_minor = None
    if limit_minor is not None:
        whole_minor = deposit(limit_minor, lots + tolerance_lots, opened.deposit_bps)
        held_minor = lowered(whole_minor, deposit_off_bps)
    others = views.known_of_others(state, actor.organisation_id)
    is_live = state.phase in (store.GATHERING, store.FIRMING)
    reached = views.step_view(others + lots, breaks, opened) if is_live and others else None
    return {
        "pool_id": pool_id,
        "currency": opened.currency,
        "deposit_minor": held_minor,
        "full_deposit_minor": whole_minor,
        "landed": views.landed_at_breaks(
            breaks, opened, lots=lots, limit_minor=limit_minor, freight_minor=freight_minor
        ),
        "progress_with_you": reached,
    }


async def evidence(pool_id: str, reader: Reader | None = None) -> View:
    """Return the instance of the last close and its certified result, for auditors.

    With them come the divisions of groups that several suppliers won.

    Raises:
        NotFound: there is no such pool, or it has not closed.

    """
    source = reader or Pool()
    found = await source.rows(
        "select instance, result from pool_clearing where pool_id = $1"
        " order by number desc limit 1",
        pool_id,
    )
    if not found:
        raise NotFound("pool")
    divided = await source.rows(
        "select instance, result from pool_division where pool_id = $1 order by number", pool_id
    )
    return {**_checkable(found[0]), "divisions": [_checkable(row) for row in divided]}


def _checkable(row: Mapping[str, Any]) -> View:
    return {name: decoded(row[name]) for name in ("instance", "result")}


async def state_of(source: Reader, pool_id: str) -> State:
    """Return the pool as its journal tells it, or raise NotFound."""
    await store.load(source, pool_id)
    state = State()
    for entry in await entries(source, store.stream_of(pool_id)):
        state = evolve(state, entry.fact)
    return state
