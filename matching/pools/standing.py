"""Pledges as they come, change and go: only the cell that one touches is cleared again.

The pools of a cell follow from the set of pledges standing in it, so that any sequence of
arrivals and withdrawals ends with the same result as one clearing of those that are left.
"""

from __future__ import annotations

from collections.abc import Iterable

from matching.pools.clearing import Cleared, clear_cell, gathered
from matching.pools.values import Offer, Pledge, Result, Rules


class Standing:
    """The pledges standing in every cell, with what they would get if all closed now."""

    def __init__(self, offers: Iterable[Offer], rules: Rules) -> None:
        self._rules = rules
        self._offers: dict[str, list[Offer]] = {}
        for offer in offers:
            self._offers.setdefault(offer.cell, []).append(offer)
        self._pledges: dict[str, dict[str, Pledge]] = {}
        self._cell_of: dict[str, str] = {}
        self._cleared: dict[str, Cleared] = {}

    def put(self, pledge: Pledge) -> Cleared:
        """Take a new pledge, or one that replaces that of the same id; return its cell."""
        before = self._cell_of.get(pledge.id)
        if before is not None and before != pledge.cell:
            self.withdraw(pledge.id)
        self._cell_of[pledge.id] = pledge.cell
        self._pledges.setdefault(pledge.cell, {})[pledge.id] = pledge
        return self._clear(pledge.cell)

    def withdraw(self, pledge_id: str) -> Cleared | None:
        """Let a pledge go; return what is left of its cell, or None if nobody is.

        Raises:
            KeyError: no such pledge stands.

        """
        cell = self._cell_of.pop(pledge_id)
        del self._pledges[cell][pledge_id]
        if self._pledges[cell]:
            return self._clear(cell)
        del self._pledges[cell], self._cleared[cell]
        return None

    def cell(self, name: str) -> Cleared | None:
        """Return what a cell would get now, or None while nobody stands in it."""
        return self._cleared.get(name)

    def result(self) -> Result:
        """Return what all cells would get now: the same as clearing all pledges at once."""
        return gathered(self._cleared[cell] for cell in sorted(self._cleared))

    def _clear(self, cell: str) -> Cleared:
        pledges = [*self._pledges[cell].values()]
        cleared = clear_cell(cell, pledges, self._offers.get(cell, ()), self._rules)
        self._cleared[cell] = cleared
        return cleared
