"""General solvers on the textbook model of package bids: what our own clearing is held against.

HiGHS is always there; CP-SAT and SCIP where `scripts/bench --peers` installed them. Each works
alone on one thread from nothing, and its value is summed again in whole minor units. Each has a
process of its own, because one of them brings another's library along.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from importlib.util import find_spec
from multiprocessing import get_context
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matching.auctions.packages import PackageAuction


@dataclass(frozen=True, slots=True)
class Model:
    """Take bids worth most, at most one of each row."""

    amounts: tuple[int, ...]
    rows: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Found:
    value_minor: int
    is_proved: bool
    seconds: float


Solver = Callable[[Model, float], tuple[Sequence[float], bool]]


def solved(name: str, auction: PackageAuction, seconds: float) -> Found:
    """Let a solver work on the bids of a sale for so long, or until it has proved its answer."""
    model = _model_of(auction)
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as alone:
        shares, is_proved, took = alone.submit(_timed, name, model, seconds).result()
    taken = [bid for bid, share in enumerate(shares) if share > 0.5]
    assert all(len(set(row).intersection(taken)) <= 1 for row in model.rows), name
    return Found(sum(model.amounts[bid] for bid in taken), is_proved, took)


def missing() -> list[str]:
    """Return the solvers that are not installed."""
    return [name for name, (package, _) in SOLVERS.items() if find_spec(package) is None]


def _timed(name: str, model: Model, seconds: float) -> tuple[list[float], bool, float]:
    began = time.perf_counter()
    shares, is_proved = SOLVERS[name][1](model, seconds)
    return list(shares), is_proved, time.perf_counter() - began


def _model_of(auction: PackageAuction) -> Model:
    assert auction.side == "sell"
    rows: dict[object, list[int]] = {item: [] for item in auction.items}
    for column, bid in enumerate(auction.bids):
        for item in bid.items:
            rows[item].append(column)
        if bid.xor is not None:
            rows.setdefault((bid.bidder, bid.xor), []).append(column)
    amounts = tuple(bid.amount_minor for bid in auction.bids)
    return Model(amounts, tuple(tuple(row) for row in rows.values() if len(row) > 1))


def _highs(model: Model, seconds: float) -> tuple[Sequence[float], bool]:
    import highspy

    solver = highspy.Highs()
    for option, value in (("output_flag", False), ("threads", 1), ("time_limit", seconds)):
        solver.setOptionValue(option, value)
    for option in ("mip_rel_gap", "mip_abs_gap"):
        solver.setOptionValue(option, 0.0)
    count = len(model.amounts)
    solver.addVars(count, [0.0] * count, [1.0] * count)
    for column, amount in enumerate(model.amounts):
        solver.changeColCost(column, -float(amount))
        solver.changeColIntegrality(column, highspy.HighsVarType.kInteger)
    for row in model.rows:
        solver.addRow(-highspy.kHighsInf, 1.0, len(row), list(row), [1.0] * len(row))
    solver.run()
    is_proved = solver.getModelStatus() == highspy.HighsModelStatus.kOptimal
    return solver.getSolution().col_value, is_proved


def _cp_sat(model: Model, seconds: float) -> tuple[Sequence[float], bool]:
    from ortools.sat.python import cp_model

    asked = cp_model.CpModel()
    taken = [asked.new_bool_var(str(column)) for column in range(len(model.amounts))]
    for row in model.rows:
        asked.add_at_most_one(taken[column] for column in row)
    asked.maximize(sum(amount * one for amount, one in zip(model.amounts, taken, strict=True)))
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.max_time_in_seconds = seconds
    status = solver.solve(asked)
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return [0.0] * len(taken), False
    return [float(solver.value(one)) for one in taken], status == cp_model.OPTIMAL


def _scip(model: Model, seconds: float) -> tuple[Sequence[float], bool]:
    from pyscipopt import Model as Scip
    from pyscipopt import quicksum

    solver = Scip()
    solver.hideOutput()
    solver.setParam("limits/time", seconds)
    solver.setParam("lp/threads", 1)
    taken = [solver.addVar(vtype="B", obj=float(amount)) for amount in model.amounts]
    for row in model.rows:
        solver.addCons(quicksum(taken[column] for column in row) <= 1)
    solver.setMaximize()
    solver.optimize()
    if not solver.getNSols():
        return [0.0] * len(taken), False
    return [solver.getVal(one) for one in taken], solver.getStatus() == "optimal"


SOLVERS: Mapping[str, tuple[str, Solver]] = {
    "HiGHS": ("highspy", _highs),
    "CP-SAT": ("ortools", _cp_sat),
    "SCIP": ("pyscipopt", _scip),
}
"""Each with the package that brings it."""
