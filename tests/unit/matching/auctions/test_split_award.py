from __future__ import annotations

from random import Random

import pytest

from matching.auctions.refusals import BadRule
from matching.auctions.split_award import VolumeNotReached, VolumeOffer, split_award


def price_of(offer: VolumeOffer, lots: int) -> int | None:
    earned = [price for low, price in offer.breaks if low <= lots]
    return earned[-1] if earned and lots <= offer.capacity else None


def every_split(offers, most, left):
    """Yield every way to buy at most `most` lots from at most `left` of the offers."""
    if not offers:
        yield ()
        return
    for lots in range(most + 1):
        if lots == 0 or (left > 0 and price_of(offers[0], lots) is not None):
            for rest in every_split(offers[1:], most - lots, left - (lots > 0)):
                yield (lots, *rest)


def by_force(offers, lots, winners, surplus):
    def order(split):
        cost = sum(n * price_of(o, n) for o, n in zip(offers, split, strict=True) if n)
        return cost, sum(split), sum(n > 0 for n in split), [-n for n in split]

    lawful = (s for s in every_split(offers, lots + surplus, winners) if sum(s) >= lots)
    return min(map(order, lawful), default=None)


@pytest.mark.parametrize("seed", range(300))
def test_a_split_is_the_cheapest_of_all(seed: int) -> None:
    random = Random(seed)
    offers = []
    for name in "abc"[: random.randint(1, 3)]:
        start = random.randint(1, 4)
        lows = sorted({start, *(random.randint(start, 9) for _ in range(random.randint(0, 2)))})
        breaks = tuple((low, random.randint(90, 110)) for low in lows)
        offers.append(VolumeOffer(name, breaks, random.randint(2, 10)))
    lots, surplus = random.randint(1, 9), random.choice([0, 0, 3])
    winners = random.randint(1, 3)
    expected = by_force(offers, lots, winners, surplus)

    if expected is None:
        with pytest.raises(VolumeNotReached):
            split_award(offers, lots, max_winners=winners, surplus_lots=surplus)
        return
    found = split_award(offers, lots, max_winners=winners, surplus_lots=surplus)

    won = {award.offer: award.lots for award in found.awards}
    lots_won = [-won.get(offer.id, 0) for offer in offers]
    assert (found.total_minor, found.lots, len(won), lots_won) == expected
    assert found.total_minor == sum(award.lots * award.price_minor for award in found.awards)
    for award in found.awards:
        offer = next(offer for offer in offers if offer.id == award.offer)
        assert award.price_minor == price_of(offer, award.lots)


def test_a_break_counts_on_the_awarded_volume_not_the_offered() -> None:
    offers = [
        VolumeOffer("a", ((1, 100), (1000, 90)), 2000),
        VolumeOffer("b", ((1, 95),), 500),
    ]

    found = split_award(offers, 990, max_winners=2)

    assert [(won.offer, won.lots, won.price_minor) for won in found.awards] == [
        ("a", 490, 100),
        ("b", 500, 95),
    ]


def test_surplus_is_bought_only_where_declared() -> None:
    offers = [VolumeOffer("a", ((1, 100), (1000, 90)), 2000)]

    assert split_award(offers, 990, max_winners=1).lots == 990
    assert split_award(offers, 990, max_winners=1, surplus_lots=20).lots == 1000


def test_a_problem_too_large_is_refused() -> None:
    offers = [VolumeOffer(str(i), ((1, 100),), 10**9) for i in range(10)]

    with pytest.raises(BadRule):
        split_award(offers, 10**8, max_winners=5)
