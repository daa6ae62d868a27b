"""The bundle as columns and rows of whole numbers, for a solver to look at.

The model gives each tier of an offer its own copy of the steps, so that an offer's choices
are described by their convex hull; the textbook form with one big constant per tier leaves
gaps that no search closes. A box of prices turns each condition on prices into one on lots
that is at least as weak, and exact where the box is one price.

Sources: Balas (1998), "Disjunctive programming", Discrete Applied Mathematics 89; Hua &
Baldick (2017), "A convex primal formulation for convex hull pricing".
"""

from __future__ import annotations

from collections.abc import Iterator, Set
from dataclasses import dataclass, field

from matching.forwards.awarding import Accepted
from matching.forwards.bundle import Allocation, Bundle, Demand, Supply

Terms = list[tuple[int, int]]
MAX_PRICE = 10**15


@dataclass(frozen=True, slots=True)
class Box:
    """The prices an allocation must be supported by: from `lows` to `highs`, by tenor."""

    lows: tuple[int, ...]
    highs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Goal:
    """What to maximise instead of the surplus, which must reach `surplus`.

    Turns are numbered as `Layout.turns` yields them: `fixed` turns keep their lots, and the
    sum of weight × lots over the `weights` is made greatest.
    """

    surplus: int
    fixed: tuple[tuple[int, int], ...]
    weights: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Search:
    """Where to look and how hard. `gap_ppm` 0 proves the optimum.

    Banned orders, and tiers as (supply, tier), may not be accepted, and nobody buys below the
    `floor` by tenor, where there is one.
    """

    gap_ppm: int
    node_limit: int
    box: Box | None = None
    goal: Goal | None = None
    floor: tuple[int, ...] = ()
    banned_orders: frozenset[int] = frozenset()
    banned_tiers: frozenset[tuple[int, int]] = frozenset()


@dataclass(slots=True)
class Model:
    costs: list[int] = field(default_factory=list)
    lowers: list[int] = field(default_factory=list)
    uppers: list[int] = field(default_factory=list)
    whole: list[bool] = field(default_factory=list)
    starts: list[int] = field(default_factory=lambda: [0])
    indices: list[int] = field(default_factory=list)
    factors: list[int] = field(default_factory=list)
    row_lowers: list[int | None] = field(default_factory=list)
    row_uppers: list[int | None] = field(default_factory=list)

    def column(self, cost: int, lower: int, upper: int, *, whole: bool = False) -> int:
        self.costs.append(cost)
        self.lowers.append(lower)
        self.uppers.append(upper)
        self.whole.append(whole)
        return len(self.costs) - 1

    def row(self, terms: Terms, lower: int | None, upper: int | None) -> None:
        self.indices += [place for place, _ in terms]
        self.factors += [factor for _, factor in terms]
        self.starts.append(len(self.indices))
        self.row_lowers.append(lower)
        self.row_uppers.append(upper)

    def highest(self) -> int:
        """Return what no value of the objective exceeds."""
        return sum(
            max(0, cost * low, cost * high)
            for cost, low, high in zip(self.costs, self.lowers, self.uppers, strict=True)
        )


@dataclass(slots=True)
class Layout:
    """Which column is whose."""

    groups: dict[tuple[int, int], int] = field(default_factory=dict)
    parts: dict[int, list[int]] = field(default_factory=dict)
    taken: dict[int, int] = field(default_factory=dict)
    steps: list[list[list[int]]] = field(default_factory=list)
    tiers: list[list[int]] = field(default_factory=list)
    stores: list[int] = field(default_factory=list)

    def read(self, bundle: Bundle, values: list[int]) -> tuple[Accepted, Allocation]:
        alone = {key: values[column] for key, column in self.groups.items()}
        bought: list[tuple[int, ...]] = []
        for number, demand in enumerate(bundle.demands):
            if number in self.parts:
                bought.append(tuple(values[column] for column in self.parts[number]))
            elif demand.is_block:
                accepted = values[self.taken[number]]
                bought.append(tuple(accepted * lots for _, lots in demand.caps))
            else:
                key = (demand.caps[0][0], demand.limit)
                part = min(demand.lots, alone[key])
                alone[key] -= part
                bought.append((part,))
        taken = tuple(
            number in self.taken and values[self.taken[number]] == 1
            for number in range(len(bundle.demands))
        )
        tiers: list[int | None] = []
        sold: list[tuple[int, ...]] = []
        for supply, copies, choices in zip(bundle.supplies, self.steps, self.tiers, strict=True):
            chosen = next((r for r, column in enumerate(choices) if values[column] == 1), None)
            tiers.append(chosen if supply.is_lumpy else 0)
            lots = [sum(values[copy[k]] for copy in copies) for k in range(len(supply.steps))]
            sold.append(tuple(lots))
        stored = tuple(values[column] for column in self.stores)
        return Accepted(taken, tuple(tiers)), Allocation(
            tuple(bought), tuple(sold), tuple(tiers), stored
        )

    def turns(self, bundle: Bundle) -> Iterator[Terms]:
        """Yield the columns of each turn, as `turns` counts them."""
        for number, demand in enumerate(bundle.demands):
            if demand.is_block:
                yield [(self.taken[number], demand.lots)]
            else:
                yield [(column, 1) for column in self.parts[number]]
                yield from ([(column, 1)] for column in self.parts[number][:-1])
        for supply, copies in zip(bundle.supplies, self.steps, strict=True):
            yield [(column, 1) for copy in copies for column in copy]
            yield from ([(copy[k], 1) for copy in copies] for k in range(len(supply.steps) - 1))
        for column in self.stores:
            yield [(column, 1)]


