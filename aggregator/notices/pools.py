"""What is told of a pool to firms that its facts do not name: looked up when it happens."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from aggregator.journal.facts import stamp
from aggregator.market import Unit
from aggregator.notices.told import Figure, Told
from aggregator.parties.permissions import BUYER
from aggregator.pools import store
from aggregator.pools.facts import PoolOpened, PoolShown
from aggregator.pools.motions import PoolStopped
from aggregator.pools.queries import state_of
from matching.standing.sighting import sights

_EARLY = "pool_seen_early"
# Of a tier that sees it: firms that can join it, have not opened it, and were not told before.
_WHO_SEES = """
select t.organisation_id from standing_tier t, pool p
where p.id = $1 and t.tier >= p.seen_from_tier and t.organisation_id <> p.opened_by
  and exists (select from membership m
              where m.organisation_id = t.organisation_id and $2 = any(m.roles))
  and not exists (select from notice n where n.organisation_id = t.organisation_id
                  and n.kind = $3 and n.subject = $4)
order by t.organisation_id
"""


async def _opened(unit: Unit, fact: PoolOpened) -> Iterable[Told]:
    """Tell the firm that opened it for itself, and whom it is shown to early."""
    told = list(await _seen_early(unit, fact))
    if fact.is_own:
        figures: tuple[Figure, ...] = (("cell", fact.cell), ("until", stamp(fact.closes_at)))
        told.append(Told(fact.opened_by, "pool_opened", _subject(fact.pool_id), figures))
    return told


async def _seen_early(unit: Unit, fact: PoolOpened | PoolShown) -> Iterable[Told]:
    """Tell the tiers that see it while others do not yet; when all do, that is no news."""
    pool, subject = await store.load(unit, fact.pool_id), _subject(fact.pool_id)
    if not pool.seen_from_tier:
        return []
    for_all_after, _ = sights(pool.early_hours)[-1]
    until = stamp(pool.opened_at + for_all_after)
    figures: tuple[Figure, ...] = (("cell", str(pool.cell)), ("until", until))
    rows = await unit.rows(_WHO_SEES, pool.id, BUYER, _EARLY, subject)
    return [Told(row["organisation_id"], _EARLY, subject, figures) for row in rows]


async def _stopped(unit: Unit, fact: PoolStopped) -> Iterable[Told]:
    """Tell the firm whose pool it was why; what became of each pledge is told besides."""
    state = await state_of(unit, fact.pool_id)
    assert state.opened is not None
    assert state.stop is not None
    if not state.opened.is_own:
        return []
    figures = (("cell", state.opened.cell), ("said", state.stop.reason))
    return [Told(state.opened.opened_by, "pool_stopped", _subject(fact.pool_id), figures)]


def _subject(pool_id: str) -> str:
    return f"pool:{pool_id}"


POOL_TOLD: Mapping[type, Callable[[Unit, Any], Awaitable[Iterable[Told]]]] = {
    PoolOpened: _opened,
    PoolShown: _seen_early,
    PoolStopped: _stopped,
}
