"""One connected problem of choosing package bids, in whole numbers, and its solver.

The solver (HiGHS, one thread, fixed seed) only proposes: sets of bids are checked and
summed in integers here, and a bound from its prices is recomputed exactly. For any item
prices y, and y ≥ 0 where an item may stay unsold,

    best value ≤ Σ y(item) + Σ over bids max(0, amount − Σ y(items of the bid))

so rounding the solver's prices to fractions of `PRICE_UNIT` costs tightness, never truth
(linear programming duality; Geoffrion 1974). Where suppliers sell to one buyer the
amounts are negated, so that everything below looks for the largest value.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from matching import solver as highspy

PRICE_UNIT = 1 << 24
NEAR = 50
NEARING = 33
MAX_EXACT_TOTAL = 1 << 46
MOST_TIGHTENINGS = 40
COARSE_BITS = 20


@dataclass(frozen=True, slots=True)
class Problem:
    """Bids by number in order of id. Rows are items, then groups of alternatives.

    `values` are what a bid is worth, `rows` the rows that it uses, in rising order. The
    first `must_cover` rows must be used exactly once, the others at most once.
    """

    values: tuple[int, ...]
    rows: tuple[tuple[int, ...], ...]
    row_count: int
    must_cover: int

    @property
    def area(self) -> int:
        return self.row_count * len(self.values)

    def total(self, chosen: Iterable[int]) -> int:
        return sum(self.values[bid] for bid in chosen)

    def is_lawful(self, chosen: Iterable[int]) -> bool:
        """Check a set of bids against every row, in integers."""
        used = [0] * self.row_count
        for bid in chosen:
            for row in self.rows[bid]:
                used[row] += 1
        return max(used, default=0) <= 1 and all(used[: self.must_cover])


@dataclass(frozen=True, slots=True)
class Relaxation:
    """Prices by row in fractions of `PRICE_UNIT`, the exact bound that they prove.

    `slacks` say for each bid how much the bound falls when the bid is forced in.
    """

    prices: tuple[int, ...]
    slacks: tuple[int, ...]
    bound_units: int
    integral: tuple[int, ...] | None

    @property
    def bound(self) -> int:
        return self.bound_units // PRICE_UNIT

    def may_win(self, bid: int, value: int) -> bool:
        """Say whether a set with this bid may be worth `value`; False is proved."""
        return (self.bound_units - self.slacks[bid]) // PRICE_UNIT >= value


@dataclass(frozen=True, slots=True)
class Proposal:
    """The best set found, or None; `is_complete` when nothing better was left to find."""

    chosen: tuple[int, ...] | None
    bound: int
    is_complete: bool
    nodes: int
    work: int


def relax(problem: Problem) -> Relaxation | None:
    """Solve the linear relaxation; None where even that has no solution.

    Where amounts are beyond the solver's arithmetic it is asked again in a coarser unit, and where
    that fails too no prices are claimed: they bound less, and never wrongly.
    """
    solver = new_solver(problem, range(len(problem.values)))
    solver.run()
    if solver.getModelStatus() == highspy.HighsModelStatus.kSolveError:
        _set_coarser(solver, problem)
        solver.run()
    status = solver.getModelStatus()
    if status == highspy.HighsModelStatus.kInfeasible:
        return None
    solution = solver.getSolution()
    prices = [0] * problem.row_count
    if status == highspy.HighsModelStatus.kOptimal:
        prices = [round(-price * PRICE_UNIT) for price in solution.row_dual]
    for row in range(problem.must_cover, problem.row_count):
        prices[row] = max(0, prices[row])
    bound, slacks = sum(prices), []
    for value, rows in zip(problem.values, problem.rows, strict=True):
        slack = sum(prices[row] for row in rows) - value * PRICE_UNIT
        bound += max(0, -slack)
        slacks.append(max(0, slack))
    chosen = [bid for bid, share in enumerate(solution.col_value) if round(share) == 1]
    is_integral = problem.is_lawful(chosen) and problem.total(chosen) == bound // PRICE_UNIT
    return Relaxation(tuple(prices), tuple(slacks), bound, tuple(chosen) if is_integral else None)


def tightened(
    problem: Problem, broken: Callable[[Sequence[int]], Iterable[tuple[int, ...]]]
) -> Problem:
    """Return the problem with rows that its relaxation broke behind its own, as far as they bind.

    `broken` is told what share of `PRICE_UNIT` each bid has, and names bids of which at most one
    can win.
    """
    solver = new_solver(problem, range(len(problem.values)))
    found: dict[tuple[int, ...], None] = {}
    shares: list[int] = []
    for _ in range(MOST_TIGHTENINGS):
        solver.run()
        shares = [round(share * PRICE_UNIT) for share in solver.getSolution().col_value]
        added = [row for row in dict.fromkeys(broken(shares)) if row not in found]
        if not added:
            break
        for row in added:
            solver.addRow(-highspy.kHighsInf, 1, len(row), row, [1] * len(row))
        found.update(dict.fromkeys(added))
    rows = [list(own) for own in problem.rows]
    count = problem.row_count
    for row in sorted(found):
        if sum(shares[bid] for bid in row) > PRICE_UNIT - len(row):
            for bid in row:
                rows[bid].append(count)
            count += 1
    return replace(problem, rows=tuple(map(tuple, rows)), row_count=count)


def propose(
    problem: Problem,
    bids: Sequence[int],
    *,
    node_limit: int,
    hopeless_after: int | None = None,
    start: Collection[int] = (),
    but_not: Collection[int] = (),
    at_least: int | None = None,
) -> Proposal:
    """Search for the best lawful set among `bids`, other than one that holds all `but_not`.

    With `at_least`, sets worth less count as unlawful.
    After `hopeless_after` nodes the search ends unless it is within 1 in `NEAR` of its bound,
    after a quarter of them unless it is within 1 in `NEARING`.
    """
    solver = new_solver(problem, bids)
    _set(solver, mip_rel_gap="0", mip_abs_gap="0.5", mip_max_nodes=str(node_limit))
    columns = {bid: column for column, bid in enumerate(bids)}
    _make_whole(solver, len(bids))
    if but_not:
        cut = [columns[bid] for bid in but_not]
        solver.addRow(-highspy.kHighsInf, len(cut) - 1, len(cut), cut, [1] * len(cut))
    if start:
        known = highspy.HighsSolution()
        known.col_value = [int(bid in start) for bid in bids]
        solver.setSolution(known)
    if at_least is not None:
        worth = [problem.values[bid] for bid in bids]
        solver.addRow(at_least, highspy.kHighsInf, len(bids), list(range(len(bids))), worth)
    if hopeless_after is not None:
        solver.cbMipInterrupt += _giving_up(hopeless_after)
    solver.run()
    found = solver.getInfo()
    status = solver.getModelStatus()
    is_complete = status in (
        highspy.HighsModelStatus.kOptimal,
        highspy.HighsModelStatus.kInfeasible,
        highspy.HighsModelStatus.kObjectiveBound,
    )
    chosen = None
    if found.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible:
        shares = solver.getSolution().col_value
        chosen = tuple(bid for bid, share in zip(bids, shares, strict=True) if round(share) == 1)
        if not problem.is_lawful(chosen) or (but_not and set(but_not) <= set(chosen)):
            chosen, is_complete = None, False
    # What the solver says of larger amounts is too coarse to bound them.
    is_told = is_exact(problem) and abs(found.mip_dual_bound) < MAX_EXACT_TOTAL
    bound = sum(max(0, problem.values[bid]) for bid in bids)
    if is_told:
        bound = -round(found.mip_dual_bound)
    return Proposal(
        chosen, bound, is_complete, int(found.mip_node_count), int(found.simplex_iteration_count)
    )


def complete(
    problem: Problem,
    taken: Sequence[int],
    barred: Collection[int],
    *,
    at_least: int,
    node_limit: int,
) -> tuple[int, ...] | None:
    """Return a lawful set that holds `taken`, none of `barred`, and is worth `at_least`.

    None if there is none; the empty tuple if the node limit came first.
    """
    used = {row for bid in taken for row in problem.rows[bid]}
    left = [row for row in range(problem.row_count) if row not in used]
    place = {row: i for i, row in enumerate(left)}
    bids = [
        bid
        for bid in range(len(problem.values))
        if bid not in barred and not any(row in used for row in problem.rows[bid])
    ]
    must_cover = sum(row < problem.must_cover for row in left)
    wanted = at_least - problem.total(taken)
    if not bids:
        return tuple(sorted(taken)) if wanted <= 0 and not must_cover else None
    rest = Problem(
        values=tuple(problem.values[bid] for bid in bids),
        rows=tuple(tuple(place[row] for row in problem.rows[bid]) for bid in bids),
        row_count=len(left),
        must_cover=must_cover,
    )
    found = propose(rest, range(len(bids)), node_limit=node_limit, at_least=wanted)
    if found.chosen is not None and rest.total(found.chosen) >= wanted:
        return tuple(sorted([*taken, *(bids[bid] for bid in found.chosen)]))
    return None if found.is_complete else ()


def is_exact(problem: Problem) -> bool:
    """Say whether the solver's arithmetic is fine enough to believe that a search is over."""
    return sum(map(abs, problem.values)) < MAX_EXACT_TOTAL


