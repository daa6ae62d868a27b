"""What becomes of a mandate's uses when the thing they stand in has ended."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from aggregator.ledger import accounts
from aggregator.mandates import checking
from aggregator.mandates.drawing import Commitment, Mandate, Spread
from aggregator.market import Unit

WHOLE = None
Kept = Mapping[str, tuple[int, int] | None]
"""What stays bound of each organisation or, before that, each reference: lots and their amount,
or the whole of the use."""


async def settle(
    unit: Unit,
    subject: str,
    kept: Kept,
    *,
    firms: Collection[str] | None = None,
    own: str | None = None,
    spreads: Mapping[str, Spread] | None = None,
) -> None:
    """End the open uses in `subject`, of `firms` or of all: what is not kept is free again.

    With `own` only that commitment ends. `spreads` are the months of what is kept, by
    reference. The funds that a lost use had drawn are reserved
    anew, as far as they are available.
    """
    rows = await _using(unit, subject, firms)
    states = {row["id"]: row["state"] for row in rows}
    for mandate in await checking.with_uses(unit, rows):
        for reference in sorted(mandate.uses):
            use = mandate.uses[reference]
            is_meant = own is None or reference == f"{subject}/{own}"
            if use.state == "open" and use.subject == subject and is_meant:
                left = kept.get(reference, kept.get(mandate.organisation_id, (0, 0)))
                if left is not WHOLE:
                    use.spread = (spreads or {}).get(reference, ())
                lots, amount_minor = (use.lots, use.amount_minor) if left is WHOLE else left
                await _end(unit, mandate, reference, lots=lots, amount_minor=amount_minor)
        if states[mandate.id] != "open":
            mandate.left_minor = 0
        await checking.save(unit, mandate)


async def bear(unit: Unit, organisation_id: str, stands: Commitment) -> None:
    """Let the firm's mandate bear what stands again in place of what it bore there.

    Funds reserved for it become available as far as the deposit is higher than before.
    """
    for mandate in await _bearing(unit, organisation_id, stands):
        mandate.draw(stands)
        await checking.save(unit, mandate)


async def reserve_again(unit: Unit, organisation_id: str, stands: Commitment) -> None:
    """Reserve anew what the deposit of `stands` no longer takes, as far as it is available."""
    for mandate in await _bearing(unit, organisation_id, stands):
        use = mandate.uses[stands.reference]
        over_minor = max(use.drawn_minor - stands.deposit_minor, 0)
        mandate.left_minor += await _available(unit, mandate, over_minor)
        use.drawn_minor -= over_minor
        mandate.drawn.add(stands.reference)
        await checking.save(unit, mandate)


async def _bearing(unit: Unit, organisation_id: str, stands: Commitment) -> list[Mandate]:
    """Return the open mandates that bear what stands under the reference: one, or none."""
    rows = await _using(unit, stands.subject, [organisation_id])
    found = await checking.with_uses(unit, [row for row in rows if row["state"] == "open"])
    return [mandate for mandate in found if mandate.standing(stands.reference)]


async def _using(unit: Unit, subject: str, firms: Collection[str] | None) -> Sequence[Any]:
    """Lock the mandates, of `firms` or of all, that have an open use in `subject`."""
    return await unit.rows(
        "select m.* from mandate m where exists (select 1 from mandate_use u"
        " where u.mandate_id = m.id and u.state = 'open' and u.subject = $1)"
        " and ($2::text[] is null or m.organisation_id = any($2::text[]))"
        " order by m.id for update of m",
        subject,
        sorted(firms) if firms is not None else None,
    )


async def _end(
    unit: Unit, mandate: Mandate, reference: str, *, lots: int, amount_minor: int
) -> None:
    use = mandate.uses[reference]
    # A result never binds more than was allowed; what it adds is the market's rounding.
    kept_minor = min(amount_minor, use.amount_minor) if lots else 0
    mandate.used_minor -= use.amount_minor - kept_minor
    if not lots:
        mandate.left_minor += await _available(unit, mandate, use.drawn_minor)
    use.lots, use.amount_minor = lots, kept_minor
    use.drawn_minor, use.state = 0, "spent" if lots else "freed"
    mandate.drawn.add(reference)


async def _available(unit: Unit, mandate: Mandate, wanted_minor: int) -> int:
    if not wanted_minor:
        return 0
    cash = await accounts.ensure(unit, mandate.organisation_id, accounts.CASH, mandate.currency)
    balance, held, _ = await accounts.lock(unit, cash)
    # What earlier uses of this call will reserve is still available in the account.
    current = await unit.row(
        "select coalesce(sum(amount_minor), 0) as held from hold where id = $1"
        " and state = 'pending'",
        mandate.hold_id,
    )
    assert current is not None
    room = balance - held - (mandate.left_minor - int(current["held"]))
    return max(min(wanted_minor, room), 0)
