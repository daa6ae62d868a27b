"""Why a pledge was left out: the first of these words that is true.

`no_offer`: nobody offers in its cell. `capacity`: its pool was formed, but the lots did not
suffice. `limit_below_all_prices`: its net limit reaches no price. `break_not_reached`: the pools
that were formed leave buyers of similar size enough for another, but their lots reach no break
(and pack) that they all accept. `too_few_members`: they leave fewer owner groups of similar size
than a pool needs. `no_similar_size`: no other owner group in the cell is within the ratio.

Whose pool was formed and lost its lots to scarcity is not left by the formation: nobody else
could have pooled with him, so he counts in nobody else's reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

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
    lonely = []
    for place, is_enough in zip(accepting, _among_enough(cell, accepting, shape), strict=True):
        found[place] = "break_not_reached"
        if not is_enough:
            lonely.append(place)
    for place, has_peer in zip(lonely, _have_peers(cell, lonely, shape), strict=True):
        found[place] = "too_few_members" if has_peer else "no_similar_size"
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


def _have_peers(cell: Cell, places: Sequence[int], shape: Shape) -> Iterator[bool]:
    """Tell for each place whether another owner group of the cell has a size within the ratio.

    Nearest in size are those beside the stretch of neighbours of one owner.
    """
    owners, sizes = cell.all_owners, cell.sizes
    below = above = -1
    for place in places:
        if place >= above:
            below, above = place - 1, place + 1
            while below >= 0 and owners[below] == owners[place]:
                below -= 1
            while above < len(owners) and owners[above] == owners[place]:
                above += 1
        smaller = below >= 0 and _is_similar(sizes[below], sizes[place], shape)
        yield smaller or (above < len(sizes) and _is_similar(sizes[place], sizes[above], shape))


def _is_similar(small: int, large: int, shape: Shape) -> bool:
    return large * shape.denominator <= small * shape.numerator
