"""Packs: the best windows up to each boundary are those that trying them all finds."""

from itertools import accumulate
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from matching.clearing.pool_book import Law, book_of, supply_of
from matching.clearing.pool_line import line_of as checked_line_of
from matching.clearing.pool_packs import passing_by
from matching.clearing.pools import check_values
from matching.pools.cells import cell_of
from matching.pools.clearing import Offer, Pledge, Rules
from matching.pools.packed import costs_with_packs
from matching.pools.price_breaks import by_rank, levels
from matching.pools.stretches import Line, Shape, line_of
from matching.pools.windows import Ranker, ranker_of
from tests.properties.pool_worlds import CELL, World

seeds = st.integers(0, 2**32)


@settings(max_examples=150, deadline=None)
@given(seeds)
def test_the_least_passed_by_is_that_of_trying_every_window(seed: int) -> None:
    random = Random(seed)
    world = a_packed_world(random, random.randrange(3, 50))
    places = range(len(world.pledges))
    shape = Shape(2, 1, world.rules.min_members)
    book = book_of(world.pledges, [supply_of(offer) for offer in world.offers])
    law = Law(*shape, "stable")
    for level in levels(by_rank(world.offers)):
        line = line_of(cell_of(world.pledges), places, level.least_lots, shape)
        if not line.stops:
            continue
        ranker = ranker_of(line, level)

        costs = costs_with_packs(line, level)

        assert costs.cost == tried_out(line, ranker)
        for end, start in enumerate(costs.way):
            assert start < 0 or ranker(start, end) >= 0
        checked = checked_line_of(book, law, [*places], level.least_lots)
        assert checked is not None
        assert passing_by(book, checked, level.price_minor) == costs.cost


def test_many_pledges_of_which_no_packs_can_be_made_are_told_so_and_checked() -> None:
    random = Random(7)
    for tolerance, pack in ((0, 100_003), (1, 10**6)):
        pledges = tuple(
            a_pledge(random, k, size=random.randrange(100, 200), lots=98, tolerance=tolerance)
            for k in range(10_000)
        )
        offer = Offer("m", "M", CELL, 10**12, pack, ((1, 490),))
        world = World(pledges, (offer,), Rules())

        result = world.cleared()

        assert result.pools == ()
        assert {*result.reasons} == {"break_not_reached"}
        check_values(world.pledges, world.offers, world.rules, result)


def test_many_pledges_that_fill_packs_in_many_ways_are_cleared_and_checked() -> None:
    random = Random(8)
    pledges = tuple(
        a_pledge(random, k, size=random.choice([10, 20, 40, 80]), lots=random.randrange(50, 150))
        for k in range(5_000)
    )
    world = World(pledges, (Offer("m", "M", CELL, 10**12, 20, ((300, 490),)),), Rules())

    result = world.cleared()

    assert len(result.pools) > 1
    check_values(world.pledges, world.offers, world.rules, result)


def tried_out(line: Line, ranker: Ranker) -> list[int]:
    """Return the costs by trying every window of similar size, lots and owner groups enough."""
    unit = len(line.lots) + 1
    firm = [0, *accumulate(line.lots)]
    cost = [0]
    for end in range(1, unit):
        starts = range(line.first_start(end), line.last_start(end) + 1)
        ways = [cost[start] + 1 for start in starts if ranker(start, end) >= 0]
        cost.append(min([cost[-1] + (firm[end] - firm[end - 1]) * unit, *ways]))
    return cost


def a_packed_world(random: Random, count: int) -> World:
    tolerance, willing = random.choice([0, 0, 1, 2, 5, 30]), random.choice([0.05, 0.3, 1])
    most = random.choice([5, 20, 100])
    pledges = tuple(
        a_pledge(
            random,
            k,
            size=random.choice([10, 12, 15, 20, 30, 40]),
            lots=random.randrange(1, most + 1),
            tolerance=tolerance if random.random() < willing else 0,
        )
        for k in range(count)
    )
    offers = tuple(
        Offer(
            id=f"o{k}",
            owner=f"O{k}",
            cell=CELL,
            capacity=10**9,
            pack=random.choice([2, 3, 7, 10, 13, 50, 97, 400]),
            breaks=((random.choice([1, 5, 30, 90]), 490), (random.choice([100, 200, 1000]), 480)),
            seq=k,
        )
        for k in range(random.choice([1, 1, 2, 3]))
    )
    return World(pledges, offers, Rules((2, 1), random.choice([1, 2, 3])))


def a_pledge(random: Random, number: int, *, size: int, lots: int, tolerance: int = 0) -> Pledge:
    """Return one of a firm that may have more of them, and accepts every price."""
    owner = f"w{random.randrange(number + 1)}"
    return Pledge(f"p{number:05}", owner, CELL, size, lots, tolerance, 500, seq=number)
