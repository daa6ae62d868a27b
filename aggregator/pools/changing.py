"""A pledge as a change would leave it, for who is asked to approve the change."""

from __future__ import annotations

from aggregator.journal.reading import Pool
from aggregator.market import Actor
from aggregator.pools.pledging import PledgeChange, merged, own_pledge


async def as_changed(
    actor: Actor, pool_id: str, pledge_id: str, wanted: PledgeChange
) -> PledgeChange:
    """Return an own pledge as the change would leave it, with nothing left out.

    Raises:
        NotFound: no such pledge of the actor's firm.
        WrongState: it no longer stands.

    """
    stands = await own_pledge(Pool(), actor.organisation_id, pool_id, pledge_id)
    after = merged(stands, wanted)
    return PledgeChange(**{name: getattr(after, name) for name in PledgeChange.__slots__})
