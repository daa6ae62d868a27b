"""Bids on bundles of items: who wins is chosen exactly.

Rule: `sell`, the set of bids worth most in which no item is sold twice; `buy`, the
cheapest set of bids that covers every item exactly once (none, if there is no such set).
At most one bid of a bidder's `xor` group wins. Winners pay, or are paid, as bid.

Guarantees: the set is lawful and its value summed in integers; `bound_minor` is never
passed by any lawful set; `proved` says that the value reaches it. With at most
`node_limit` branches a connected part may stay unproved; then the best set found stands. Where
items must be covered nobody wins if none was found, which is proved only if there is none.

Ties: among optimal sets the lexicographically smallest sorted list of ids, once proved
and asked for within the node limit (by itself, only after a cheap proof); `ties_settled`.
Bids that another bid of at least the amount on a part of their items makes useless are
left out first; parts that share no item are solved apart.

Source: winner determination as weighted set packing, Rothkopf, Pekeč and Harstad 1998.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from matching.auctions.package_cliques import MOST_BIDS, strengthened
from matching.auctions.package_dives import by_dives, dived
from matching.auctions.package_model import (
    PRICE_UNIT,
    Problem,
    Proposal,
    Relaxation,
    complete,
    is_exact,
    propose,
    relax,
)
from matching.auctions.package_parts import components, undominated
from matching.auctions.package_search import THRESHOLD_STEPS, Search
from matching.auctions.package_tree import Tree, by_tree

Side = Literal["buy", "sell"]

MAX_TIE_CHECKS = 300
SMALL = 300
NODE_WORK = 2_500_000_000_000
MOST_NODES = 4000
CHEAP = 8
FIRST_ROUNDS = 30
TREE_ROUNDS = 12
LAST_ROUNDS = 25
FEW_NODES = 500
REACH = 40
DIVES = 7
DIVES_AFTER_NODES = 4
MUCH = 50


@dataclass(frozen=True, slots=True)
class PackageBid:
    id: str
    bidder: str
    items: tuple[str, ...]
    amount_minor: int
    xor: str | None = None


@dataclass(frozen=True, slots=True)
class PackageAuction:
    """`node_limit` bounds the branches of each connected part; None means by its size."""

    side: Side
    items: tuple[str, ...]
    bids: tuple[PackageBid, ...]
    node_limit: int | None = None


@dataclass(frozen=True, slots=True)
class PackageResult:
    """`relaxed_minor` is the bound that the prices prove, in fractions of `PRICE_UNIT`.

    `group_prices` are those of the groups of alternatives, by bidder and group. Where
    items must be covered and cannot be, nobody wins and the value is 0; so it is where no set
    that covers them was found, but then `bound_minor` is the least that one would cost.
    """

    winners: tuple[str, ...]
    value_minor: int
    bound_minor: int
    proved: bool
    ties_settled: bool
    nodes: int
    node_limit: int
    item_prices: dict[str, int]
    group_prices: dict[tuple[str, str], int]
    relaxed_minor: int


NOTHING = PackageResult(
    winners=(),
    value_minor=0,
    bound_minor=0,
    proved=True,
    ties_settled=True,
    nodes=0,
    node_limit=0,
    item_prices={},
    group_prices={},
    relaxed_minor=0,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """The answer for one connected part; `chosen` is None where a lawful set was not found."""

    chosen: tuple[int, ...] | None
    bound: int
    is_proved: bool
    ties_settled: bool
    nodes: int
    node_limit: int
    relaxation: Relaxation


def clear_packages(auction: PackageAuction) -> PackageResult:
    """Choose the winning bids. See the module."""
    sign = 1 if auction.side == "sell" else -1
    bids = sorted(auction.bids, key=lambda bid: bid.id)
    rows = _rows(auction.items, bids)
    used = [tuple(sorted(_rows_of(bid, rows))) for bid in bids]
    values = [sign * bid.amount_minor for bid in bids]
    kept = undominated(used, values, may_leave=auction.side == "sell")
    must_cover = 0 if auction.side == "sell" else len(auction.items)
    uncovered = set(range(must_cover)) - {row for bid in kept for row in used[bid]}
    parts: list[tuple[list[int], list[int], _Part]] = []
    for members, own_rows in [] if uncovered else components(kept, used):
        part = _solve(_problem(members, own_rows, used, values, must_cover), auction.node_limit)
        if part is None:
            return NOTHING
        parts.append((members, own_rows, part))
    if uncovered:
        return NOTHING
    return _joined(bids, list(rows), parts, sign)


def _rows(items: Sequence[str], bids: Sequence[PackageBid]) -> dict[str | tuple[str, str], int]:
    """Number the items, then the groups of alternatives, which are rows like items."""
    rows: dict[str | tuple[str, str], int] = {item: row for row, item in enumerate(items)}
    for bid in bids:
        if bid.xor is not None:
            rows.setdefault((bid.bidder, bid.xor), len(rows))
    return rows


def _rows_of(bid: PackageBid, rows: dict[str | tuple[str, str], int]) -> list[int]:
    found = [rows[item] for item in bid.items]
    return found if bid.xor is None else [*found, rows[bid.bidder, bid.xor]]


def _problem(
    members: list[int],
    own_rows: list[int],
    used: list[tuple[int, ...]],
    values: list[int],
    must_cover: int,
) -> Problem:
    place = {row: i for i, row in enumerate(own_rows)}
    return Problem(
        values=tuple(values[bid] for bid in members),
        rows=tuple(tuple(place[row] for row in used[bid]) for bid in members),
        row_count=len(own_rows),
        must_cover=sum(row < must_cover for row in own_rows),
    )


def _solve(problem: Problem, node_limit: int | None) -> _Part | None:
    """Solve one part; None where it is certain that no set covers what must be covered."""
    relaxation = relax(problem)
    if relaxation is None:
        return None
    count = len(problem.values)
    modest = min(MOST_NODES, 1 + NODE_WORK // (problem.area * sum(map(len, problem.rows))))
    limit, hopeless_after = (3 * modest, modest) if node_limit is None else (node_limit, None)
    search = None if problem.must_cover else Search(problem, relaxation)
    best, nodes = relaxation.integral, 0
    if best is None and search is not None:
        best = search.by_threshold(search.greedy(), min(THRESHOLD_STEPS, 500 * count), 1)
    strong, relaxed, is_tree = problem, relaxation, False
    if count > SMALL and (best is None or problem.total(best) < relaxation.bound):
        strong = strengthened(problem)
        relaxed = relax(strong) or relaxation
        if best is not None and search is not None:
            is_tree = (relaxation.bound - relaxed.bound) * MUCH > relaxation.bound
            if is_tree:
                search = Search(strong, relaxed)
            elif modest < FEW_NODES and count <= MOST_BIDS:
                search = Search(problem, relaxed)
                best = max(best, search.filled(dived(strong, 0)), key=problem.total)
            rounds = TREE_ROUNDS if is_tree else FIRST_ROUNDS
            best = search.by_neighbourhoods(best, rounds * problem.area, 2)
    if best is None:
        first = propose(problem, range(count), node_limit=limit)
        if first.chosen is None:
            return None if first.is_complete else _unknown(relaxation, first.nodes, limit)
        best, nodes = first.chosen, first.nodes
    tree = Tree(strong, best) if is_tree else None
    proof = _prove(strong, relaxed, search, best, limit, hopeless_after, tree)
    is_cheap = node_limit is not None or proof.nodes * CHEAP <= modest
    if proof.is_proved and is_cheap and is_exact(problem):
        proof = _settle_ties(problem, relaxation, search, proof, limit)
    return _Part(
        chosen=proof.best,
        bound=proof.bound,
        is_proved=proof.is_proved,
        ties_settled=proof.is_alone,
        nodes=nodes + proof.nodes,
        node_limit=limit,
        relaxation=relaxation,
    )


def _unknown(relaxation: Relaxation, nodes: int, limit: int) -> _Part:
    return _Part(
        chosen=None,
        bound=relaxation.bound,
        is_proved=False,
        ties_settled=False,
        nodes=nodes,
        node_limit=limit,
        relaxation=relaxation,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Proof:
    """The best set and a bound; `is_alone` when no other set is as good, or none before it."""

    best: tuple[int, ...]
    bound: int
    is_proved: bool
    is_alone: bool = False
    nodes: int = 0


def _prove(
    problem: Problem,
    relaxation: Relaxation,
    search: Search | None,
    best: tuple[int, ...],
    limit: int,
    hopeless_after: int | None,
    tree: Tree | None,
) -> _Proof:
    """Search from a known set until nothing better is left, or the limit is met."""
    value = problem.total(best)
    if value >= relaxation.bound:
        return _Proof(best=best, bound=value, is_proved=True)
    if tree is not None and search is not None:
        found = by_tree(tree, search, limit, hopeless_after)
    elif search is not None and _is_out_of_reach(problem, relaxation, value, hopeless_after):
        found = Proposal(best, relaxation.bound, is_complete=False, nodes=0, work=0)
    else:
        found = propose(
            problem,
            _open(problem, relaxation, value),
            node_limit=limit,
            hopeless_after=hopeless_after,
            start=best,
        )
    if found.chosen is not None and problem.total(found.chosen) >= value:
        best, value = found.chosen, problem.total(found.chosen)
    if found.is_complete and is_exact(problem):
        return _Proof(best=best, bound=value, is_proved=True, nodes=found.nodes)
    bound = min(relaxation.bound, max(value, found.bound))
    if search is not None and value < bound and len(problem.values) > SMALL:
        if tree is None and len(problem.values) <= MOST_BIDS:
            spared = hopeless_after is None or not found.nodes
            around = Search(search.problem, relaxation)
            best = by_dives(problem, around, best, DIVES if spared else DIVES_AFTER_NODES)
        else:
            best = search.by_neighbourhoods(best, LAST_ROUNDS * search.problem.area, 3)
            best = search.filled(best)
        value = problem.total(best)
    return _Proof(best=best, bound=bound, is_proved=value >= bound, nodes=found.nodes)


def _is_out_of_reach(
    problem: Problem, relaxation: Relaxation, value: int, hopeless_after: int | None
) -> bool:
    """Say whether the branches there is room for are too few to close what is left open."""
    if hopeless_after is None or not SMALL < len(problem.values) <= MOST_BIDS:
        return False
    return hopeless_after < FEW_NODES and (relaxation.bound - value) * REACH > value


def _settle_ties(
    problem: Problem, relaxation: Relaxation, search: Search | None, proof: _Proof, limit: int
) -> _Proof:
    """Find the set of smallest ids among the optimal ones, with the nodes that are left."""
    best, value = proof.best, proof.bound
    best = best if search is None else search.filled(best)
    rival = propose(
        problem,
        _open(problem, relaxation, value),
        node_limit=max(1, limit - proof.nodes),
        but_not=best,
        at_least=value,
    )
    is_alone = rival.is_complete
    if rival.chosen is not None and problem.total(rival.chosen) == value:
        best, is_alone = _smallest(problem, relaxation, best, limit)
    return replace(proof, best=best, is_alone=is_alone, nodes=proof.nodes + rival.nodes)


def _smallest(
    problem: Problem, relaxation: Relaxation, best: tuple[int, ...], limit: int
) -> tuple[tuple[int, ...], bool]:
    """Go through the bids by id; keep each that some optimal set holds with those kept."""
    value = problem.total(best)
    kept: list[int] = []
    barred: set[int] = set()
    checks = 0
    for bid in _open(problem, relaxation, value):
        if bid in best:
            kept.append(bid)
            continue
        tried = [*kept, bid]
        lost = sum(relaxation.slacks[other] for other in tried)
        if (relaxation.bound_units - lost) // PRICE_UNIT < value or not _meet_once(problem, tried):
            barred.add(bid)
            continue
        checks += 1
        if checks > MAX_TIE_CHECKS:
            return best, False
        found = complete(problem, tried, barred, at_least=value, node_limit=limit)
        if found is None:
            barred.add(bid)
        elif not found:
            return best, False
        else:
            best = found
            kept.append(bid)
    return best, True


def _meet_once(problem: Problem, bids: list[int]) -> bool:
    rows = [row for bid in bids for row in problem.rows[bid]]
    return len(set(rows)) == len(rows)


def _open(problem: Problem, relaxation: Relaxation, value: int) -> list[int]:
    """Return the bids that a set of this value may hold."""
    return [bid for bid in range(len(problem.values)) if relaxation.may_win(bid, value)]


def _joined(
    bids: list[PackageBid],
    rows: list[str | tuple[str, str]],
    parts: list[tuple[list[int], list[int], _Part]],
    sign: int,
) -> PackageResult:
    prices = [0] * len(rows)
    winners: list[PackageBid] = []
    is_known = all(part.chosen is not None for _, _, part in parts)
    for members, own_rows, part in parts:
        winners += [bids[members[bid]] for bid in part.chosen or () if is_known]
        for row, price in zip(own_rows, part.relaxation.prices, strict=True):
            prices[row] = price
    relaxed = _relaxed(bids, rows, prices, sign)
    return PackageResult(
        winners=tuple(sorted(bid.id for bid in winners)),
        value_minor=sum(bid.amount_minor for bid in winners),
        bound_minor=sign * sum(part.bound for _, _, part in parts) if is_known else relaxed,
        proved=all(part.is_proved for _, _, part in parts),
        ties_settled=all(part.ties_settled for _, _, part in parts),
        nodes=sum(part.nodes for _, _, part in parts),
        node_limit=max((part.node_limit for _, _, part in parts), default=0),
        item_prices={
            row: sign * price
            for row, price in zip(rows, prices, strict=True)
            if isinstance(row, str)
        },
        group_prices={
            row: price for row, price in zip(rows, prices, strict=True) if not isinstance(row, str)
        },
        relaxed_minor=relaxed,
    )


def _relaxed(
    bids: list[PackageBid], rows: list[str | tuple[str, str]], prices: list[int], sign: int
) -> int:
    """Return the exact bound that the prices prove over all bids."""
    number = {row: i for i, row in enumerate(rows)}
    bound = sum(prices)
    for bid in bids:
        cost = sum(prices[row] for row in _rows_of(bid, number))
        bound += max(0, sign * bid.amount_minor * PRICE_UNIT - cost)
    return sign * (bound // PRICE_UNIT)