def turns(bundle: Bundle, found: Allocation) -> list[tuple[int, int]]:
    """Return (lots, most possible) of each turn: who is served before whom.

    Each demand in order, its total and then its tenors; each supply likewise; each store.
    What follows from the turns before has no turn of its own.
    """
    listed: list[tuple[int, int]] = []
    for demand, lots in zip(bundle.demands, found.bought, strict=True):
        listed.append((sum(lots), demand.lots))
        if not demand.is_block:
            parts = zip(lots, demand.caps, strict=True)
            listed += [(part, cap) for part, (_, cap) in parts][:-1]
    for supply, lots in zip(bundle.supplies, found.sold, strict=True):
        listed.append((sum(lots), supply.capacity))
        steps = zip(lots, supply.steps, strict=True)
        listed += [(part, size) for part, (_, size, _) in steps][:-1]
    for store, held in zip(bundle.stores, found.stored, strict=True):
        listed.append((held, store.capacity))
    return listed


def laid_out(model: Model, bundle: Bundle, search: Search) -> Layout:
    """Fill the model; its last rows balance the tenors unless there is a goal."""
    layout = Layout()
    balance: list[Terms] = [[] for _ in bundle.tenors]
    count = len(bundle.tenors)
    box = search.box or Box(search.floor or (0,) * count, (MAX_PRICE,) * count)
    _plain_demands(model, bundle, box, layout, balance, apart=search.goal is not None)
    for number, demand in enumerate(bundle.demands):
        at_most = 0 if number in search.banned_orders else 1
        if demand.is_block:
            least = sum(box.lows[tenor] * lots for tenor, lots in demand.caps)
            at_most = 0 if least > demand.limit * demand.lots else at_most
            column = model.column(demand.limit * demand.lots, 0, at_most, whole=True)
            layout.taken[number] = column
            for tenor, lots in demand.caps:
                balance[tenor].append((column, -lots))
        elif not demand.is_plain:
            _divided_demand(model, demand, number, box, layout, balance, at_most)
    for number, supply in enumerate(bundle.supplies):
        if supply.is_lumpy:
            banned = {tier for other, tier in search.banned_tiers if other == number}
            _lumpy_supply(model, supply, box, layout, balance, banned)
        else:
            _plain_supply(model, supply, box, layout, balance)
    for store in bundle.stores:
        rises = box.lows[store.target] - box.highs[store.source]
        falls = box.highs[store.target] - box.lows[store.source]
        lower = store.capacity if rises > store.carry else 0
        upper = 0 if falls < store.carry else store.capacity
        if lower > upper:
            model.row([], 1, 1)
        column = model.column(-store.carry, min(lower, upper), upper)
        layout.stores.append(column)
        balance[store.source].append((column, -1))
        balance[store.target].append((column, 1))
    for terms in balance:
        model.row(terms, 0, 0)
    if search.goal is not None:
        _aim(model, bundle, layout, search.goal)
    if search.box is not None or search.goal is not None:
        model.whole = [True] * len(model.whole)
    return layout


def _aim(model: Model, bundle: Bundle, layout: Layout, goal: Goal) -> None:
    model.row([(place, cost) for place, cost in enumerate(model.costs) if cost], goal.surplus, None)
    model.costs = [0] * len(model.costs)
    terms = list(layout.turns(bundle))
    for turn, lots in goal.fixed:
        model.row(terms[turn], lots, lots)
    for turn, weight in goal.weights:
        for column, factor in terms[turn]:
            model.costs[column] += weight * factor


