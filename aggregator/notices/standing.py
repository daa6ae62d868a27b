"""What a firm is told of its own tier."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from aggregator.amounts import decimal_text
from aggregator.journal.facts import stamp
from aggregator.notices.told import Figure, Told
from aggregator.standing.facts import (
    TierDropAnnounced,
    TierDropAverted,
    TierDropped,
    TierRaised,
)

_SUBJECT = "standing"


def _moved(kind: str) -> Callable[[TierRaised | TierDropped | TierDropAverted], Iterable[Told]]:
    def told(fact: TierRaised | TierDropped | TierDropAverted) -> Iterable[Told]:
        figures = (("tier", fact.tier), ("points", fact.points))
        yield Told(fact.organisation_id, kind, _SUBJECT, figures)

    return told


def _announced(fact: TierDropAnnounced) -> Iterable[Told]:
    figures: tuple[Figure, ...] = (
        ("tier", fact.tier),
        ("points", fact.points),
        ("least", fact.least),
        ("until", stamp(fact.drop_at)),
        *(_change(*privilege) for privilege in fact.privileges),
    )
    yield Told(fact.organisation_id, "tier_drop_announced", _SUBJECT, figures)


def _change(name: str, now: int, then: int) -> Figure:
    if name == "deposit_off_bps":
        return "deposit_off", f"{decimal_text(now)} → {decimal_text(then)}"
    return name, f"{now} → {then}"


STANDING_TOLD: Mapping[type, Callable[[Any], Iterable[Told]]] = {
    TierDropAnnounced: _announced,
    TierDropAverted: _moved("tier_drop_averted"),
    TierDropped: _moved("tier_dropped"),
    TierRaised: _moved("tier_raised"),
}
