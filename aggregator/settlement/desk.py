"""The desk: bank lines that wait for a person to decide about them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aggregator.errors import Conflict, NotFound, WrongState
from aggregator.market import Unit
from aggregator.parties import consents

UNMATCHED = "unmatched"


async def waiting(unit: Unit, line_id: str, direction: str) -> Mapping[str, Any]:
    """Return a locked line of the desk that goes in this direction; it is decided about now.

    Raises:
        NotFound: no such line.
        WrongState: a person has decided about it already.
        Conflict: it goes in the other direction.

    """
    row = await on_desk(unit, line_id)
    if row["direction"] != direction:
        raise Conflict(f"{row['direction']}_line")
    return row


async def on_desk(unit: Unit, line_id: str) -> Mapping[str, Any]:
    """Return what `waiting` returns, whichever direction it goes in."""
    row = await unit.row("select * from bank_line where id = $1 for update", line_id)
    if row is None:
        raise NotFound("bank_line")
    if row["state"] != UNMATCHED:
        raise WrongState(row["state"], UNMATCHED)
    await ask_no_longer(unit, line_id)
    return row


async def ask_no_longer(unit: Unit, line_id: str) -> None:
    """Withdraw the proposal to send a line's money back: it was made of another state of it."""
    await consents.withdraw(unit, consents.SEND_BACK, line_id)


def left(row: Mapping[str, Any]) -> int:
    """Return what the bank has not taken back of a credit."""
    return int(row["amount_minor"] - row["taken_back_minor"])
