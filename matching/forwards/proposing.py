"""The solver's proposal: what to accept, and how much is at most to be gained.

The model gives each tier of an offer its own copy of the steps, so that an offer's choices
are described by their convex hull; the textbook form with one big constant per tier leaves
gaps that no search closes. What comes back is a guess in whole lots and a bound: nothing
here is believed before it is made exact. One thread, a fixed seed and a node limit, no
clock: the same bundle gives the same proposal.

Sources: Balas (1998), "Disjunctive programming", Discrete Applied Mathematics 89; Hua &
Baldick (2017), "A convex primal formulation for convex hull pricing".
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass, field
from math import floor
from typing import Any

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
class Search:
    """Where to look and how hard. `gap_ppm` 0 proves the optimum.

    Banned orders, and tiers as (supply, tier), may not be accepted.
    """

    gap_ppm: int
    node_limit: int
    box: Box | None = None
    banned_orders: frozenset[int] = frozenset()
    banned_tiers: frozenset[tuple[int, int]] = frozenset()


@dataclass(frozen=True, slots=True)
class Proposal:
    """A guess at the best allocation, and no more than this surplus is possible."""

    choice: Accepted
    start: Allocation
    bound: int
    is_proved: bool


def propose(bundle: Bundle, search: Search) -> Proposal | None:
    """Return the solver's best guess, or nothing where the search space is empty."""
    model = _Model()
    layout = _laid_out(model, bundle, search)
    solved = model.maximised(search)
    if solved is None:
        return None
    values, bound, is_proved = solved
    choice, start = layout.read(bundle, values)
    return Proposal(choice, start, bound, is_proved)


def relaxed_prices(bundle: Bundle) -> tuple[int, ...]:
    """Return whole prices by tenor near those of the relaxed model, to bound the surplus by."""
    model = _Model()
    _laid_out(model, bundle, Search(0, 0))
    return tuple(model.duals()[-len(bundle.tenors) :])


def solver_version() -> str:
    """Return the name and version of the solver, for the certificate."""
    import highspy  # loaded only where a proposal is asked for

    make: Any = highspy.Highs
    return f"highs {make().version()}"


@dataclass(slots=True)
class _Model:
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

    def maximised(self, search: Search) -> tuple[list[int], int, bool] | None:
        """Return the values in whole numbers, the bound, and whether it is the optimum."""
        import highspy  # loaded only where a proposal is asked for

        solver = _solver(search)
        solver.passModel(self._program(highspy, all_whole=search.box is not None))
        solver.run()
        status = solver.getModelStatus()
        found = solver.getSolution()
        if not found.value_valid:
            return None
        info = solver.getInfo()
        is_proved = status == highspy.HighsModelStatus.kOptimal
        has_columns = any(self.whole) or search.box is not None
        bound = info.mip_dual_bound if has_columns else info.objective_function_value
        limit = sum(max(0, c * u, c * low) for c, low, u in self._extents())
        most = floor(100 * bound + 1) // 100 if abs(bound) <= limit else limit
        return [round(value) for value in found.col_value], most, is_proved

    def duals(self) -> list[int]:
        """Return the value of one more unit of each row's bound, in the relaxed model."""
        import highspy  # loaded only where a proposal is asked for

        solver = _solver(Search(0, 0))
        self.whole = [False] * len(self.whole)
        solver.passModel(self._program(highspy, all_whole=False))
        solver.run()
        return [-round(value) for value in solver.getSolution().row_dual]

    def _extents(self) -> Sequence[tuple[int, int, int]]:
        return list(zip(self.costs, self.lowers, self.uppers, strict=True))

    def _program(self, highspy: Any, *, all_whole: bool) -> Any:
        kinds = highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger
        program = highspy.HighsLp()
        program.num_col_, program.num_row_ = len(self.costs), len(self.row_lowers)
        program.col_cost_ = self.costs
        program.col_lower_, program.col_upper_ = self.lowers, self.uppers
        none = highspy.kHighsInf
        program.row_lower_ = [-none if low is None else low for low in self.row_lowers]
        program.row_upper_ = [none if high is None else high for high in self.row_uppers]
        program.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        program.a_matrix_.start_ = self.starts
        program.a_matrix_.index_ = self.indices
        program.a_matrix_.value_ = self.factors
        if all_whole or any(self.whole):
            program.integrality_ = [kinds[all_whole or whole] for whole in self.whole]
        program.sense_ = highspy.ObjSense.kMaximize
        return program


def _solver(search: Search) -> Any:
    import highspy  # loaded only where a proposal is asked for

    options: tuple[tuple[str, object], ...] = (
        ("output_flag", False),
        ("threads", 1),
        ("random_seed", 0),
        ("mip_max_nodes", search.node_limit),
        ("mip_rel_gap", search.gap_ppm * 1e-6),
        ("mip_abs_gap", 0.5),
        ("mip_feasibility_tolerance", 1e-7),
    )
    make: Any = highspy.Highs
    solver = make()
    for name, value in options:
        solver.setOptionValue(name, value)
    return solver


@dataclass(slots=True)
class _Layout:
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
            if demand.is_plain:
                key = (demand.caps[0][0], demand.limit)
                part = min(demand.lots, alone[key])
                alone[key] -= part
                bought.append((part,))
            elif demand.is_block:
                accepted = values[self.taken[number]]
                bought.append(tuple(accepted * lots for _, lots in demand.caps))
            else:
                bought.append(tuple(values[column] for column in self.parts[number]))
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


def _laid_out(model: _Model, bundle: Bundle, search: Search) -> _Layout:
    layout = _Layout()
    balance: list[Terms] = [[] for _ in bundle.tenors]
    box = search.box or Box((0,) * len(bundle.tenors), (MAX_PRICE,) * len(bundle.tenors))
    _plain_demands(model, bundle, box, layout, balance)
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
    return layout


def _plain_demands(
    model: _Model, bundle: Bundle, box: Box, layout: _Layout, balance: list[Terms]
) -> None:
    together: dict[tuple[int, int], int] = {}
    for demand in bundle.demands:
        if demand.is_plain:
            key = (demand.caps[0][0], demand.limit)
            together[key] = together.get(key, 0) + demand.lots
    for (tenor, limit), lots in sorted(together.items()):
        lower = lots if limit > box.highs[tenor] else 0
        upper = 0 if limit < box.lows[tenor] else lots
        column = model.column(limit, lower, upper)
        layout.groups[tenor, limit] = column
        balance[tenor].append((column, -1))


def _divided_demand(
    model: _Model,
    demand: Demand,
    number: int,
    box: Box,
    layout: _Layout,
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
    model: _Model, total: Terms, must: list[tuple[int, int]], lots: int, taken: int | None
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
    model: _Model, supply: Supply, box: Box, layout: _Layout, balance: list[Terms]
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
    model: _Model,
    supply: Supply,
    box: Box,
    layout: _Layout,
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
