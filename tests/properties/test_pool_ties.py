"""The checker of group buys refuses every choice that is as good as the best but not the first."""

from collections.abc import Iterator
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matching.clearing.form import GuaranteeBroken
from matching.clearing.pool_book import Law, Placed, book_of, supply_of
from matching.clearing.pool_terms import left_out
from matching.clearing.pools import check_values
from matching.pools.clearing import Offer, Pledge, Pool, Result, Rules
from tests.properties.pool_worlds import (
    CELL,
    Choice,
    World,
    a_world,
    choices,
    net,
    prices_of,
    rank_of,
    surplus_rank_of,
    surplus_stretches,
)

seeds = st.integers(0, 2**32)


@settings(max_examples=60, deadline=None)
@given(seeds, st.sampled_from([1, 10]), st.sampled_from([None, 100]))
def test_another_choice_of_the_same_volume_is_refused(
    seed: int, pack: int, lots: int | None
) -> None:
    world = a_tied_world(Random(seed), pack=pack, lots=lots)

    for other in other_choices(world):
        with pytest.raises(GuaranteeBroken) as broken:
            check_values(world.pledges, world.offers, world.rules, other)
        assert broken.value.name in {"first_list", "offer"}


@settings(deadline=None)
@given(seeds, st.sampled_from([1, 10]))
def test_another_choice_of_the_same_surplus_is_refused(seed: int, pack: int) -> None:
    tied = a_tied_world(Random(seed), pack=pack)
    world = replace(tied, rules=replace(tied.rules, objective="surplus"))
    line = sorted(world.pledges, key=lambda pledge: (pledge.size, pledge.seq, pledge.id))
    ranked = sorted(surplus_stretches(world, line), key=surplus_rank_of)

    for choice in ranked[1:]:
        if surplus_rank_of(choice)[:3] != surplus_rank_of(ranked[0])[:3]:
            break
        other = result_of(world, [choice])
        with pytest.raises(GuaranteeBroken) as broken:
            check_values(world.pledges, world.offers, world.rules, other)
        assert broken.value.name in {"first_list", "offer"}


def test_tied_worlds_have_other_choices() -> None:
    found = [len(list(other_choices(a_tied_world(Random(seed))))) for seed in range(60)]

    assert sum(found) > 50


def test_passing_by_another_of_the_same_lots_is_refused() -> None:
    pledges = [
        Pledge(name, name, CELL, size, 100, limit_minor=500, seq=1)
        for name, size in (("a", 50), ("b", 100), ("c", 200))
    ]
    offer = Offer("x", "M", CELL, 10**6, 1, ((200, 490),))
    world = World(tuple(pledges), (offer,), Rules(min_members=2))
    other = result_of(world, [[(offer, 490, pledges[1:])]])

    assert world.cleared().pools[0].pledges == ("a", "b")
    with pytest.raises(GuaranteeBroken, match="first_list"):
        check_values(world.pledges, world.offers, world.rules, other)


def a_tied_world(random: Random, *, pack: int = 1, lots: int | None = None) -> World:
    """A cell where everybody accepts one price, which can be reached in many ways.

    Everybody pledges so many lots, or as many as his size.
    """
    world = a_world(random)
    while len(world.pledges) < 7:
        world = a_world(random)
    sizes = [40, 50, 60, 80, 100, 120]
    pledges = [
        replace(
            p, size=size, lots=lots or size, owner=p.id, limit_minor=p.limit_minor - net(p) + 600
        )
        for p in world.pledges
        for size in [random.choice(sizes)]
    ]
    offers = [
        replace(offer, pack=pack, breaks=((random.choice([50, 100, 150]), 490),))
        for offer in world.offers
    ]
    rules = replace(
        world.rules, similarity=random.choice([(2, 1), (3, 2)]), min_members=random.choice([1, 2])
    )
    return World(tuple(pledges), tuple(offers), rules)


Taken = tuple[Offer, int, list[Pledge]]


def other_choices(world: World) -> Iterator[Result]:
    """Give results whose first round is as good as the first one, but another."""
    price = prices_of(world)[0]
    line = sorted(world.pledges, key=lambda pledge: (pledge.size, pledge.seq, pledge.id))
    ranked = sorted(choices(world, line, price), key=rank_of)
    for choice in ranked[1:]:
        if rank_of(choice)[:2] == rank_of(ranked[0])[:2] and choice:
            rounds = [choice, *_rest(world, line, choice, price)]
            yield result_of(
                world, [[(offer, price, members) for offer, members in one] for one in rounds]
            )


def _rest(world: World, line: list[Pledge], first: Choice, price: int) -> Iterator[Choice]:
    closed = first
    while closed:
        line = [p for p in line if all(p not in members for _, members in closed)]
        closed = min(choices(world, line, price), key=rank_of)
        if closed:
            yield closed


def result_of(world: World, rounds: list[list[Taken]]) -> Result:
    """Return the result that these pools would be."""
    pools = [
        _pool(offer, price, members, number)
        for number, one in enumerate(rounds, 1)
        for offer, price, members in one
    ]
    pools.sort(key=lambda pool: pool.pledges)
    supplies = [supply_of(offer) for offer in world.offers]
    book = book_of(world.pledges, supplies)
    law = Law(*world.rules.similarity, world.rules.min_members, world.rules.objective)
    placed = [
        Placed(book.supplies[0], pool.goods_minor, [book.place[x] for x in pool.pledges], [], 1)
        for pool in pools
    ]
    left = sorted(left_out(book, law, placed, placed).items())
    by_id = {pledge.id: pledge for pledge in world.pledges}
    surplus = sum(
        (net(by_id[member.pledge]) - pool.goods_minor) * member.lots
        for pool in pools
        for member in pool.members
    )
    objective = surplus if world.rules.objective == "surplus" else 0
    names, reasons = [name for name, _ in left], [reason for _, reason in left]
    return Result(tuple(pools), tuple(names), tuple(reasons), surplus, (), objective)


def _pool(offer: Offer, price: int, members: list[Pledge], number: int) -> Pool:
    ordered = sorted(members, key=lambda pledge: pledge.id)
    lots = tuple(pledge.lots for pledge in ordered)
    landed = tuple(price + pledge.limit_minor - net(pledge) for pledge in ordered)
    amounts = tuple(n * each for n, each in zip(lots, landed, strict=True))
    ids = tuple(pledge.id for pledge in ordered)
    return Pool(offer.id, price, sum(lots), ids, lots, landed, amounts, number)
