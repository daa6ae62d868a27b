"""Group buys against the law read literally, in a short form of `scripts/storm pools`."""

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matching.clearing.pools import check_values
from matching.pools.clearing import Offer, Pledge, Result, Rules, clear
from matching.pools.standing import Standing
from tests.properties.pool_worlds import (
    CELL,
    World,
    a_world,
    blocking_group,
    envied_pool,
    groups_of,
    lies,
    literal_cascade,
    literal_most_surplus,
    net,
    utilities,
)

seeds = st.integers(0, 2**32)


@settings(deadline=None)
@given(seeds, st.booleans(), st.booleans())
def test_the_cascade_is_what_the_law_read_literally_gives(
    seed: int, packs: bool, tolerance: bool
) -> None:
    world = a_world(Random(seed), packs=packs, tolerance=tolerance)

    assert groups_of(world.cleared()) == literal_cascade(world)


@settings(deadline=None)
@given(seeds, st.booleans(), st.booleans())
def test_the_largest_surplus_is_that_of_exhaustive_search(
    seed: int, packs: bool, tolerance: bool
) -> None:
    world = a_world(Random(seed), most=8, objective="surplus", packs=packs, tolerance=tolerance)

    assert groups_of(world.cleared()) == literal_most_surplus(world)


@settings(deadline=None)
@given(seeds, st.booleans(), st.booleans())
def test_tiers_move_nothing_but_odd_lots(seed: int, packs: bool, tolerance: bool) -> None:
    world = a_world(Random(seed), packs=packs, tolerance=tolerance)
    without = replace(world, pledges=tuple(replace(one, tier=0) for one in world.pledges))

    found, plain = world.cleared(), without.cleared()

    assert found.unmatched == plain.unmatched
    for pool, other in zip(found.pools, plain.pools, strict=True):
        assert replace(pool, member_lots=(), amount_minor=()) == replace(
            other, member_lots=(), amount_minor=()
        )
        moved = zip(pool.member_lots, other.member_lots, strict=True)
        assert max(abs(lots - before) for lots, before in moved) <= 1


@settings(deadline=None)
@given(seeds, st.booleans())
def test_no_lawful_group_would_all_pay_less_by_leaving(seed: int, tolerance: bool) -> None:
    world = a_world(Random(seed), tolerance=tolerance)

    assert blocking_group(world, world.cleared()) is None


@settings(deadline=None)
@given(seeds, st.booleans())
def test_nobody_left_at_a_price_fits_a_pool_that_pays_it(seed: int, tolerance: bool) -> None:
    world = a_world(Random(seed), most=14, tolerance=tolerance)

    assert envied_pool(world, world.cleared()) is None


@settings(max_examples=60, deadline=None)
@given(seeds, st.booleans(), st.booleans())
def test_no_false_limit_gains(seed: int, packs: bool, tolerance: bool) -> None:
    world = a_world(Random(seed), packs=packs, tolerance=tolerance)
    honest = utilities(world, world.cleared())

    for pledge in world.pledges:
        for told in lies(world, pledge):
            lying = utilities(world, world.with_limits({pledge.id: told}).cleared())
            assert lying[pledge.id] <= honest[pledge.id]


@settings(max_examples=60, deadline=None)
@given(seeds, st.booleans(), st.booleans())
def test_no_two_false_limits_gain_together(seed: int, packs: bool, tolerance: bool) -> None:
    random = Random(seed)
    world = a_world(random, packs=packs, tolerance=tolerance)
    honest = utilities(world, world.cleared())
    pair = random.sample(world.pledges, min(2, len(world.pledges)))

    for _ in range(20):
        told = {pledge.id: random.choice(lies(world, pledge)) for pledge in pair}
        lying = utilities(world, world.with_limits(told).cleared())
        assert any(lying[pledge.id] <= honest[pledge.id] for pledge in pair)


@settings(deadline=None)
@given(seeds, st.sampled_from(["stable", "surplus"]), st.booleans(), st.booleans())
def test_the_checker_believes_every_result(
    seed: int, objective: str, packs: bool, scarce: bool
) -> None:
    world = a_world(
        Random(seed), most=16, objective=objective, packs=packs, tolerance=True, scarce=scarce
    )

    check_values(world.pledges, world.offers, world.rules, world.cleared())


@settings(deadline=None)
@given(seeds, st.booleans(), st.randoms(use_true_random=False))
def test_the_result_depends_on_the_set_of_inputs_only(
    seed: int, scarce: bool, order: Random
) -> None:
    world = a_world(Random(seed), most=14, tolerance=True, packs=True, scarce=scarce)
    pledges = order.sample(world.pledges, len(world.pledges))
    offers = order.sample(world.offers, len(world.offers))

    assert clear(pledges, offers, world.rules) == world.cleared()


@settings(deadline=None)
@given(seeds, st.sampled_from(["stable", "stable", "surplus"]), st.booleans(), st.booleans())
def test_any_sequence_of_changes_gives_at_each_step_what_one_clearing_does(
    seed: int, objective: str, packs: bool, scarce: bool
) -> None:
    random = Random(seed)
    world = a_world(
        random, most=14, objective=objective, packs=packs, tolerance=True, scarce=scarce
    )

    _change_step_by_step(world, random, changes=25)


@settings(max_examples=25, deadline=None)
@given(seeds, st.booleans())
def test_changes_in_a_larger_cell_give_what_one_clearing_does(seed: int, scarce: bool) -> None:
    random = Random(seed)
    world = a_world(random, most=1, tolerance=True, min_members=2)
    while len(world.pledges) < 60:
        more = a_world(random, most=20, tolerance=True).pledges
        named = [replace(pledge, id=f"{pledge.id}{len(world.pledges)}") for pledge in more]
        world = replace(world, pledges=(*world.pledges, *named))
    if scarce:
        offers = tuple(replace(offer, capacity=1_500) for offer in world.offers)
        world = replace(world, offers=offers)

    _change_step_by_step(world, random, changes=40)


