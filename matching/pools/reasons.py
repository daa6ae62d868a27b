"""Why a pledge was left out: the first of these words that is true.

`no_offer`: nobody offers in its cell. `capacity`: its pool was formed, but the lots did not
suffice. `limit_below_all_prices`: its net limit reaches no price. `break_not_reached`: buyers
of similar size enough for a pool are left out too, but their lots reach no break (and pack)
that they all accept. `too_few_members`: those of similar size left out are fewer owner groups
than a pool needs. `no_similar_size`: no other owner group in the cell is within the ratio.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from matching.pools.cells import Cell
from matching.pools.price_breaks import Level
from matching.pools.stretches import Shape
from matching.pools.values import Reason


def reasons(
    cell: Cell, left: Sequence[int], levels: Sequence[Level], shape: Shape, cut: Iterable[int]
) -> dict[int, Reason]:
    """Return the reason of each place of `left`, which ascends; `cut` had a pool and lost it."""
    found: dict[int, Reason] = dict.fromkeys(cut, "capacity")
    still_open = [place for place in left if place not in found]
    if levels:
        deepest = levels[0].price_minor
        accepting = [place for place in still_open if cell.net_minor[place] >= deepest]
        found |= dict.fromkeys(still_open, "limit_below_all_prices")
    else:
        accepting = still_open
    enough = _among_enough(cell, accepting, shape)
    for place, is_enough in zip(accepting, enough, strict=True):
        if is_enough:
            found[place] = "break_not_reached"
        else:
            found[place] = "too_few_members" if _has_peer(cell, place, shape) else "no_similar_size"
    return found


def _among_enough(cell: Cell, places: Sequence[int], shape: Shape) -> list[bool]:
    """Tell for each place whether a stretch of similar size around it has enough groups."""
    enough = [False] * len(places)
    done = stop = 0
    held: dict[str, int] = {}
    for first, place in enumerate(places):
        ceiling = cell.sizes[place] * shape.numerator
        while stop < len(places) and cell.sizes[places[stop]] * shape.denominator <= ceiling:
            owner = cell.all_owners[places[stop]]
            held[owner] = held.get(owner, 0) + 1
            stop += 1
        if len(held) >= shape.min_members:
            start = max(first, done)
            enough[start:stop] = [True] * (stop - start)
            done = stop
        owner = cell.all_owners[place]
        held[owner] -= 1
        if not held[owner]:
            del held[owner]
    return enough


def _has_peer(cell: Cell, place: int, shape: Shape) -> bool:
    """Tell whether another owner group of the cell has a size within the ratio."""
    owner, size = cell.all_owners[place], cell.sizes[place]
    for step in (-1, 1):
        other = place + step
        while 0 <= other < len(cell.sizes):
            small, large = sorted((size, cell.sizes[other]))
            if large * shape.denominator > small * shape.numerator:
                break
            if cell.all_owners[other] != owner:
                return True
            other += step
    return False
