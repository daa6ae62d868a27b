"""The cascade: the objective `stable`, by which pools are formed.

Rule. Deepest price first: among pledges still open whose net limit reaches it, the windows
with the most firm lots are closed at that price, again and again until there are none; then
the next price.

Guarantees while capacity does not bind. One goods price in a pool, the one its total earns,
within every member's net limit. After a price nobody still open can form a lawful window at
it, so no lawful group would all pay less by leaving. Who is in a window at a price depends on
limits only through "accepts this price or not", and deeper prices come first: whoever hides
that he accepts a price is left with nothing from there on, whoever pretends to accept it pays
above his limit. So no false limit gains, alone or together. Choosing by surplus would break it.

Source. Top coalitions under a common ranking (Farrell and Scotchmer 1988; Banerjee, Konishi
and Sönmez 2001).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

from matching.pools.cells import Cell, Formed
from matching.pools.price_breaks import Level
from matching.pools.stretches import Shape, most_in_reach
from matching.pools.windows import fullest


def cascade(cell: Cell, levels: Sequence[Level], shape: Shape) -> list[Formed]:
    """Return the pools of a cell under the objective `stable`, capacities aside."""
    formed: list[Formed] = []
    still_open: Sequence[int] = range(len(cell.ids))
    net = cell.net_minor
    ceiling = _ceiling(cell, still_open, shape)
    rounds = 0
    for level in levels:
        if level.least_lots > ceiling:
            continue
        price = level.price_minor
        accepting = [place for place in still_open if net[place] >= price]
        while len(accepting) >= shape.min_members:
            windows = fullest(cell, accepting, level, shape)
            if not windows:
                break
            rounds += 1
            rest: list[int] = []
            done = 0
            for start, stop, rank in windows:
                formed.append(Formed(rank, price, accepting[start:stop], rounds))
                rest += accepting[done:start]
                done = stop
            rest += accepting[done:]
            closed = set(accepting).difference(rest)
            still_open = [place for place in still_open if place not in closed]
            ceiling = _ceiling(cell, still_open, shape)
            accepting = rest
    return formed


def _ceiling(cell: Cell, places: Sequence[int], shape: Shape) -> int:
    """Return a number of lots that no window of these places exceeds, whatever the price."""
    if not places:
        return 0
    lots = [*map(cell.lots.__getitem__, places)]
    if cell.tolerances is not None:
        lots = [own + cell.tolerances[x] for x, own in zip(places, lots, strict=True)]
    sizes = [*map(cell.sizes.__getitem__, places)]
    return most_in_reach(sizes, [0, *accumulate(lots)], shape)
