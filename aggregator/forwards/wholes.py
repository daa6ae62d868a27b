"""Make-whole lines: who gains from a bundle pays those whom its prices leave short, at signing.

A line is paid out of what its payer has deposited for the window, never owed, and the deposits of
his slots must still be there beside it: where a charge is beyond that, the bundle is cleared once
more for prices that suit everybody.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from aggregator.catalogue.queries import instrument
from aggregator.forwards import deposits
from aggregator.forwards.certifying import Certified, certify
from aggregator.forwards.instance import Rows, offer_of
from aggregator.forwards.scheduling import schedule_of
from aggregator.forwards.store import Strip
from aggregator.ledger import accounts, transfers
from aggregator.ledger.queries import balances
from aggregator.market import Market, Unit

KIND = "strip.make_whole"

Available = Callable[[Unit, str, str], Awaitable[int]]


@dataclass(frozen=True, slots=True)
class Whole:
    """An amount beside the prices: paid to a firm, or by it where negative.

    `subject_id` is the order, the offer, or the storage of an offer that it is for.
    """

    kind: str
    subject_id: str
    organisation_id: str
    amount_minor: int


async def certify_covered(
    market: Market, strip: Strip, instance: Mapping[str, Any], orders: Rows, offers: Rows
) -> Certified:
    """Clear a bundle, under the other price rule if deposits do not cover its lines."""
    found = await certify(instance)
    if found.broken is not None or not found.result["make_whole"]:
        return found
    async with market.reading() as unit:
        if await is_covered(unit, strip, orders, offers, found.result, available=_shown):
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


async def is_covered(
    unit: Unit,
    strip: Strip,
    orders: Rows,
    offers: Rows,
    result: Mapping[str, Any],
    *,
    available: Available = deposits.available,
) -> bool:
    """Say whether who is charged has deposited that much, and has his slots' deposits besides."""
    charged: dict[str, int] = {}
    for whole in lines_of(orders, offers, result):
        firm = whole.organisation_id
        charged[firm] = charged.get(firm, 0) - whole.amount_minor
    needed = {firm: amount for firm, amount in sorted(charged.items()) if amount > 0}
    held = dict.fromkeys(needed, 0)
    for row in (*orders, *offers):
        if row["organisation_id"] in held:
            held[row["organisation_id"]] += row["held_minor"]
    if any(held[firm] < amount for firm, amount in needed.items()):
        return False
    traded = await instrument(strip.instrument_id, unit)
    for line in schedule_of(orders, offers, result):
        if line.buyer_id in needed:
            needed[line.buyer_id] += deposits.at_signing(
                strip, traded, line.lots, line.price_minor, off_bps=line.deposit_off_bps
            )
    for firm, amount in needed.items():
        if held[firm] + await available(unit, firm, traded.currency) < amount:
            return False
    return True


async def _shown(unit: Unit, organisation_id: str, currency: str) -> int:
    """Return what a firm could pay, without a lock."""
    cash = accounts.account_id(accounts.CASH, organisation_id, currency)
    found = await balances(organisation_id, unit)
    return sum(row.available_minor for row in found if row.account_id == cash)


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
