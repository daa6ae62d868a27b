"""Pledges as they come, change and go: only the cell that one touches is cleared again.

The pools of a cell follow from the set of pledges standing in it, so that any sequence of
arrivals and withdrawals ends with the same result as one clearing of those that are left.
"""

from __future__ import annotations

from collections.abc import Iterable

from matching.pools.clearing import Cleared, gathered
from matching.pools.repooling import StandingCell
from matching.pools.values import Offer, Pledge, Result, Rules


class Standing:
    """The pledges standing in every cell, with what they would get if all closed now."""

    def __init__(self, offers: Iterable[Offer], rules: Rules) -> None:
        self._rules = rules
        self._offers: dict[str, list[Offer]] = {}
        for offer in offers:
            self._offers.setdefault(offer.cell, []).append(offer)
        self._cells: dict[str, StandingCell] = {}
        self._cell_of: dict[str, str] = {}

    def put(self, pledge: Pledge) -> Cleared:
        """Take a new pledge, or one that replaces that of the same id; return its cell.

        What is returned is not to be changed: later results share parts of it.
        """
        before = self._cell_of.get(pledge.id)
        if before is not None and before != pledge.cell:
            self.withdraw(pledge.id)
        self._cell_of[pledge.id] = pledge.cell
        cell = self._cells.get(pledge.cell)
        if cell is None:
            offers = self._offers.get(pledge.cell, ())
            cell = self._cells[pledge.cell] = StandingCell(pledge.cell, offers, self._rules)
        return cell.put(pledge)

    def withdraw(self, pledge_id: str) -> Cleared | None:
        """Let a pledge go; return what is left of its cell, or None if nobody is.

        Raises:
            KeyError: no such pledge stands.

        """
        name = self._cell_of.pop(pledge_id)
        left = self._cells[name].withdraw(pledge_id)
        if left is None:
            del self._cells[name]
        return left

    def cell(self, name: str) -> Cleared | None:
        """Return what a cell would get now, or None while nobody stands in it."""
        cell = self._cells.get(name)
        return None if cell is None else cell.cleared

    def result(self) -> Result:
        """Return what all cells would get now: the same as clearing all pledges at once."""
        found = [self._cells[name].cleared for name in sorted(self._cells)]
        return gathered([cleared for cleared in found if cleared is not None])
