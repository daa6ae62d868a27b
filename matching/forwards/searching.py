"""The best allocation of all, and the best that uniform prices support.

The best allocation of all may have no supporting prices: a supplier's break may be worth
reaching only at a price that the last buyer to join does not pay. Then come two quick answers:
the last buyers are kept out until prices rise to what the losing suppliers need, or the losers
are left out; without orders and offers that have a minimum prices always support the rest.
In small bundles `boxes` then looks for a better one, in others `supporting` where the gap is open.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from matching.forwards.awarding import NO_BARS, Accepted, Bars, awarded, choice_of, quantities
from matching.forwards.boxes import Task, best_in_boxes
from matching.forwards.bundle import Allocation, Bundle, is_lawful, surplus
from matching.forwards.model import Goal, Search, turns
from matching.forwards.orders import Rules
from matching.forwards.pricing import made_whole, supported
from matching.forwards.proposing import propose
from matching.forwards.supporting import best_on_ladder
from matching.forwards.turns import next_goal, served_in_turn

SMALL_BUNDLE = 300
"""Columns of the model up to which it is solved without a gap."""
TINY_BUNDLE = 80
"""Turns up to which ties are told apart among all that could be accepted."""
BOX_COLUMNS = 8_000
"""Columns looked at in boxes, all together; larger bundles keep the quick answer."""
BOTH_REPAIRS = 3_000
"""Columns up to which both quick answers are tried."""
MAX_REPAIRS = 8


@dataclass(frozen=True, slots=True)
class Best:
    """An allocation and what bounds any that is allowed."""

    allocation: Allocation
    surplus: int
    bound: int
    relaxed: tuple[int, ...]
    """Whole prices by tenor to bound the surplus by."""
    bars: Bars = NO_BARS


def best_of_all(bundle: Bundle, rules: Rules) -> Best:
    """Return the best allocation whatever its prices, ties served anyhow."""
    proposal = propose(bundle, Search(_gap(bundle, rules), rules.node_limit))
    if proposal is None:
        return _unproposed(bundle)
    allocation = quantities(bundle, proposal.choice, proposal.start, proposal.prices)
    if allocation is None or surplus(bundle, allocation) < 0:
        allocation = _plain(bundle)
    found = surplus(bundle, allocation)
    return Best(allocation, found, max(found, proposal.bound), proposal.relaxed)


def _unproposed(bundle: Bundle) -> Best:
    """Return what can be had where the solver has failed: to award nothing is always possible."""
    allocation = _plain(bundle)
    most = sum(demand.limit * demand.lots for demand in bundle.demands)
    return Best(allocation, surplus(bundle, allocation), most, (0,) * len(bundle.tenors))


def _plain(bundle: Bundle) -> Allocation:
    """Return the best allocation with nothing lumpy accepted."""
    allocation = quantities(bundle, _nothing_lumpy(bundle))
    assert allocation is not None, "divisible orders alone can be left unfilled"
    return allocation


def best_supported(bundle: Bundle, rules: Rules, best: Best) -> Best:
    """Return the best allocation found that prices support, ties served anyhow."""
    if supported(bundle, best.allocation) is not None:
        return best
    quick, bars = _repaired(bundle, rules, best.allocation)
    value = surplus(bundle, quick)
    if _columns(bundle) > SMALL_BUNDLE:
        bound, higher = best.bound, None
        if 10**6 * (bound - value) > rules.gap_ppm * value:
            higher, bound = best_on_ladder(bundle, rules, best.relaxed, value=value, bound=bound)
        if higher is None:
            return Best(quick, value, bound, best.relaxed, bars)
        return Best(higher.allocation, higher.surplus, bound, best.relaxed, higher.bars)
    task = _task(bundle, rules, None)
    found, bound = best_in_boxes(bundle, task, value=value, bound=best.bound)
    if found is None:
        return Best(quick, value, bound, best.relaxed, bars)
    return Best(found, surplus(bundle, found), bound, best.relaxed)


def first_of_equals(bundle: Bundle, rules: Rules, best: Best) -> Best:
    """Return the allocation of the same surplus that serves the earlier `seq` first.

    Under `supported` the others count only if prices support them.
    """
    found, fixed = _served(bundle, rules, best), list[tuple[int, int]]()
    listed = turns(bundle, found)
    if len(listed) > TINY_BUNDLE:
        return replace(best, allocation=found)
    while len(fixed) < len(listed):
        goal = next_goal(best.surplus, fixed, listed)
        if goal.weights:
            found = _further(bundle, rules, goal, found) or found
            listed = turns(bundle, found)
        reached = max((turn for turn, _ in goal.weights), default=len(goal.fixed) - 1)
        fixed = [(turn, listed[turn][0]) for turn in range(reached + 1)]
    return replace(best, allocation=found)


def _served(bundle: Bundle, rules: Rules, best: Best) -> Allocation:
    """Serve ties by `seq` for what is accepted, as far as prices support it."""
    known = best.allocation
    found = awarded(bundle, choice_of(known), known, bars=best.bars)
    pricing = made_whole if rules.pricing == "make_whole" else supported
    if found is None or surplus(bundle, found) != best.surplus or pricing(bundle, found) is None:
        return served_in_turn(bundle, known, pricing)
    return found


def _further(bundle: Bundle, rules: Rules, goal: Goal, found: Allocation) -> Allocation | None:
    """Return an allocation that reaches more of a goal, if there is one."""
    task = _task(bundle, rules, goal)
    value = task.measure(bundle, found)
    proposal = propose(bundle, Search(0, rules.node_limit, goal=goal))
    if proposal is None or not is_lawful(bundle, proposal.start):
        return None
    other = proposal.start
    if task.measure(bundle, other) <= value or surplus(bundle, other) < goal.surplus:
        return None
    if rules.pricing == "make_whole" or supported(bundle, other) is not None:
        more: Allocation | None = other
    else:
        more = best_in_boxes(bundle, task, value=value, bound=proposal.bound)[0]
    # Of amounts near the largest, a double cannot tell equal from almost equal.
    return more if more is not None and surplus(bundle, more) == goal.surplus else None


def _task(bundle: Bundle, rules: Rules, goal: Goal | None) -> Task:
    columns = _columns(bundle)
    boxes = min(rules.price_nodes, BOX_COLUMNS // columns) if columns <= SMALL_BUNDLE else 0
    return Task(goal, _gap(bundle, rules), rules.node_limit, boxes)


def _gap(bundle: Bundle, rules: Rules) -> int:
    """Leave half of the gap to what supporting prices may cost."""
    return 0 if _columns(bundle) <= SMALL_BUNDLE else rules.gap_ppm // 2


def _columns(bundle: Bundle) -> int:
    plain = {(d.caps[0][0], d.limit) for d in bundle.demands if d.is_plain}
    divided = sum(len(d.caps) + 1 for d in bundle.demands if not d.is_plain)
    offered = sum((len(s.steps) + 1) * len(s.tiers) for s in bundle.supplies)
    return len(plain) + divided + offered + len(bundle.stores)


def _nothing_lumpy(bundle: Bundle) -> Accepted:
    return Accepted(
        (False,) * len(bundle.demands),
        tuple(None if supply.is_lumpy else 0 for supply in bundle.supplies),
    )


def _repaired(bundle: Bundle, rules: Rules, best: Allocation) -> tuple[Allocation, Bars]:
    """Return a supported allocation near the best of all, and what kept others out of it.

    Keeping the last buyers out is nearly always better than leaving the losers out, which large
    bundles try only where the first finds nothing.
    """
    answers = [_lifted(bundle, rules, best)]
    if answers[0] is None or _columns(bundle) <= BOTH_REPAIRS:
        answers.append(_without_losers(bundle, rules, best))
    found = [answer for answer in answers if answer is not None]
    if found:
        return max(found, key=lambda answer: surplus(bundle, answer[0]))
    return _plain(bundle), NO_BARS


def _lifted(bundle: Bundle, rules: Rules, allocation: Allocation) -> tuple[Allocation, Bars] | None:
    """Keep the last buyers out, until prices rise to what the losing suppliers need."""
    search = Search(_gap(bundle, rules), rules.node_limit)
    for _ in range(MAX_REPAIRS):
        priced = made_whole(bundle, allocation)
        if priced is None:
            return None
        lift = 0
        for (kind, number), lost in priced.losses:
            if kind == "offer":
                lift = max(lift, -(-lost // sum(allocation.sold[number])))
        lift = -(-lift // bundle.tick) * bundle.tick
        floor = tuple(price + lift for price in priced.prices) if lift else search.floor
        orders = {number for (kind, number), _ in priced.losses if kind == "order"}
        if not lift and not orders:
            return None
        search = replace(search, floor=floor, banned_orders=search.banned_orders | orders)
        found = _found(bundle, search)
        if found is None:
            return None
        if supported(bundle, found) is not None:
            return found, Bars(search.floor)
        allocation = found
    return None


def _without_losers(
    bundle: Bundle, rules: Rules, allocation: Allocation
) -> tuple[Allocation, Bars] | None:
    """Leave out who loses at the prices of least loss, until prices support the rest."""
    search = Search(_gap(bundle, rules), rules.node_limit)
    for _ in range(MAX_REPAIRS):
        priced = made_whole(bundle, allocation)
        losers = [party for party, _ in priced.losses] if priced else []
        orders = {number for kind, number in losers if kind == "order"}
        tiers = {(n, allocation.tiers[n] or 0) for kind, n in losers if kind == "offer"}
        if not orders and not tiers:
            return None
        search = replace(
            search,
            banned_orders=search.banned_orders | orders,
            banned_tiers=search.banned_tiers | tiers,
        )
        found = _found(bundle, search)
        if found is None:
            return None
        if supported(bundle, found) is not None:
            return found, Bars(search.floor)
        allocation = found
    return None


def _found(bundle: Bundle, search: Search) -> Allocation | None:
    proposal = propose(bundle, search)
    if proposal is None:
        return None
    return quantities(bundle, proposal.choice, proposal.start, proposal.prices, Bars(search.floor))
