"""What is left of package bids before any search: no useless ones, in parts that share no item.

A bid is its rows: the items that it names, and its group of alternatives.
Source: Sandholm, Suri, Gilpin and Levine 2005 (domination, components).
"""

from __future__ import annotations


def undominated(used: list[tuple[int, ...]], values: list[int], *, may_leave: bool) -> list[int]:
    """Return the bids, in order, that no other bid makes useless.

    A bid is useless when another uses a part of its rows (all of them, where every item
    must be covered) and is worth more, or as much with a smaller id.
    """
    by_row: dict[int, list[int]] = {}
    kept: list[int] = []
    sets = [frozenset(rows) for rows in used]
    for bid in sorted(range(len(used)), key=lambda bid: (len(used[bid]), -values[bid], bid)):
        rivals = {rival for row in used[bid] for rival in by_row.get(row, ())}
        is_useless = any(
            (values[rival] > values[bid] or (values[rival] == values[bid] and rival < bid))
            and (sets[rival] <= sets[bid] if may_leave else sets[rival] == sets[bid])
            for rival in rivals
        )
        if not is_useless:
            kept.append(bid)
            by_row.setdefault(used[bid][0], []).append(bid)
    return sorted(kept)


def components(kept: list[int], used: list[tuple[int, ...]]) -> list[tuple[list[int], list[int]]]:
    """Return connected parts as (bids, rows), each in order."""
    parent = {row: row for bid in kept for row in used[bid]}

    def root(row: int) -> int:
        while parent[row] != row:
            parent[row] = parent[parent[row]]
            row = parent[row]
        return row

    for bid in kept:
        for row in used[bid][1:]:
            parent[root(row)] = root(used[bid][0])
    parts: dict[int, tuple[list[int], list[int]]] = {}
    for row in sorted(parent):
        parts.setdefault(root(row), ([], []))[1].append(row)
    for bid in kept:
        parts[root(used[bid][0])][0].append(bid)
    return list(parts.values())
