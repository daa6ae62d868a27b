"""Whole-number flows in a network with bounds and costs, made cheapest exactly.

A circulation: what enters a node leaves it. From any starting flow, `settle` first restores
balance along shortest paths, then cancels cycles of negative cost until none is left (Klein,
1967), and returns potentials that prove it: no arc with room left has a negative reduced
cost. From a good proposal few steps are needed; from none it is still exact.

`Raising` then moves within the flows of that same least cost.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Container, Iterable, Sequence, Set
from dataclasses import dataclass, field


@dataclass(slots=True)
class Network:
    """Arcs by number; arc `a` carries `flows[a]` within its bounds."""

    nodes: int
    tails: list[int] = field(default_factory=list)
    heads: list[int] = field(default_factory=list)
    lowers: list[int] = field(default_factory=list)
    uppers: list[int] = field(default_factory=list)
    costs: list[int] = field(default_factory=list)
    flows: list[int] = field(default_factory=list)

    def add_node(self) -> int:
        self.nodes += 1
        return self.nodes - 1

    def add(self, tail: int, head: int, bounds: tuple[int, int], *, cost: int, flow: int) -> int:
        """Add an arc, its flow clipped to its bounds, and return its number."""
        lower, upper = bounds
        self.tails.append(tail)
        self.heads.append(head)
        self.lowers.append(lower)
        self.uppers.append(upper)
        self.costs.append(cost)
        self.flows.append(min(max(flow, lower), upper))
        return len(self.tails) - 1


def settle(network: Network, hint: Sequence[int] = ()) -> list[int] | None:
    """Make the flow a circulation of least cost and return potentials that prove it.

    Potentials are whole numbers. `hint` is a guess at those of the first nodes; a good one
    saves time, and the flow is of least cost with any. Where the bounds allow no circulation
    nothing is returned.
    """
    out = _out_arcs(network)
    if not _balance(network):
        return None
    while True:
        potentials, cycle = _search(network, out, _guessed(network, hint))
        if not cycle:
            return potentials
        _push(network, cycle, _room(network, cycle))


class Raising:
    """Moves within the flows of least cost, on arcs that potentials leave undecided.

    Each arc has one turn: as much as possible is brought through it, and then it is closed. An
    arc at whose end no other is open lies on no cycle and is closed with it.
    """

    def __init__(self, network: Network, undecided: Iterable[int]) -> None:
        self.network = network
        self.open = set(undecided)
        self.listed = len(self.open)
        self.ways = _ways_of(network, sorted(self.open))
        self.degrees = {node: len(ways) for node, ways in self.ways.items()}
        self.reached: dict[int, Set[int]] = {}
        for node in sorted(self.degrees):
            self._close_dead(node)

    def raise_flow(self, arc: int) -> None:
        if arc not in self.open:
            return
        start, end = self.network.heads[arc], self.network.tails[arc]
        self.open.remove(arc)
        self._raise_around(arc, start, end)
        self.degrees[start] -= 1
        self.degrees[end] -= 1
        self._close_dead(start)
        self._close_dead(end)
        if 2 * len(self.open) < self.listed:
            self.listed = len(self.open)
            self.ways = _ways_of(self.network, sorted(self.open))

    def _raise_around(self, arc: int, start: int, end: int) -> None:
        while self.network.flows[arc] < self.network.uppers[arc]:
            # What was out of reach stays so: pushing round a cycle opens no new end.
            if end not in self.reached.get(start, (end,)):
                return
            path, reached = _path(self.network, self.ways, start, {end}, self.open)
            if path is None:
                self.reached[start] = reached
                return
            cycle = [arc, *path]
            _push(self.network, cycle, _room(self.network, cycle))

    def _close_dead(self, node: int) -> None:
        """Close the last open arc at a node, and so on at its other end."""
        while self.degrees[node] == 1:
            way, other = next(
                (way, other)
                for way, other in self.ways[node]
                if (way if way >= 0 else ~way) in self.open
            )
            self.open.remove(way if way >= 0 else ~way)
            self.degrees[node] = 0
            self.degrees[other] -= 1
            node = other


Ways = dict[int, list[tuple[int, int]]]


def _ways_of(network: Network, arcs: Iterable[int]) -> Ways:
    """Return by node the (way, other end) of these arcs, forwards and backwards."""
    out: Ways = {}
    for arc in arcs:
        out.setdefault(network.tails[arc], []).append((arc, network.heads[arc]))
        out.setdefault(network.heads[arc], []).append((~arc, network.tails[arc]))
    return out


def residual_room(network: Network, way: int) -> int:
    """Return the room of arc `way` forwards, or of arc `~way` backwards."""
    if way >= 0:
        return network.uppers[way] - network.flows[way]
    return network.flows[~way] - network.lowers[~way]


def _guessed(network: Network, hint: Sequence[int]) -> list[int]:
    """Give each node without a hint the highest potential that its neighbours' hints allow."""
    if not hint:
        return [0] * network.nodes
    given = len(hint)
    highest = sum(abs(cost) for cost in network.costs)
    found = [*hint, *([highest] * (network.nodes - given))]
    for arc, (tail, head) in enumerate(zip(network.tails, network.heads, strict=True)):
        cost = network.costs[arc]
        if head >= given > tail and network.flows[arc] < network.uppers[arc]:
            found[head] = min(found[head], found[tail] + cost)
        if tail >= given > head and network.flows[arc] > network.lowers[arc]:
            found[tail] = min(found[tail], found[head] - cost)
    return found


