"""The solver's proposal: what to accept, and how much is at most to be gained.

What comes back is a guess in whole lots and a bound: nothing here is believed before it is
made exact. The solver reckons in doubles, which hold each party's worth to the unit, as it is
at most 10^15 minor units. One thread, a fixed seed and a node limit, no clock: the same bundle
gives the same proposal.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import floor
from typing import Any

from matching import solver as highspy
from matching.forwards.awarding import Accepted
from matching.forwards.branching import Solved, branched, is_close, rounded
from matching.forwards.bundle import Allocation, Bundle
from matching.forwards.model import Layout, Model, Search, laid_out

FULL_SEARCH = 3_000
"""Columns up to which a full search follows where branching alone is not enough."""

MAX_STEPS = 1_500
"""Of the simplex method, from an answer nearby; anew it may take eight times as many."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A guess at the best allocation, and no more than this surplus is possible.

    `prices` are whole prices by tenor near which the guess is best, `relaxed` those of the
    relaxed model, to bound the surplus by; both are hints, and empty where not looked for.
    """

    choice: Accepted
    start: Allocation
    bound: int
    prices: tuple[int, ...] = ()
    relaxed: tuple[int, ...] = ()


def propose(bundle: Bundle, search: Search) -> Proposal | None:
    """Return the solver's best guess, or nothing where the search space is empty."""
    model = Model()
    layout = laid_out(model, bundle, search)
    if search.box is None and search.goal is None:
        return _from_relaxed(bundle, search, model, layout)
    solved = _maximised(model, search)
    if solved is None:
        return None
    choice, start = layout.read(bundle, [round(value) for value in solved.values])
    return Proposal(choice, start, whole_bound(model, solved.bound))


def solver_version() -> str:
    """Return the name and version of the solver, for the certificate."""
    return f"highs {highspy.Highs().version()}"


def _from_relaxed(bundle: Bundle, search: Search, model: Model, layout: Layout) -> Proposal | None:
    """Branch on the relaxed model; only what that does not settle is left to a full search.

    The full search leaves out what the duals prove to be worse than the best guess.
    """
    relaxation = Relaxed(model, search)
    root = relaxation.solved({})
    if root is None:
        return None
    guess, bound = branched(relaxation, root, search.gap_ppm)
    if not is_close(bound, guess, search.gap_ppm) and len(model.costs) <= FULL_SEARCH:
        found = _maximised(_narrowed(model, root, guess), search)
        if found is not None:
            bound = min(bound, max(found.bound, guess.objective if guess else found.bound))
            better = relaxation.solved(rounded(model.whole, found.values))
            if better and (guess is None or better.objective > guess.objective):
                guess = better
    if guess is None:
        return None
    choice, start = layout.read(bundle, [round(value) for value in guess.values])
    count = len(bundle.tenors)
    return Proposal(
        choice,
        start,
        whole_bound(model, bound),
        tuple(-round(value) for value in guess.row_duals[-count:]),
        tuple(-round(value) for value in root.row_duals[-count:]),
    )