def _plain_demands(
    model: Model,
    bundle: Bundle,
    box: Box,
    layout: Layout,
    balance: list[Terms],
    *,
    apart: bool,
) -> None:
    """Give alike demands one column together, or each its own where it matters whose it is."""
    together: dict[tuple[int, int, int], int] = {}
    for number, demand in enumerate(bundle.demands):
        if demand.is_plain:
            key = (demand.caps[0][0], demand.limit, number if apart else -1)
            together[key] = together.get(key, 0) + demand.lots
    for (tenor, limit, number), lots in sorted(together.items()):
        lower = lots if limit > box.highs[tenor] else 0
        upper = 0 if limit < box.lows[tenor] else lots
        column = model.column(limit, lower, upper)
        balance[tenor].append((column, -1))
        if apart:
            layout.parts[number] = [column]
        else:
            layout.groups[tenor, limit] = column


def _divided_demand(
    model: Model,
    demand: Demand,
    number: int,
    box: Box,
    layout: Layout,
    balance: list[Terms],
    at_most: int,
) -> None:
    """Lay out a demand over several tenors, or with a minimum."""
    taken = None
    if demand.least:
        taken = model.column(0, 0, at_most, whole=True)
        layout.taken[number] = taken
    columns: list[int] = []
    for tenor, cap in demand.caps:
        column = model.column(demand.limit, 0, 0 if demand.limit < box.lows[tenor] else cap)
        columns.append(column)
        balance[tenor].append((column, -1))
        if taken is not None:
            model.row([(column, 1), (taken, -cap)], None, 0)
    layout.parts[number] = columns
    total = [(column, 1) for column in columns]
    if taken is None:
        model.row(total, 0, demand.lots)
    else:
        model.row([*total, (taken, -demand.least)], 0, None)
        model.row([*total, (taken, -demand.lots)], None, 0)
    must = [
        (column, cap)
        for column, (tenor, cap) in zip(columns, demand.caps, strict=True)
        if demand.limit > box.highs[tenor]
    ]
    _fill(model, total, must, demand.lots, taken)


def _fill(
    model: Model, total: Terms, must: list[tuple[int, int]], lots: int, taken: int | None
) -> None:
    """Require the whole total, or all that is strictly in the money, if taken at all."""
    if not must:
        return
    if sum(size for _, size in must) >= lots:
        if taken is None:
            model.row(total, lots, None)
        else:
            model.row([*total, (taken, -lots)], 0, None)
        return
    whole = model.column(0, 0, 1, whole=True)
    model.row([*total, (whole, -lots)], 0, None)
    for column, size in must:
        if taken is None:
            model.row([(column, 1), (whole, size)], size, None)
        else:
            model.row([(column, 1), (whole, size), (taken, -size)], 0, None)


def _plain_supply(
    model: Model, supply: Supply, box: Box, layout: Layout, balance: list[Terms]
) -> None:
    columns: list[int] = []
    for tenor, size, ask in supply.steps:
        column = model.column(-ask, 0, 0 if ask > box.highs[tenor] else size)
        columns.append(column)
        balance[tenor].append((column, 1))
    total = [(column, 1) for column in columns]
    if supply.capacity < sum(size for _, size, _ in supply.steps):
        model.row(total, 0, supply.capacity)
    must = [
        (column, size)
        for column, (tenor, size, ask) in zip(columns, supply.steps, strict=True)
        if ask < box.lows[tenor]
    ]
    offered = sum(size for _, size, _ in supply.steps)
    if supply.capacity >= offered:
        for column, size in must:
            model.row([(column, 1)], size, None)
    else:
        _fill(model, total, must, supply.capacity, None)
    layout.steps.append([columns])
    layout.tiers.append([])


def _lumpy_supply(
    model: Model,
    supply: Supply,
    box: Box,
    layout: Layout,
    balance: list[Terms],
    banned: Set[int],
) -> None:
    """Give each tier its own copy of the steps: the convex hull of the offer's choices."""
    copies: list[list[int]] = []
    choices: list[int] = []
    earned: Terms = []
    for number, tier in enumerate(supply.tiers):
        chosen = model.column(0, 0, 0 if number in banned else 1, whole=True)
        copy: list[int] = []
        for tenor, size, ask in supply.steps:
            size = min(size, tier.high)
            column = model.column(tier.rebate - ask, 0, size)
            copy.append(column)
            balance[tenor].append((column, 1))
            model.row([(column, 1), (chosen, -size)], None, 0)
            earned.append((column, box.highs[tenor] - ask + tier.rebate))
        total = [(column, 1) for column in copy]
        model.row([*total, (chosen, -tier.low)], 0, None)
        model.row([*total, (chosen, -tier.high)], None, 0)
        copies.append(copy)
        choices.append(chosen)
    model.row([(chosen, 1) for chosen in choices], 0, 1)
    if any(factor < 0 for _, factor in earned):
        model.row(earned, 0, None)
    layout.steps.append(copies)
    layout.tiers.append(choices)
