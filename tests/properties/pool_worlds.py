"""Small random cells, and the law of group buys read literally: slow, obvious, independent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from random import Random

from matching.pools.clearing import Offer, Pledge, Result, Rules, clear

CELL = "SUGAR-W1/GX/2027-03"
Groups = list[tuple[str, int, tuple[str, ...]]]  # Offer, price, members: sorted.


@dataclass(frozen=True)
class World:
    pledges: tuple[Pledge, ...]
    offers: tuple[Offer, ...]
    rules: Rules

    def cleared(self) -> Result:
        return clear(self.pledges, self.offers, self.rules)

    def with_limits(self, limits: dict[str, int]) -> World:
        told = tuple(
            replace(pledge, limit_minor=limits.get(pledge.id, pledge.limit_minor))
            for pledge in self.pledges
        )
        return replace(self, pledges=told)


def a_world(
    random: Random,
    *,
    most: int = 9,
    objective: str = "stable",
    packs: bool = False,
    tolerance: bool = False,
    scarce: bool = False,
    min_members: int | None = None,
) -> World:
    """A cell of up to `most` pledges; round figures, so that ties and equal limits abound."""
    count = random.randrange(1, most + 1)
    names = random.sample("abcdefghijklmnopqrstuvwxyz", count)
    is_round = random.random() < 0.7
    is_willing = random.random() < 0.3
    has_twins = random.random() < 0.3
    pledges = []
    for name in names:
        size = random.choice([50, 60, 80, 100, 100, 120, 160, 200])
        limit = random.choice([480, 485, 490, 495, 500]) if is_round else random.randrange(475, 510)
        if is_willing:
            limit = 500
        freight = random.choice([0, 0, 5, 10])
        pledges.append(
            Pledge(
                id=name,
                owner=random.choice("ABCD") if has_twins else name.upper(),
                cell=CELL,
                size=size,
                lots=random.choice([size, size, 50, 100, 70]),
                tolerance=random.choice([0, 0, 10, 30]) if tolerance else 0,
                limit_minor=limit + freight,
                freight_minor=freight,
                seq=random.randrange(1, 5),
                tier=random.choice([0, 0, 1, 3]),
            )
        )
    if min_members is None:
        min_members = random.choice([1, 1, 2, 3])
    similarity = random.choice([(2, 1), (2, 1), (3, 2), (1, 1), (4, 1)])
    rules = Rules(similarity, min_members, "surplus" if objective == "surplus" else "stable")
    offers = [
        _an_offer(random, name, packs=packs, scarce=scarce)
        for name in "xyz"[: random.choice([1, 1, 2, 3])]
    ]
    return World(tuple(pledges), tuple(offers), rules)


def _an_offer(random: Random, name: str, *, packs: bool, scarce: bool) -> Offer:
    lots, price = random.choice([1, 50, 100, 150, 200]), random.choice([500, 495, 490])
    breaks = []
    for _ in range(random.randrange(1, 5)):
        breaks.append((lots, price))
        lots += random.choice([50, 100, 170])
        price -= random.choice([0, 5, 5, 7])
    capacity = random.choice([60, 120, 250, 400]) if scarce else 10**6
    pack = random.choice([1, 10, 30, 50]) if packs else 1
    return Offer(name, "M" + name, CELL, capacity, pack, tuple(breaks), random.randrange(3))


def net(pledge: Pledge) -> int:
    return pledge.limit_minor - pledge.freight_minor - pledge.term_minor - pledge.fee_minor


def groups_of(result: Result) -> Groups:
    return sorted((pool.offer, pool.goods_minor, pool.pledges) for pool in result.pools)


def prices_of(world: World) -> list[int]:
    return sorted({price for offer in world.offers for _, price in offer.breaks})


def earliest_offer(world: World, members: Sequence[Pledge], price: int) -> Offer | None:
    """Return the offer at which these may be a pool at a price, sizes and groups too."""
    above, below = world.rules.similarity
    sizes = [pledge.size for pledge in members]
    if not members or max(sizes) * below > min(sizes) * above:
        return None
    if len({pledge.owner for pledge in members}) < world.rules.min_members:
        return None
    firm = sum(pledge.lots for pledge in members)
    most = firm + sum(pledge.tolerance for pledge in members)
    for offer in sorted(world.offers, key=lambda offer: (offer.seq, offer.id)):
        for least, goods in offer.breaks:
            if goods != price or not is_within(offer, least):
                continue
            total = max(firm, least)
            while total % offer.pack:
                total += 1
            reached = [p for lots, p in offer.breaks if lots <= total and is_within(offer, lots)]
            if total <= most and reached[-1] == price:
                return offer
    return None


def is_within(offer: Offer, lots: int) -> bool:
    """Tell whether all the whole packs that there are hold so many lots."""
    return offer.capacity // offer.pack * offer.pack >= lots


def literal_cascade(world: World) -> Groups:
    """The cascade by trying every set of disjoint windows at every price."""
    still_open = sorted(world.pledges, key=lambda pledge: (pledge.size, pledge.seq, pledge.id))
    found: Groups = []
    for price in prices_of(world):
        while True:
            line = [pledge for pledge in still_open if net(pledge) >= price]
            best = min(choices(world, line, price), key=rank_of)
            if not best:
                break
            for offer, members in best:
                found.append((offer.id, price, tuple(sorted(p.id for p in members))))
                still_open = [pledge for pledge in still_open if pledge not in members]
    return sorted(found)


Choice = list[tuple[Offer, list[Pledge]]]


def choices(world: World, line: list[Pledge], price: int) -> Iterator[Choice]:
    yield []
    for start in range(len(line)):
        for stop in range(start + 1, len(line) + 1):
            offer = earliest_offer(world, line[start:stop], price)
            if offer is not None:
                for rest in choices(world, line[stop:], price):
                    yield [(offer, line[start:stop]), *rest]


def rank_of(choice: Choice) -> tuple[object, ...]:
    lots = sum(pledge.lots for _, members in choice for pledge in members)
    offers = [(offer.seq, offer.id) for offer, _ in choice]
    pools = sorted(sorted(pledge.id for pledge in members) for _, members in choice)
    return -lots, len(choice), offers, pools


def literal_most_surplus(world: World) -> Groups:
    """The objective `surplus` by trying every set of disjoint stretches, one pool of each."""
    line = sorted(world.pledges, key=lambda pledge: (pledge.size, pledge.seq, pledge.id))
    best = min(surplus_stretches(world, line), key=surplus_rank_of)
    return sorted(
        (offer.id, price, tuple(sorted(p.id for p in members))) for offer, price, members in best
    )


Priced = list[tuple[Offer, int, list[Pledge]]]


def surplus_stretches(world: World, line: list[Pledge]) -> Iterator[Priced]:
    """Give every choice of pools; a stretch starts and ends with one of its members."""
    if not line:
        yield []
        return
    yield from surplus_stretches(world, line[1:])
    for stop in range(1, len(line) + 1):
        for price in prices_of(world):
            members = [pledge for pledge in line[:stop] if net(pledge) >= price]
            if not members or members[0] is not line[0] or members[-1] is not line[stop - 1]:
                continue
            offer = earliest_offer(world, members, price)
            if offer is not None:
                for rest in surplus_stretches(world, line[stop:]):
                    yield [(offer, price, members), *rest]


def surplus_rank_of(choice: Priced) -> tuple[object, ...]:
    gain = sum((net(p) - price) * p.lots for _, price, members in choice for p in members)
    lots = sum(pledge.lots for _, _, members in choice for pledge in members)
    offers = [(offer.seq, offer.id) for offer, _, _ in choice]
    pools = sorted(sorted(pledge.id for pledge in members) for _, _, members in choice)
    return -gain, -lots, len(choice), offers, pools


def paid(world: World, result: Result) -> dict[str, int]:
    return {name: pool.goods_minor for pool in result.pools for name in pool.pledges}


def blocking_group(world: World, result: Result) -> tuple[int, tuple[str, ...]] | None:
    """Return a lawful group whose members would all get a lower price, of all subsets."""
    now = paid(world, result)
    for price in prices_of(world):
        better = [
            pledge
            for pledge in world.pledges
            if net(pledge) >= price and now.get(pledge.id, price + 1) > price
        ]
        for size in range(1, len(better) + 1):
            for members in combinations(better, size):
                if earliest_offer(world, members, price):
                    return price, tuple(pledge.id for pledge in members)
    return None


def envied_pool(world: World, result: Result) -> tuple[str, tuple[str, ...]] | None:
    """Return a pledge that pays more (or has no pool) and fits a pool that it accepts."""
    now = paid(world, result)
    by_id = {pledge.id: pledge for pledge in world.pledges}
    above, below = world.rules.similarity
    for pool in result.pools:
        sizes = [by_id[name].size for name in pool.pledges]
        for pledge in world.pledges:
            if now.get(pledge.id, pool.goods_minor + 1) <= pool.goods_minor:
                continue
            spread = [*sizes, pledge.size]
            if net(pledge) >= pool.goods_minor and max(spread) * below <= min(spread) * above:
                return pledge.id, pool.pledges
    return None


def utilities(world: World, result: Result) -> dict[str, int]:
    """Return (true net limit − price) × lots of every pledge of a world."""
    by_id = {pledge.id: pledge for pledge in world.pledges}
    found = dict.fromkeys(by_id, 0)
    for pool in result.pools:
        for member in pool.members:
            gain = net(by_id[member.pledge]) - pool.goods_minor
            found[member.pledge] = gain * member.lots
    return found


def lies(world: World, pledge: Pledge) -> list[int]:
    """Return limits that this pledge could tell: just at, below and above every price."""
    own = pledge.limit_minor - net(pledge)
    told = {price + own + step for price in prices_of(world) for step in (-1, 0, 1)}
    return sorted(limit for limit in told | {1, 10**6} if limit != pledge.limit_minor)