def _narrowed(model: Model, root: Solved, guess: Solved | None) -> Model:
    """Return the model without the values that would cost more than the guess is short of."""
    if guess is None:
        return model
    short = root.objective - guess.objective + 1
    lowers, uppers = list(model.lowers), list(model.uppers)
    for column, dual in enumerate(root.column_duals):
        low, high = lowers[column], uppers[column]
        if dual * (high - low) < -short:
            uppers[column] = low + floor(short // -dual)
        elif dual * (high - low) > short:
            lowers[column] = high - floor(short // dual)
    return replace(model, lowers=lowers, uppers=uppers)


class Relaxed:
    """The model without whole numbers, solved again and again from where it stands."""

    def __init__(self, model: Model, search: Search) -> None:
        self.model = model
        self.whole = model.whole
        self.solver = _solver(search)
        self.halvings = _pass(self.solver, self._program())
        self.fixed: Mapping[int, int] = {}

    def solved(self, fixed: Mapping[int, int]) -> Solved | None:
        """Solve with these columns fixed, or return nothing where that is impossible."""
        lowers, uppers = self.model.lowers, self.model.uppers
        for column in self.fixed.keys() - fixed.keys():
            self.solver.changeColBounds(column, lowers[column], uppers[column])
        self.fixed = dict(fixed)
        for column, value in fixed.items():
            if not lowers[column] <= value <= uppers[column]:
                return None
            self.solver.changeColBounds(column, value, value)
        self.solver.run()
        return self._found()

    def _program(self) -> Any:
        return _program(replace(self.model, whole=[False] * len(self.whole)))

    def _found(self) -> Solved | None:
        if self.solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            return None
        return _read(self.solver, self.solver.getInfo().objective_function_value)


class Pruned(Relaxed):
    """The same, but nothing is returned where the objective stays below what is wanted.

    Duals are those of the negated objective: the solver gives up early on what it minimises.
    """

    has_stalled = False
    """Whether the solver ended for another reason than that there is nothing to be found."""

    def solved(self, fixed: Mapping[int, int]) -> Solved | None:
        """Solve with these columns fixed, once more from nothing if it takes too many steps."""
        self.solver.setOptionValue("simplex_iteration_limit", MAX_STEPS)
        found = super().solved(fixed)
        if self.has_stalled:
            self.solver.setOptionValue("simplex_iteration_limit", 8 * MAX_STEPS)
            self.solver.clearSolver()
            self.solver.run()
            found = self._found()
        return found

    def want(self, objective: int) -> None:
        # The solver compares it with the objective as it has scaled it.
        self.solver.setOptionValue("objective_bound", -objective / 2**self.halvings)

    def add(self, terms: Sequence[tuple[int, int]], at_most: int) -> None:
        columns, factors = zip(*terms, strict=True)
        self.solver.addRow(-highspy.kHighsInf, at_most, len(terms), columns, factors)

    def stand(self) -> Any:
        """Return from where the solver would go on."""
        return self.solver.getBasis()

    def stand_at(self, basis: Any) -> None:
        """Go on from there, with the rows added since then not binding."""
        if basis is None:
            return
        more = self.solver.getNumRow() - len(basis.row_status)
        if more:
            basis.row_status = [*basis.row_status, *[highspy.HighsBasisStatus.kBasic] * more]
        self.solver.setBasis(basis)

    def _program(self) -> Any:
        program = super()._program()
        program.col_cost_ = [-cost for cost in self.model.costs]
        program.sense_ = highspy.ObjSense.kMinimize
        return program

    def _found(self) -> Solved | None:
        found = super()._found()
        ends = highspy.HighsModelStatus
        no_more = (ends.kInfeasible, ends.kObjectiveBound, ends.kUnboundedOrInfeasible)
        self.has_stalled = found is None and self.solver.getModelStatus() not in no_more
        return None if found is None else replace(found, objective=-found.objective)


def in_millionths(values: Iterable[Any]) -> list[int]:
    """Return shares, or lots, as a solver has them, in whole millionths."""
    return [round(1_000_000 * value) for value in values]


def _maximised(model: Model, search: Search) -> Solved | None:
    solver = _solver(search)
    _pass(solver, _program(model))
    solver.run()
    if not solver.getSolution().value_valid:
        return None
    return _read(solver, solver.getInfo().mip_dual_bound)


def _read(solver: Any, bound: Any) -> Solved:
    found = solver.getSolution()
    return Solved(
        list(found.col_value),
        solver.getInfo().objective_function_value,
        bound,
        list(found.col_dual),
        list(found.row_dual),
    )


def whole_bound(model: Model, bound: Any) -> int:
    """Round down, forgiving a hundredth; without any bound return what is beyond reach."""
    most = model.highest()
    return floor(100 * bound + 1) // 100 if abs(bound) <= most else most


def _program(model: Model) -> Any:
    none = highspy.kHighsInf
    program = highspy.HighsLp()
    program.num_col_, program.num_row_ = len(model.costs), len(model.row_lowers)
    program.col_cost_ = model.costs
    program.col_lower_, program.col_upper_ = model.lowers, model.uppers
    program.row_lower_ = [-none if low is None else low for low in model.row_lowers]
    program.row_upper_ = [none if high is None else high for high in model.row_uppers]
    program.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    program.a_matrix_.start_ = model.starts
    program.a_matrix_.index_ = model.indices
    program.a_matrix_.value_ = model.factors
    if any(model.whole):
        kinds = highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger
        program.integrality_ = [kinds[whole] for whole in model.whole]
    program.sense_ = highspy.ObjSense.kMaximize
    return program


def _pass(solver: Any, program: Any) -> int:
    """Hand a program over; return how often its objective is halved inside the solver.

    Beyond 2^36 the solver's own tolerances are out of proportion, and it may give up.
    """
    dearest = max(map(abs, program.col_cost_), default=0)
    halvings = max(0, int(dearest).bit_length() - 36)
    solver.setOptionValue("user_objective_scale", -halvings)
    solver.passModel(program)
    return halvings


def _solver(search: Search) -> Any:
    # The relaxation is close to the hull: restarts and sub-searches cost more than they find.
    options: tuple[tuple[str, object], ...] = (
        ("output_flag", False),
        ("threads", 1),
        ("random_seed", 0),
        ("mip_max_nodes", search.node_limit),
        ("mip_rel_gap", search.gap_ppm * 1e-6),
        ("mip_abs_gap", 0.5),
        ("mip_feasibility_tolerance", 1e-7),
        ("mip_allow_restart", False),
        ("mip_heuristic_run_rins", False),
        ("mip_heuristic_run_rens", False),
    )
    solver = highspy.Highs()
    for name, value in options:
        solver.setOptionValue(name, value)
    return solver
