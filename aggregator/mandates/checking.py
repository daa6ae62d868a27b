"""The check in the act itself: policy, then approval, then mandate, in its transaction.

For one act, `require`. For many that are decided together, `read` once, for each
`Bounds.check` and, when it stands, `Allowed.take`, then `write` before deposits are placed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from aggregator.journal.reading import decoded
from aggregator.ledger import accounts, holds
from aggregator.mandates import secrecy
from aggregator.mandates.drawing import (
    Approval,
    Bounds,
    Commitment,
    Mandate,
    Policy,
    Use,
    approval_of,
)
from aggregator.market import Actor, Unit


async def require(unit: Unit, asked: Commitment) -> None:
    """Refuse the act unless the actor may commit his firm so far, and note that he did.

    Funds reserved for the act become available again at once; the act's own deposit takes
    them in the same transaction.

    Raises:
        BeyondMandate: the firm's policy binds the act and no mandate of the person covers it.
        ApprovalNotOpen: the act came under an approval that does not cover it.

    """
    bounds = await read(unit, [unit.actor], asked.cells)
    bounds.check(unit.actor, asked, unit.now).take()
    await write(unit, bounds)


async def read(unit: Unit, actors: Iterable[Actor], cells: Iterable[str]) -> Bounds:
    """Read the policies of the actors' firms, and lock the mandates of those that have any.

    Where one of these is measured against prices, the last ones of `cells` are read too.
    """
    acting_for = list(actors)
    approvals = await _approvals(unit, [approval_of(actor) for actor in acting_for])
    acting = {(actor.organisation_id, actor.person_id) for actor in acting_for}
    firms = sorted({organisation_id for organisation_id, _ in acting})
    policies = await unit.rows(
        "select organisation_id, act, free_up_to_minor, index_bps, counterparties"
        " from mandate_policy where organisation_id = any($1::text[])",
        firms,
    )
    if not policies:
        return Bounds({}, {}, approvals)
    bound = {row["organisation_id"] for row in policies}
    asked = sorted(pair for pair in acting if pair[0] in bound)
    rows = await unit.rows(
        "select m.* from unnest($1::text[], $2::text[]) as t (organisation_id, person_id)"
        " join mandate m on m.organisation_id = t.organisation_id and m.person_id = t.person_id"
        " where m.state = 'open' order by m.id for update of m",
        [pair[0] for pair in asked],
        [pair[1] for pair in asked],
    )
    held: dict[tuple[str, str], list[Mandate]] = {}
    # Locked by id, as everywhere; drawn in the order in which they end.
    for mandate in sorted(await with_uses(unit, rows), key=lambda one: (one.ends_at, one.id)):
        held.setdefault((mandate.organisation_id, mandate.person_id), []).append(mandate)
    found = {
        (row["organisation_id"], row["act"]): Policy(
            row["free_up_to_minor"], row["index_bps"], frozenset(row["counterparties"])
        )
        for row in policies
    }
    is_measured = any(row["index_bps"] is not None for row in (*policies, *rows))
    return Bounds(found, held, approvals, await _prices(unit, cells) if is_measured else {})


async def _prices(unit: Unit, cells: Iterable[str]) -> dict[str, int]:
    """Return the last published price of each cell that has one."""
    rows = await unit.rows(
        "select distinct on (cell) cell, value_minor from price_publication"
        " where cell = any($1::text[]) order by cell, number desc",
        sorted(set(cells)),
    )
    return {row["cell"]: row["value_minor"] for row in rows}


async def _approvals(unit: Unit, ids: Sequence[str | None]) -> dict[str, Approval]:
    """Lock the approved requests that acts came under."""
    asked = sorted({one for one in ids if one is not None})
    if not asked:
        return {}
    rows = await unit.rows(
        "select id, organisation_id, asked_by, act, amount_minor, terms, note from approval"
        " where id = any($1::text[]) and state = 'approved' order by id for update",
        asked,
    )
    asked_for = [secrecy.readable(row) for row in rows]
    names = ("id", "organisation_id", "asked_by", "act", "amount_minor")
    return {row["id"]: Approval(**{name: row[name] for name in names}) for row in asked_for}


async def with_uses(unit: Unit, rows: Sequence[Any]) -> list[Mandate]:
    """Return rows of `mandate` as values, with all their uses."""
    found = {row["id"]: _mandate(row) for row in rows}
    if found:
        for row in await unit.rows(
            "select * from mandate_use where mandate_id = any($1::text[])", sorted(found)
        ):
            found[row["mandate_id"]].uses[row["reference"]] = Use(
                row["subject"],
                row["act"],
                row["tenor"],
                row["lots"],
                row["amount_minor"],
                row["drawn_minor"],
                row["state"],
                tuple(sorted(decoded(row["spread"]).items())),
            )
    return list(found.values())


async def write(unit: Unit, bounds: Bounds) -> None:
    """Write what was taken, and free the reserved funds that it takes."""
    for held in bounds.mandates.values():
        for mandate in held:
            if mandate.drawn:
                await save(unit, mandate)
    for approval in bounds.approvals.values():
        if approval.is_executed:
            await unit.execute(
                "update approval set state = 'executed', executed_at = $2 where id = $1",
                approval.id,
                unit.now,
            )


async def save(unit: Unit, mandate: Mandate) -> None:
    """Write a mandate and the uses that were drawn or freed, and hold what is left for it."""
    for reference in sorted(mandate.drawn):
        use = mandate.uses[reference]
        await unit.execute(
            "insert into mandate_use (mandate_id, reference, subject, act, tenor, lots,"
            " amount_minor, drawn_minor, state, at, spread) values ($1, $2, $3, $4, $5, $6, $7,"
            " $8, $9, $10, $11::jsonb)"
            " on conflict (mandate_id, reference) do update set act = excluded.act,"
            " tenor = excluded.tenor, lots = excluded.lots, amount_minor = excluded.amount_minor,"
            " drawn_minor = excluded.drawn_minor, state = excluded.state, at = excluded.at,"
            " spread = excluded.spread",
            mandate.id,
            reference,
            use.subject,
            use.act,
            use.tenor,
            use.lots,
            use.amount_minor,
            use.drawn_minor,
            use.state,
            unit.now,
            json.dumps(dict(use.spread)),
        )
    mandate.drawn.clear()
    mandate.hold_id = await _held(unit, mandate)
    await unit.execute(
        "update mandate set used_minor = $2, left_minor = $3, hold_id = $4 where id = $1",
        mandate.id,
        mandate.used_minor,
        mandate.left_minor,
        mandate.hold_id,
    )


async def _held(unit: Unit, mandate: Mandate) -> str | None:
    """Hold `left_minor` in place of what was held; return the hold's id."""
    if mandate.hold_id is not None:
        row = await unit.row("select amount_minor from hold where id = $1", mandate.hold_id)
        if row is not None and row["amount_minor"] == mandate.left_minor:
            return mandate.hold_id
        await holds.void(unit, mandate.hold_id)
    if not mandate.left_minor:
        return None
    cash = await accounts.ensure(unit, mandate.organisation_id, accounts.CASH, mandate.currency)
    return await holds.place(unit, cash, mandate.left_minor, f"mandate:{mandate.id}")


def _mandate(row: Any) -> Mandate:
    return Mandate(
        id=row["id"],
        organisation_id=row["organisation_id"],
        person_id=row["person_id"],
        acts=frozenset(row["acts"]),
        instruments=frozenset(row["instruments"]),
        limit_minor=row["limit_minor"],
        index_bps=row["index_bps"],
        max_lots=row["max_lots"],
        per_act_minor=row["per_act_minor"],
        total_minor=row["total_minor"],
        used_minor=row["used_minor"],
        left_minor=row["left_minor"],
        hold_id=row["hold_id"],
        currency=row["currency"],
        ends_at=row["ends_at"],
    )
