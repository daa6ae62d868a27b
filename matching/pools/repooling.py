"""One cell that is cleared again after each change, as little of it as the change can reach.

Who is in a window at a price depends on limits only through "accepts it or not", and deeper
prices come first. So when only a limit (or an own line: freight, term, fee) changes, nothing
moves at a price that the pledge accepts, or refuses, both before and after; and nothing at all if
it is pooled at a price that it accepts both times: then only its own figures are new. Otherwise
the cascade is taken up at the first price where its answer differs. A pledge that comes, goes, or
changes size, lots or owner lets the cascade start anew, unless it accepts no price at all; the
columns of the cell are kept, and so is each pool whose members pay what they paid.

The results are those of `clear_cell`, to the last byte.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Sequence
from operator import attrgetter

from matching.pools.awarding import Awarded, awarded, written
from matching.pools.cells import Cell, Formed, cell_of, picking
from matching.pools.clearing import Cleared, clear_cell, schedule_of, settled
from matching.pools.formation import cascade
from matching.pools.price_breaks import NEVER
from matching.pools.stretches import Shape
from matching.pools.values import Offer, Pledge, Pool, Rules

_FIXED = attrgetter("size", "lots", "tolerance", "owner", "seq", "tier")


_PLACE = attrgetter("size", "seq", "id")


class StandingCell:
    """The pledges of a cell and what they would get if it closed now."""

    def __init__(self, name: str, offers: Sequence[Offer], rules: Rules) -> None:
        self._name, self._offers, self._rules = name, offers, rules
        self._schedule = schedule_of(offers)
        self._prices = [level.price_minor for level in self._schedule.levels]
        self._shape = Shape(*rules.similarity, rules.min_members)
        self._pledges: dict[str, Pledge] = {}
        self._cell: Cell | None = None  # None: the next change clears the whole cell.
        self._order: list[tuple[int, int, str]] = []
        self._owners: Counter[str] = Counter()
        self._formed: list[Formed] = []
        self._pool_of: dict[int, int] = {}  # Of places; empty until somebody asks.
        self._written: dict[object, Pool] = {}
        self.cleared: Cleared | None = None

    def put(self, pledge: Pledge) -> Cleared:
        """Take a pledge, or one that replaces that of the same id; return the result."""
        before = self._pledges.get(pledge.id)
        self._pledges[pledge.id] = pledge
        cell, cleared = self._cell, self.cleared
        if cell is None or cleared is None:
            return self._anew()
        if before is None or _FIXED(before) != _FIXED(pledge):
            return self._moved(cell, before, pledge)
        place = bisect_left(self._order, _PLACE(pledge))
        own = pledge.freight_minor + pledge.term_minor + pledge.fee_minor
        net, net_before = pledge.limit_minor - own, cell.net_minor[place]
        own_before = cell.own_minor[place]
        cell.own_minor[place], cell.net_minor[place] = own, net
        low, high = min(net, net_before), max(net, net_before)
        pooled = self._pool_at(place)
        if pooled is not None and self._formed[pooled].price_minor <= low:
            cleared = self._told(cleared, cell, pooled, pledge, net - net_before, own - own_before)
        else:
            first = bisect_right(self._prices, low)
            if first < len(self._prices) and self._prices[first] <= high:
                return self._from(cell, first)
        self.cleared = cleared
        return cleared

    def withdraw(self, pledge_id: str) -> Cleared | None:
        """Let a pledge go; return the result, or None if nobody is left.

        Raises:
            KeyError: no such pledge stands.

        """
        before = self._pledges.pop(pledge_id)
        if not self._pledges:
            self._cell = self.cleared = None
            return None
        if self._cell is None:
            return self._anew()
        return self._moved(self._cell, before, None)

    def _moved(self, cell: Cell, before: Pledge | None, after: Pledge | None) -> Cleared:
        """Take a pledge out of the columns, put one in, or both."""
        formed = self._formed
        deepest = self._prices[0] if self._prices else NEVER
        accepts = False
        if before is not None:
            place = bisect_left(self._order, _PLACE(before))
            accepts = cell.net_minor[place] >= deepest
            del self._order[place]
            cell.remove(place)
            self._owners[before.owner] -= 1
            if not accepts:
                formed = _shifted(formed, place + 1, -1)
        if after is not None:
            if cell.tolerances is None and after.tolerance:
                return self._anew()
            if cell.tiers is None and after.tier:
                return self._anew()
            if cell.owners is None and self._owners[after.owner]:
                return self._anew()
            place = bisect_left(self._order, _PLACE(after))
            self._order.insert(place, _PLACE(after))
            cell.insert(place, after)
            self._owners[after.owner] += 1
            accepts = accepts or cell.net_minor[place] >= deepest
            if not accepts:
                formed = _shifted(formed, place, 1)
        if accepts:
            formed = cascade(cell, self._schedule.levels, self._shape)
        return self._settled(cell, formed)

    def _anew(self) -> Cleared:
        if self._rules.objective != "stable":
            return self._kept(
                clear_cell(self._name, [*self._pledges.values()], self._offers, self._rules)
            )
        cell = self._cell = cell_of([*self._pledges.values()])
        self._order = sorted(map(_PLACE, self._pledges.values()))
        self._owners = Counter(cell.all_owners)
        self._formed = []
        return self._from(cell, 0)

    def _from(self, cell: Cell, first: int) -> Cleared:
        """Take the cascade up at a price; the pools of deeper ones stay."""
        levels, prices = self._schedule.levels[first:], self._prices[first:]
        closed = [pool for pool in self._formed if not prices or pool.price_minor < prices[0]]
        cleared = self._settled(cell, cascade(cell, levels, self._shape, closed))
        self._pool_at(0)  # Limits move often: the next one finds its pool at once.
        return cleared

    def _settled(self, cell: Cell, formed: list[Formed]) -> Cleared:
        self._formed, self._pool_of = formed, {}
        known, self._written = self._written, {}

        def write(cell: Cell, pool: Awarded, offer: Offer) -> Pool:
            """Write a pool, or take it from memory if all that it is made of is the same."""
            pick = picking(pool.places)
            members = (pick(cell.ids), pick(cell.own_minor), tuple(pool.lots))
            key = (pool.rank, pool.price_minor, pool.round, members)
            found = self._written[key] = known.get(key) or written(cell, pool, offer)
            return found

        return self._kept(
            settled(self._name, cell, self._schedule, self._shape, formed, write=write)
        )

    def _kept(self, cleared: Cleared) -> Cleared:
        if cleared.rationed is not None:
            self._cell = None  # Rationing depends on limits in more ways.
        self.cleared = cleared
        return cleared

    def _pool_at(self, place: int) -> int | None:
        """Return which pool holds a place, if any."""
        if not self._pool_of:
            pools = enumerate(self._formed)
            self._pool_of = {place: k for k, pool in pools for place in pool.places}
        return self._pool_of.get(place)

    def _told(
        self, cleared: Cleared, cell: Cell, pooled: int, pledge: Pledge, gain: int, own: int
    ) -> Cleared:
        """Return the result where only the figures of one member of a pool changed."""
        formed = self._formed[pooled]
        pools = cleared.pools
        k = next(k for k, pool in enumerate(pools) if _holds(pool, pledge.id))
        member = bisect_left(pools[k].pledges, pledge.id)
        surplus = cleared.surplus_minor + gain * pools[k].member_lots[member]
        if own:
            offer = self._schedule.offers[formed.rank]
            pools = [*pools]
            pools[k] = written(cell, awarded(cell, formed, offer), offer)
        return cleared._replace(pools=pools, surplus_minor=surplus)


def _shifted(formed: Sequence[Formed], first: int, by: int) -> list[Formed]:
    """Return pools whose places from `first` on have moved; none was taken away from them."""
    return [
        pool._replace(places=[place + by if place >= first else place for place in pool.places])
        for pool in formed
    ]


def _holds(pool: Pool, name: str) -> bool:
    at = bisect_left(pool.pledges, name)
    return at < len(pool.pledges) and pool.pledges[at] == name
