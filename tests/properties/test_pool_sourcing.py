"""Several suppliers of one pool: who delivers whom, against every way of doing it."""

import json
from fractions import Fraction
from itertools import pairwise, product
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.laboratory.clearing import GuaranteeBroken, check_documents, clear_document
from aggregator.laboratory.reading import BadInput
from matching.pools.sourcing import Supply, goods_price, payable, sourced
from tests.unit.laboratory.mutating import mutated

counts = st.lists(st.integers(1, 60), min_size=1, max_size=9)


@st.composite
def deliveries(draw: st.DrawFn) -> tuple[list[Supply], list[int]]:
    """Members, and suppliers whose lots are cut out of the members' total."""
    members = draw(counts)
    total = sum(members)
    cuts = sorted(draw(st.sets(st.integers(1, total - 1), max_size=4))) if total > 1 else []
    bounds = [0, *cuts, total]
    prices = st.integers(1, 1000)
    supplies = [Supply(high - low, draw(prices)) for low, high in pairwise(bounds)]
    return supplies, members


@given(deliveries())
def test_everybody_has_his_lots_and_every_minor_unit_is_owned(
    delivery: tuple[list[Supply], list[int]],
) -> None:
    supplies, members = delivery
    cost = sum(supply.lots * supply.price_minor for supply in supplies)

    plan = sourced(supplies, members)

    assert [sum(row) for row in plan.lots] == members
    assert [sum(column) for column in zip(*plan.lots, strict=True)] == [s.lots for s in supplies]
    assert min(min(row) for row in plan.lots) >= 0
    assert sum(plan.due_minor) == cost
    assert sum(plan.level_minor) == 0
    exact = Fraction(cost, sum(members))
    assert 0 <= plan.price_minor - exact < 1
    for lots, due, row, level in zip(
        members, plan.due_minor, plan.lots, plan.level_minor, strict=True
    ):
        assert abs(due - exact * lots) < 1
        assert due <= plan.price_minor * lots
        paid = sum(got * s.price_minor for got, s in zip(row, supplies, strict=True))
        assert paid + level == due
    if len(supplies) == 1:
        assert set(plan.level_minor) == {0}


@given(st.lists(st.integers(1, 6), min_size=1, max_size=4), st.data())
def test_the_first_supplier_delivers_as_nearly_in_proportion_as_any_division(
    members: list[int], data: st.DataObject
) -> None:
    total = sum(members)
    lots = data.draw(st.integers(1, total))
    rest = [Supply(total - lots, 9)] if lots < total else []

    plan = sourced([Supply(lots, 7), *rest], members)

    def off(division: tuple[int, ...]) -> Fraction:
        quotas = [Fraction(lots * own, total) for own in members]
        return sum(
            (abs(got - quota) for got, quota in zip(division, quotas, strict=True)), Fraction()
        )

    every = [
        division
        for division in product(*(range(own + 1) for own in members))
        if sum(division) == lots
    ]
    assert off(tuple(row[0] for row in plan.lots)) == min(off(division) for division in every)


@given(st.lists(st.tuples(st.integers(-50, 50), st.integers(0, 60)), min_size=1, max_size=8))
def test_what_is_levelled_adds_up_to_zero_and_nobody_pays_more_than_he_has(
    members: list[tuple[int, int]],
) -> None:
    levels = [level for level, _ in members]
    levels.append(-sum(levels))
    have = [available for _, available in members] + [10**6]

    paid = payable(levels, have)

    assert sum(paid) == 0
    for due, available, amount in zip(levels, have, paid, strict=True):
        assert amount <= max(0, min(due, available))
        assert amount >= min(0, due)
    if all(due <= available for due, available in zip(levels, have, strict=True)):
        assert paid == levels


def test_a_worked_case() -> None:
    plan = sourced([Supply(60, 485_000), Supply(40, 489_000)], [34, 33, 33])

    assert plan.lots == ((20, 14), (20, 13), (20, 13))
    assert plan.price_minor == goods_price([Supply(60, 485_000), Supply(40, 489_000)]) == 486_600
    assert plan.due_minor == (34 * 486_600, 33 * 486_600, 33 * 486_600)
    assert plan.level_minor == (-1_600, 800, 800)


@pytest.mark.parametrize(
    ("supplies", "members"),
    [([Supply(5, 1)], [4]), ([Supply(0, 1)], [0]), ([Supply(3, 1)], [3, 0])],
)
def test_what_does_not_add_up_is_refused(supplies: list[Supply], members: list[int]) -> None:
    with pytest.raises(ValueError, match="lot"):
        sourced(supplies, members)


@given(deliveries(), st.data())
def test_a_division_passes_the_checker_and_no_changed_one_does(
    delivery: tuple[list[Supply], list[int]], data: st.DataObject
) -> None:
    supplies, members = delivery
    have = st.one_of(st.just(0), st.integers(0, 10_000))
    instance = {
        "kind": "sourcing",
        "suppliers": [[f"s{place}", *supply] for place, supply in enumerate(supplies)],
        "members": [[f"m{place}", lots, data.draw(have)] for place, lots in enumerate(members)],
    }
    text = json.dumps(instance).encode()
    result = clear_document(text)
    check_documents(text, json.dumps(result).encode())

    changed = mutated(result, Random(data.draw(st.integers(0, 10**6))))

    with pytest.raises(GuaranteeBroken):
        check_documents(text, json.dumps(changed).encode())


def test_a_division_of_other_lots_is_refused() -> None:
    instance = {"kind": "sourcing", "suppliers": [["s", 2, 7]], "members": [["m", 1, 0]]}

    with pytest.raises(BadInput) as refused:
        clear_document(json.dumps(instance).encode())

    assert refused.value.pointer == "/members"
