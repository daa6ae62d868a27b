"""The match that settles a deal, as its parties see it: what each evidence must show, and shows.

It is computed from what `settling` compares and decides nothing by itself.
"""

from __future__ import annotations

from dataclasses import dataclass

from aggregator.deals import store
from aggregator.deals.evidence import KINDS, evidences
from aggregator.deals.lines import total
from aggregator.deals.settling import disagreeing
from aggregator.deals.store import Deal
from aggregator.journal.reading import Reader


@dataclass(frozen=True, slots=True)
class Match:
    """One evidence: what it must show, what it shows, and whether the two agree."""

    kind: str
    wanted_lots: int | None
    found_lots: int | None
    wanted_minor: int | None
    found_minor: int | None
    agrees: bool


async def matches(reader: Reader, deal: Deal) -> list[Match]:
    """Return the match of a deal whose goods were accepted; nothing before."""
    lines = await store.lines_of(reader, deal.id, "accepted")
    if not lines:
        return []
    found = await evidences(reader, deal.id)
    # What was released is no longer in the escrow; then the evidence itself is what was there.
    held_minor = found["money"].amount_minor or 0 if "money" in found else 0
    wanting = disagreeing(deal, lines, found, held_minor)
    wanted = {
        "contract": (deal.lots, deal.total_minor),
        "money": (None, total(lines)),
        "invoice": (deal.accepted_lots, total(lines, deal.seller_id)),
        "receipt": (deal.accepted_lots, None),
        "title": (deal.accepted_lots, None),
    }
    return [
        Match(
            kind=kind,
            wanted_lots=wanted[kind][0],
            found_lots=found[kind].lots if kind in found else None,
            wanted_minor=wanted[kind][1],
            found_minor=found[kind].amount_minor if kind in found else None,
            agrees=kind not in wanting,
        )
        for kind in KINDS
    ]