def new_solver(problem: Problem, bids: Sequence[int]) -> Any:
    solver = highspy.Highs()
    solver.setOptionValue("output_flag", "false")
    _set(solver, threads="1", random_seed="1")
    model = highspy.HighsLp()
    model.num_col_, model.num_row_ = len(bids), problem.row_count
    model.col_cost_ = [-problem.values[bid] for bid in bids]
    model.col_lower_, model.col_upper_ = [0] * len(bids), [1] * len(bids)
    covered = [1] * problem.must_cover
    free = [-highspy.kHighsInf] * (problem.row_count - problem.must_cover)
    model.row_lower_, model.row_upper_ = covered + free, [1] * problem.row_count
    starts: list[int] = [0]
    index: list[int] = []
    for bid in bids:
        index += problem.rows[bid]
        starts.append(len(index))
    model.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    model.a_matrix_.start_, model.a_matrix_.index_ = starts, index
    model.a_matrix_.value_ = [1] * len(index)
    solver.passModel(model)
    return solver


def _set_coarser(solver: Any, problem: Problem) -> None:
    bits = max(map(abs, problem.values), default=0).bit_length()
    _set(solver, user_objective_scale=str(min(0, COARSE_BITS - bits)))


def _giving_up(nodes: int) -> Callable[[Any], None]:
    def look(event: Any) -> None:
        seen = event.data_out
        gap = seen.mip_primal_bound - seen.mip_dual_bound
        near = NEAR if seen.mip_node_count > nodes else NEARING
        if seen.mip_node_count > nodes // 4 and gap * near > abs(seen.mip_primal_bound):
            event.interrupt()

    return look


def _make_whole(solver: Any, count: int) -> None:
    whole = int(highspy.HighsVarType.kInteger)
    solver.changeColsIntegrality(count, list(range(count)), [whole] * count)


def _set(solver: Any, **options: str) -> None:
    for name, value in options.items():
        if solver.setOptionValue(name, value) != highspy.HighsStatus.kOk:
            raise AssertionError(f"the solver knows no {name}={value}")
