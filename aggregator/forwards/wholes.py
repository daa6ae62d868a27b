"""Make-whole lines: who gains from a bundle pays those whom its prices leave short, at signing.

A line is paid out of what its payer has deposited for the window, never owed: where a charge
is beyond a firm's deposits, the bundle is cleared once more for prices that suit everybody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from aggregator.catalogue.queries import instrument
from aggregator.forwards.certifying import Certified, certify
from aggregator.forwards.instance import Rows, offer_of
from aggregator.forwards.store import Strip
from aggregator.ledger import accounts, transfers
from aggregator.market import Unit

KIND = "strip.make_whole"


@dataclass(frozen=True, slots=True)
class Whole:
    """An amount beside the prices: paid to a firm, or by it where negative.

    `subject_id` is the order, the offer, or the storage of an offer that it is for.
    """

    kind: str
    subject_id: str
    organisation_id: str
    amount_minor: int


async def certify_covered(instance: Mapping[str, Any], orders: Rows, offers: Rows) -> Certified:
    """Clear a bundle, under the other price rule if deposits do not cover its lines."""
    found = await certify(instance)
    if found.broken is not None or _is_covered(orders, offers, found.result):
        return found
    rules = {**instance["rules"], "pricing": "supported"}
    return replace(await certify({**instance, "rules": rules}), gathered=instance)


def lines_of(orders: Rows, offers: Rows, result: Mapping[str, Any]) -> list[Whole]:
    """Return the lines of a result with the firms that they concern."""
    firms = {row["id"]: row["organisation_id"] for row in (*orders, *offers)}
    return [
        Whole(line["kind"], line["id"], firms[offer_of(line["id"])], line["amount_minor"])
        for line in result["make_whole"]
    ]


async def settle(unit: Unit, strip: Strip, lines: Sequence[Whole]) -> None:
    """Move the lines' money between the firms, in one transfer; their deposits are free before."""
    if not lines:
        return
    traded = await instrument(strip.instrument_id, unit)
    moved = []
    for line in lines:
        cash = await accounts.ensure(unit, line.organisation_id, accounts.CASH, traded.currency)
        moved.append((cash, line.amount_minor))
        await unit.execute(
            "insert into strip_make_whole (strip_id, kind, subject_id, organisation_id,"
            " amount_minor) values ($1, $2, $3, $4, $5)",
            strip.id,
            line.kind,
            line.subject_id,
            line.organisation_id,
            line.amount_minor,
        )
    await transfers.post(unit, KIND, strip.id, moved, key=f"{strip.id}:{KIND}")


def _is_covered(orders: Rows, offers: Rows, result: Mapping[str, Any]) -> bool:
    left: dict[str, int] = {}
    for row in (*orders, *offers):
        firm = row["organisation_id"]
        left[firm] = left.get(firm, 0) + row["held_minor"]
    for line in lines_of(orders, offers, result):
        left[line.organisation_id] += line.amount_minor
    return min(left.values(), default=0) >= 0