@pytest.mark.parametrize(("seed", "scarce"), [(1, False), (2, False), (3, True)])
def test_hundreds_of_changes_in_one_cell_give_at_each_step_what_one_clearing_does(
    seed: int, scarce: bool
) -> None:
    random = Random(seed)
    tolerance = 10 if seed == 2 else 0

    world = a_large_world(random, tolerance=tolerance, capacity=3_000 if scarce else 10**9)
    _change_step_by_step(world, random, changes=200)


def test_the_checker_believes_what_is_formed_of_larger_cells() -> None:
    for seed in range(40):
        world = a_large_world(Random(seed), tolerance=seed % 3 * 5)

        check_values(world.pledges, world.offers, world.rules, world.cleared())


def a_large_world(random: Random, *, tolerance: int = 0, capacity: int = 10**9) -> World:
    """A cell of 120 pledges: pools of many, some in several rounds, and many ties."""
    breaks = ((600, 480), (1_200, 470), (2_400, 460))
    offers = (
        Offer("x", "X", CELL, capacity, 1, breaks),
        Offer("y", "Y", CELL, capacity, 1, ((900, 475), (1_800, 465)), 1),
    )
    pledges = [
        Pledge(
            id=f"p{random.randrange(10**6)}-{number}",
            owner=random.choice([f"w{number}", f"w{number}", "twin"]),
            cell=CELL,
            size=random.choice([30, 50, 50, 80, 100, 100, 130, random.randrange(20, 200)]),
            lots=random.choice([50, 100, random.randrange(10, 200)]),
            tolerance=random.choice([0, 0, 0, 0, tolerance]),
            limit_minor=random.randrange(450, 520),
            freight_minor=random.choice([0, 0, 8]),
            seq=number,
        )
        for number in range(120)
    ]

    return World(tuple(pledges), offers, Rules())


def _change_step_by_step(world: World, random: Random, changes: int) -> None:
    standing = Standing(world.offers, world.rules)
    kept: dict[str, Pledge] = {}
    absent = {pledge.id: pledge for pledge in world.pledges}
    for number in range(len(world.pledges) + changes):
        act = random.choice(["limit", "limit", "freight", "lots", "other", "leave", "come"])
        if act == "come" or not kept or number < len(world.pledges) // 2:
            if not absent:
                continue
            name = random.choice(sorted(absent))
            kept[name] = absent.pop(name)
            standing.put(kept[name])
        elif act == "leave":
            name = random.choice(sorted(kept))
            absent[name] = kept.pop(name)
            standing.withdraw(name)
        else:
            name = random.choice(sorted(kept))
            kept[name] = _changed(kept[name], act, random)
            standing.put(kept[name])
        assert repr(standing.result()) == repr(clear(kept.values(), world.offers, world.rules))


def _changed(pledge: Pledge, act: str, random: Random) -> Pledge:
    if act == "limit":
        return replace(pledge, limit_minor=pledge.limit_minor + random.randrange(-12, 13))
    if act == "freight":
        return replace(pledge, freight_minor=random.randrange(12))
    if act == "lots":
        return replace(pledge, lots=pledge.lots + random.randrange(1, 20))
    return replace(
        pledge,
        size=random.choice([pledge.size, 60, 100, 150]),
        lots=random.choice([pledge.lots, 50, 90]),
        tolerance=random.choice([pledge.tolerance, 0, 15]),
        owner=random.choice([pledge.owner, "A", "B"]),
    )


@settings(deadline=None)
@given(seeds)
def test_members_pay_one_goods_price_within_their_limits(seed: int) -> None:
    world = a_world(Random(seed), most=14, packs=True, tolerance=True, scarce=seed % 2 == 0)
    by_id = {pledge.id: pledge for pledge in world.pledges}

    for pool in world.cleared().pools:
        assert pool.lots == sum(member.lots for member in pool.members)
        for member in pool.members:
            pledge = by_id[member.pledge]
            assert member.landed_minor == pool.goods_minor + pledge.limit_minor - net(pledge)
            assert member.landed_minor <= pledge.limit_minor
            assert member.amount_minor == member.landed_minor * member.lots
            assert 1 <= member.lots <= pledge.lots + pledge.tolerance


@settings(deadline=None)
@given(seeds)
def test_nothing_is_sold_beyond_an_offers_capacity(seed: int) -> None:
    world = a_world(Random(seed), most=16, tolerance=True, scarce=True)

    result = world.cleared()

    for offer in world.offers:
        sold = sum(pool.lots for pool in result.pools if pool.offer == offer.id)
        assert sold <= offer.capacity


@pytest.mark.parametrize("objective", ["stable", "surplus"])
def test_prices_and_limits_may_be_moved_together(objective: str) -> None:
    for seed in range(50):
        world = a_world(Random(seed), most=12, objective=objective, tolerance=True)
        moved = _moved(world, 1000)

        assert _pools(moved.cleared(), 1000) == _pools(world.cleared(), 0)


def _moved(world: World, by: int) -> World:
    return World(
        tuple(replace(pledge, limit_minor=pledge.limit_minor + by) for pledge in world.pledges),
        tuple(
            replace(offer, breaks=tuple((lots, price + by) for lots, price in offer.breaks))
            for offer in world.offers
        ),
        world.rules,
    )


def _pools(result: Result, by: int) -> list[tuple[object, ...]]:
    return [
        (pool.offer, pool.goods_minor - by, pool.pledges, pool.member_lots) for pool in result.pools
    ]