def _out_arcs(network: Network) -> list[list[tuple[int, int, int]]]:
    """Return by node the (way, other end, cost) of arcs, forwards and backwards."""
    out: list[list[tuple[int, int, int]]] = [[] for _ in range(network.nodes)]
    for arc, (tail, head) in enumerate(zip(network.tails, network.heads, strict=True)):
        if network.lowers[arc] < network.uppers[arc]:
            out[tail].append((arc, head, network.costs[arc]))
            out[head].append((~arc, tail, -network.costs[arc]))
    return out


def _balance(network: Network) -> bool:
    excess = [0] * network.nodes
    for tail, head, flow in zip(network.tails, network.heads, network.flows, strict=True):
        excess[tail] -= flow
        excess[head] += flow
    if not any(excess):
        return True
    arcs = range(len(network.tails))
    ways = _ways_of(network, arcs)
    for node in range(network.nodes):
        while excess[node] > 0:
            lacking = {end for end in range(network.nodes) if excess[end] < 0}
            path, _ = _path(network, ways, node, lacking, arcs)
            if path is None:
                return False
            end = network.heads[path[-1]] if path[-1] >= 0 else network.tails[~path[-1]]
            amount = min(excess[node], -excess[end], _room(network, path))
            _push(network, path, amount)
            excess[node] -= amount
            excess[end] += amount
    return True


def _path(
    network: Network, out: Ways, start: int, ends: Set[int], arcs: Container[int]
) -> tuple[list[int] | None, Set[int]]:
    """Return the fewest ways with room from start to one of the ends, and what was reached."""
    if start in ends:
        return [], ends
    came: dict[int, tuple[int, int] | None] = {start: None}
    queue = deque([start])
    flows, lowers, uppers = network.flows, network.lowers, network.uppers
    while queue:
        node = queue.popleft()
        for way, head in out.get(node, ()):
            if head in came:
                continue
            arc = way if way >= 0 else ~way
            if (uppers[arc] <= flows[arc]) if way >= 0 else (flows[arc] <= lowers[arc]):
                continue
            if arc not in arcs:
                continue
            came[head] = (way, node)
            if head in ends:
                return _traced(came, head), ends
            queue.append(head)
    return None, came.keys()


def _traced(came: dict[int, tuple[int, int] | None], node: int) -> list[int]:
    path: list[int] = []
    step = came[node]
    while step is not None:
        way, node = step
        path.append(way)
        step = came[node]
    return path[::-1]


def _room(network: Network, ways: list[int]) -> int:
    return min(residual_room(network, way) for way in ways)


def _push(network: Network, ways: list[int], amount: int) -> None:
    for way in ways:
        if way >= 0:
            network.flows[way] += amount
        else:
            network.flows[~way] -= amount


def _search(
    network: Network, out: list[list[tuple[int, int, int]]], distance: list[int]
) -> tuple[list[int], list[int]]:
    """Return potentials without a cycle, or a cycle of negative cost (Bellman–Ford, queued)."""
    came: list[tuple[int, int] | None] = [None] * network.nodes
    waiting = [True] * network.nodes
    queue = deque(range(network.nodes))
    relaxed = 0
    flows, lowers, uppers = network.flows, network.lowers, network.uppers
    while queue:
        node = queue.popleft()
        waiting[node] = False
        here = distance[node]
        for way, head, cost in out[node]:
            if here + cost >= distance[head]:
                continue
            if (uppers[way] <= flows[way]) if way >= 0 else (flows[~way] <= lowers[~way]):
                continue
            distance[head] = here + cost
            came[head] = (way, node)
            relaxed += 1
            if relaxed % network.nodes == 0:
                cycle = _cycle(came)
                if cycle:
                    return distance, cycle
            if not waiting[head]:
                waiting[head] = True
                queue.append(head)
    return distance, []


def _cycle(came: list[tuple[int, int] | None]) -> list[int]:
    """Return a cycle among the ways that nodes were reached by, if there is one."""
    seen = [0] * len(came)
    for start in range(len(came)):
        node, mark = start, start + 1
        while not seen[node]:
            seen[node] = mark
            step = came[node]
            if step is None:
                break
            node = step[1]
        else:
            if seen[node] == mark:
                return _around(came, node)
    return []


def _around(came: list[tuple[int, int] | None], start: int) -> list[int]:
    ways: list[int] = []
    node = start
    while True:
        step = came[node]
        assert step is not None, "a node on a cycle was reached"
        ways.append(step[0])
        node = step[1]
        if node == start:
            return ways[::-1]
