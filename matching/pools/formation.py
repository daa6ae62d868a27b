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

from matching.pools.cells import Cell, Formed
from matching.pools.price_breaks import NEVER, Level
from matching.pools.stretches import Shape, line_of
from matching.pools.windows import fullest


def cascade(cell: Cell, levels: Sequence[Level], shape: Shape) -> list[Formed]:
    """Return the pools of a cell under the objective `stable`, capacities aside."""
    formed: list[Formed] = []
    net = cell.net_minor
    accepting: list[int] = [*range(len(net))]
    most = NEVER
    rounds = 0
    for level in levels:
        if level.least_lots > most:
            continue
        price = level.price_minor
        # Whoever accepts a price accepts every deeper one: the line only shrinks, and so does
        # the most that a window of it can hold.
        accepting = [place for place in accepting if net[place] >= price]
        while len(accepting) >= shape.min_members:
            most = cell.most_lots(accepting)
            if most < level.least_lots:
                break
            line = line_of(cell, accepting, level.least_lots, shape)
            most = line.most_lots()
            windows = fullest(line, level) if most >= level.least_lots else []
            if not windows:
                break
            rounds += 1
            rest: list[int] = []
            done = 0
            for start, stop, rank in windows:
                formed.append(Formed(rank, price, accepting[start:stop], rounds))
                rest += accepting[done:start]
                done = stop
            accepting = rest + accepting[done:]
    return formed
