"""What others may learn about standing: the firm itself, in its own record."""

from __future__ import annotations

from datetime import datetime

from aggregator.journal.facts import fact


@fact
class TierRaised:
    organisation_id: str
    tier: str
    points: int


@fact
class TierDropAnnounced:
    """Unless the score reaches `least` again before `drop_at`, the tier will be `tier`.

    `privileges` has the name of each, its figure now and its figure in the lower tier.
    """

    organisation_id: str
    tier: str
    points: int
    least: int
    drop_at: datetime
    privileges: tuple[tuple[str, int, int], ...] = ()


@fact
class TierDropAverted:
    organisation_id: str
    tier: str
    points: int


@fact
class TierDropped:
    organisation_id: str
    tier: str
    points: int


@fact
class FirmReferred:
    """A firm says that another brought it here; it counts once it has settled a deal."""

    organisation_id: str
    referred_by: str


@fact
class RulebookPublished:
    version: int
    in_force_at: datetime
