"""The short form of `scripts/storm index`: who reads, who attacks, and what is safe."""

from __future__ import annotations

from random import Random
from statistics import mean

import pytest

from matching.index.batch import IndexRules
from matching.index.publish import Publication, publish
from tests.properties.index_worlds import (
    FIRST_MINOR,
    SPREADS,
    Isolating,
    Standing,
    a_trade,
    fair_budget,
    guesses,
    hits,
    is_safe_twice,
    played,
    washed,
)


@pytest.mark.parametrize("seed", range(3))
def test_an_attacker_of_five_firms_guesses_hardly_more_than_a_reader(seed: int) -> None:
    trade = a_trade(Random(seed))
    fair, count = fair_budget(trade), len(trade.deals)
    base = hits(guesses(played(trade)))
    isolating = Isolating(fair)
    isolated = played(trade, isolating)
    standing = Standing(Random(seed), fair, max(1, count // fair))
    stood = played(trade, standing)

    learnt = ((deal, isolating.learnt.get(deal.id, x)) for deal, x in guesses(isolated))

    assert len(isolating.learnt) > 10
    assert 100 * (len(hits(learnt)) - len(base)) <= 5 * count
    assert 100 * (len(hits(standing.guesses(stood))) - len(base)) <= 5 * count


@pytest.mark.parametrize("spread", SPREADS)
def test_washed_trade_moves_the_value_by_less_than_a_fifth_of_a_percent(spread: float) -> None:
    fine = IndexRules(step_minor=1)
    moved = []
    for seed in range(60):
        before, after = (publish(deals, fine) for deals in washed(Random(seed), spread))
        if isinstance(before, Publication) and isinstance(after, Publication):
            moved.append(after.value_minor - before.value_minor)

    assert len(moved) > 50
    assert 500 * mean(moved) <= FIRST_MINOR


@pytest.mark.parametrize("seed", range(5))
def test_each_deal_feeds_one_publication_and_each_is_safe(seed: int) -> None:
    world = played(a_trade(Random(seed), deals=200))
    deals = {deal.id: deal for _, deal in world.settled}
    used = [name for values in world.board.values.values() for v in values for name in v.used]

    assert len(used) == len(set(used)) > 0
    for values in world.board.values.values():
        for value in values:
            assert is_safe_twice([deals[name] for name in value.used], world.active)
