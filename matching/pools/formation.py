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

Round = list[tuple[int, Sequence[int]]]  # Windows closed at once: the offer's rank, the places.


def cascade(
    cell: Cell, levels: Sequence[Level], shape: Shape, closed: Sequence[Formed] = ()
) -> list[Formed]:
    """Return the pools of a cell under the objective `stable`, capacities aside.

    `closed` are the pools of deeper prices than those of `levels`.
    """
    formed = [*closed]
    net = cell.net_minor
    accepting: Sequence[int] = range(len(net))
    if closed:
        pooled: set[int] = set()
        pooled.update(*[pool.places for pool in closed])
        accepting = [place for place in accepting if place not in pooled]
    most = NEVER
    rounds = max([pool.round for pool in closed], default=0)
    for level in levels:
        if level.least_lots > most:
            continue
        price = level.price_minor
        # Whoever accepts a price accepts every deeper one: the line only shrinks, and so does
        # the most that a window of it can hold.
        accepting = [place for place in accepting if net[place] >= price]
        widest, found = rounds_at(cell, accepting, level, shape)
        most = min(most, widest)
        for windows in found:
            rounds += 1
            for rank, places in windows:
                formed.append(Formed(rank, price, places, rounds))
        if found:
            taken: set[int] = set()
            taken.update(*[places for windows in found for _, places in windows])
            accepting = [place for place in accepting if place not in taken]
    return formed


def rounds_at(
    cell: Cell, accepting: Sequence[int], level: Level, shape: Shape
) -> tuple[int, list[Round]]:
    """Return what no window of those who accept exceeds in lots, and the rounds of a level.

    After a round a lawful window can only be made of those passed by within a stretch that
    lawful windows covered: with everyone between it would have been lawful before.
    """
    rounds: list[Round] = []
    most = 0
    while len(accepting) >= shape.min_members:
        line = line_of(cell, accepting, level.least_lots, shape)
        widest, cover = line.widest()
        most = most or widest
        if not level.is_plain and cover:
            cover = [(0, len(accepting))]
        passed: list[int] = []
        closed: Round = []
        for first, edge in cover:
            done = first
            for start, stop, rank in fullest(line, level, first, edge):
                closed.append((rank, accepting[start:stop]))
                passed += accepting[done:start]
                done = stop
            passed += accepting[done:edge]
        if not closed:
            break
        rounds.append(closed)
        accepting = passed
    return most, rounds
