"""What one person of the operator proposed for a pool, and another one approved."""

from __future__ import annotations

from datetime import datetime

from aggregator.journal.facts import fact


@fact
class PoolStopProposed:
    """A person of the operator wants to stop the pool, for a public reason."""

    pool_id: str
    motion_id: str
    reason: str
    person_id: str
    expires_at: datetime


@fact
class PoolStopped:
    """Another person of the operator agreed; that the pool lapsed follows."""

    pool_id: str
    motion_id: str
    person_id: str
