"""The solver's proposal: what to accept, and how much is at most to be gained.

What comes back is a guess in whole lots and a bound: nothing here is believed before it is
made exact. One thread, a fixed seed and a node limit, no clock: the same bundle gives the
same proposal.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import floor
from typing import Any

from matching.forwards.awarding import Accepted
from matching.forwards.bundle import Allocation, Bundle
from matching.forwards.model import Model, Search, laid_out


@dataclass(frozen=True, slots=True)
class Proposal:
    """A guess at the best allocation, and no more than this surplus is possible."""

    choice: Accepted
    start: Allocation
    bound: int
    is_proved: bool


def propose(bundle: Bundle, search: Search) -> Proposal | None:
    """Return the solver's best guess, or nothing where the search space is empty."""
    model = Model()
    layout = laid_out(model, bundle, search)
    solved = _maximised(model, search)
    if solved is None:
        return None
    values, bound, is_proved = solved
    choice, start = layout.read(bundle, values)
    return Proposal(choice, start, bound, is_proved)


def relaxed_prices(bundle: Bundle) -> tuple[int, ...]:
    """Return whole prices by tenor near those of the relaxed model, to bound the surplus by."""
    search, model = Search(0, 0), Model()
    laid_out(model, bundle, search)
    model.whole = [False] * len(model.whole)
    solver = _solver(search)
    solver.passModel(_program(model))
    solver.run()
    duals = solver.getSolution().row_dual
    return tuple(-round(value) for value in duals[-len(bundle.tenors) :])


def solver_version() -> str:
    """Return the name and version of the solver, for the certificate."""
    import highspy  # loaded only where a proposal is asked for

    make: Any = highspy.Highs
    return f"highs {make().version()}"


def _maximised(model: Model, search: Search) -> tuple[list[int], int, bool] | None:
    """Return the values in whole numbers, the bound, and whether it is the optimum."""
    import highspy  # loaded only where a proposal is asked for

    solver = _solver(search)
    solver.passModel(_program(model))
    solver.run()
    found = solver.getSolution()
    if not found.value_valid:
        return None
    info = solver.getInfo()
    is_proved = solver.getModelStatus() == highspy.HighsModelStatus.kOptimal
    bound = info.mip_dual_bound if any(model.whole) else info.objective_function_value
    limit = model.highest()
    most = floor(100 * bound + 1) // 100 if abs(bound) <= limit else limit
    return [round(value) for value in found.col_value], most, is_proved


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
