"""One publication of a cell, from settled deals that have not been published before.

The rule: leave out what has since been returned or disputed, publish the whole batch if
it is safe (`screening`), else let it wait and grow. The value is the party-capped lower
weighted median (`weighted`); volume and number of deals leave as bands only.

Guarantees: the result depends on the set of deals only; every deal that is used is named,
so that an auditor recomputes the value; a deal never moves two publications as long as
the caller hands in what is not yet published.

Source: IOSCO, *Principles for Oil Price Reporting Agencies* (2012): concluded deals only,
a published method, a record of what was left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

from matching.index.batch import METHOD, ActiveGroups, IndexRules, SettledDeal
from matching.index.screening import Suppressed, screen
from matching.index.weighted import lower_median, to_step, weights


@dataclass(frozen=True, slots=True)
class Publication:
    """A value on the publication step, the ids behind it (sorted), and what the public sees.

    `used` and `excluded` are for the auditor.
    """

    value_minor: int
    used: tuple[str, ...]
    excluded: tuple[str, ...]
    volume_band: str
    size_band: str
    method: str = METHOD


def publish(
    deals: Sequence[SettledDeal],
    rules: IndexRules,
    *,
    excluded: Set[str] = frozenset(),
    active: ActiveGroups | None = None,
) -> Publication | Suppressed:
    """Publish a cell's waiting deals, or say which rule keeps them waiting.

    `excluded` are the ids returned or disputed since the last publication: those among
    `deals` count for nothing, the others only enter the record.

    Raises:
        ValueError: two deals have the same id, or one has no lots.

    """
    ids = {deal.id for deal in deals}
    if len(ids) != len(deals) or any(deal.lots < 1 for deal in deals):
        raise ValueError("deals need distinct ids and at least one lot")
    batch = [deal for deal in deals if deal.id not in excluded] if excluded else deals
    if not batch:
        return Suppressed("no_deals", ())
    if found := screen(batch, rules, active):
        return found
    return Publication(
        value_minor=value_of(batch, rules),
        used=tuple(sorted(deal.id for deal in batch)),
        excluded=tuple(sorted(excluded)),
        volume_band=band(sum(deal.lots for deal in batch)),
        size_band=band(len(batch)),
    )


def value_of(batch: Sequence[SettledDeal], rules: IndexRules) -> int:
    """Return the value of a batch, safe or not: what an auditor recomputes.

    Raises:
        ValueError: the batch is empty.

    """
    numerators, _ = weights(batch, rules.party_cap)
    median = lower_median([deal.price_minor for deal in batch], numerators)
    return to_step(median, rules.step_minor)


def publish_cells(
    waiting: Mapping[str, Sequence[SettledDeal]],
    rules: IndexRules,
    *,
    excluded: Mapping[str, Set[str]] | None = None,
    active: ActiveGroups | None = None,
) -> dict[str, Publication | Suppressed]:
    """Publish every cell of an instrument; `excluded` is by cell, cells come out in order."""
    left_out = excluded or {}
    return {
        cell: publish(waiting[cell], rules, excluded=left_out.get(cell, frozenset()), active=active)
        for cell in sorted(waiting)
    }


def band(count: int) -> str:
    """Return the coarse band of a count: 1-2, 3-9, 10-29, 30-99, 100-299 and so on.

    About half an order of magnitude wide: it says thin or thick and gives no volume away.
    """
    low = 1
    while 10 * low <= count:
        low *= 10
    return f"{3 * low}-{10 * low - 1}" if 3 * low <= count else f"{low}-{3 * low - 1}"
