"""The solver's proposal: what to accept, and how much is at most to be gained.

What comes back is a guess in whole lots and a bound: nothing here is believed before it is
made exact. One thread, a fixed seed and a node limit, no clock: the same bundle gives the
same proposal.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import floor
from typing import Any

from matching.forwards.awarding import Accepted
from matching.forwards.bundle import Allocation, Bundle
from matching.forwards.model import Layout, Model, Search, laid_out


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
    return Proposal(choice, start, _whole_bound(model, solved.bound))


def solver_version() -> str:
    """Return the name and version of the solver, for the certificate."""
    import highspy  # loaded only where a proposal is asked for

    make: Any = highspy.Highs
    return f"highs {make().version()}"


@dataclass(frozen=True, slots=True)
class _Solved:
    """Values, objective and bound as the solver has them, with the duals of a relaxed model."""

    values: list[Any]
    objective: Any
    bound: Any
    column_duals: list[Any]
    row_duals: list[Any]


def _from_relaxed(bundle: Bundle, search: Search, model: Model, layout: Layout) -> Proposal | None:
    """Round the relaxed model; search only where that is not close enough.

    The search leaves out what the duals prove to be worse than the rounded guess.
    """
    relaxed = _relaxed(model, search, model.lowers, model.uppers)
    if relaxed is None:
        return None
    guess = _with_choice(model, search, relaxed)
    bound = relaxed.bound
    if guess is None or not _is_close(relaxed.bound, guess.objective, search):
        narrow = _narrowed(model, relaxed, guess)
        found = _maximised(narrow, search)
        better = found and _with_choice(model, search, found)
        if found is not None:
            bound = found.bound if guess is None else max(found.bound, guess.objective)
        if better and (guess is None or better.objective > guess.objective):
            guess = better
    if guess is None:
        return None
    choice, start = layout.read(bundle, [round(value) for value in guess.values])
    count = len(bundle.tenors)
    return Proposal(
        choice,
        start,
        _whole_bound(model, min(bound, relaxed.bound)),
        tuple(-round(value) for value in guess.row_duals[-count:]),
        tuple(-round(value) for value in relaxed.row_duals[-count:]),
    )


def _with_choice(model: Model, search: Search, found: _Solved) -> _Solved | None:
    """Return the best that is possible with the yes-or-no columns rounded."""
    lowers, uppers = list(model.lowers), list(model.uppers)
    for column, whole in enumerate(model.whole):
        if whole:
            chosen = 1 if 2 * found.values[column] > 1 else 0
            lowers[column] = uppers[column] = min(chosen, model.uppers[column])
    return _relaxed(model, search, lowers, uppers)


def _is_close(bound: Any, objective: Any, search: Search) -> bool:
    return bool(1_000_000 * (bound - objective) <= search.gap_ppm * abs(bound) + 1)


def _narrowed(model: Model, relaxed: _Solved, guess: _Solved | None) -> Model:
    """Return the model without the values that would cost more than the guess is short of."""
    if guess is None:
        return model
    short = relaxed.bound - guess.objective + 1
    lowers, uppers = list(model.lowers), list(model.uppers)
    for column, dual in enumerate(relaxed.column_duals):
        low, high = lowers[column], uppers[column]
        if dual * (high - low) < -short:
            uppers[column] = low + floor(short // -dual)
        elif dual * (high - low) > short:
            lowers[column] = high - floor(short // dual)
    return replace(model, lowers=lowers, uppers=uppers)


def _relaxed(model: Model, search: Search, lowers: list[int], uppers: list[int]) -> _Solved | None:
    """Solve without whole numbers, within these bounds."""
    whole = [False] * len(model.whole)
    return _maximised(replace(model, lowers=lowers, uppers=uppers, whole=whole), search)


def _maximised(model: Model, search: Search) -> _Solved | None:
    import highspy  # loaded only where a proposal is asked for

    solver = _solver(search)
    solver.passModel(_program(model))
    solver.run()
    found = solver.getSolution()
    if not found.value_valid or solver.getModelStatus() == highspy.HighsModelStatus.kInfeasible:
        return None
    info = solver.getInfo()
    objective = info.objective_function_value
    bound = info.mip_dual_bound if any(model.whole) else objective
    return _Solved(
        list(found.col_value), objective, bound, list(found.col_dual), list(found.row_dual)
    )


def _whole_bound(model: Model, bound: Any) -> int:
    """Round down, forgiving a hundredth; without any bound return what is beyond reach."""
    most = model.highest()
    return floor(100 * bound + 1) // 100 if abs(bound) <= most else most


def _program(model: Model) -> Any:
    import highspy  # loaded only where a proposal is asked for

    none = highspy.kHighsInf
    program: Any = highspy.HighsLp()
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


def _solver(search: Search) -> Any:
    import highspy  # loaded only where a proposal is asked for

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
    make: Any = highspy.Highs
    solver = make()
    for name, value in options:
        solver.setOptionValue(name, value)
    return solver
