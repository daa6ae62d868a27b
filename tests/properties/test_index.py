from collections import defaultdict
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from matching.index.batch import IndexRules, SettledDeal
from matching.index.publish import Publication, publish
from matching.index.screening import Suppressed, screen
from matching.index.weighted import lower_median, weights

OPEN = IndexRules(
    step_minor=1,
    min_groups=1,
    max_share=Fraction(1),
    max_two_share=Fraction(1),
    p_percent=0,
    robust_share=Fraction(1),
)
groups = st.sampled_from("ABCDEFGH")
trades = st.tuples(groups, groups, st.integers(900, 1100), st.integers(1, 60))
batches = st.lists(trades, min_size=1, max_size=40).map(
    lambda found: [SettledDeal(str(i), *trade) for i, trade in enumerate(found)]
)
rules = st.builds(
    IndexRules,
    step_minor=st.just(5),
    min_groups=st.integers(1, 5),
    max_share=st.sampled_from([Fraction(1, 2), Fraction(9, 10)]),
    max_two_share=st.sampled_from([Fraction(4, 5), Fraction(1)]),
    p_percent=st.sampled_from([0, 10, 50]),
    robust_share=st.sampled_from([Fraction(3, 5), Fraction(9, 10)]),
)


def sizes(deals: list[SettledDeal]) -> list[dict[str, int]]:
    sides: list[dict[str, int]] = [defaultdict(int), defaultdict(int)]
    for deal in deals:
        sides[0][deal.buyer_group] += deal.lots
        sides[1][deal.seller_group] += deal.lots
    return sides


def is_safe(deals: list[SettledDeal], law: IndexRules) -> bool:
    """Test every rule as it is written, one group's removal at a time."""
    total = sum(deal.lots for deal in deals)
    for side in sizes(deals):
        top = sorted(side.values(), reverse=True)
        if len(top) < law.min_groups or top[0] > law.max_share * total:
            return False
        if sum(top[:2]) > law.max_two_share * total:
            return False
        if total - sum(top[:2]) < Fraction(law.p_percent * top[0], 100):
            return False
    for group in "ABCDEFGH":
        rest = [d for d in deals if group not in (d.buyer_group, d.seller_group)]
        left = sum(deal.lots for deal in rest)
        for side in sizes(rest):
            if len(side) < law.min_groups - 1:
                return False
            if max(side.values(), default=0) > law.robust_share * left:
                return False
    return True


@given(batches, rules)
def test_screening_is_the_rules_as_they_are_written(deals: list[SettledDeal], law: IndexRules):
    assert (screen(deals, law) is None) == is_safe(deals, law)


@given(batches, st.sampled_from([Fraction(1, 4), Fraction(1, 10), Fraction(1)]))
def test_weights_are_the_formula(deals: list[SettledDeal], cap: Fraction):
    total = sum(deal.lots for deal in deals)
    bought, sold = sizes(deals)

    numerators, denominator = weights(deals, cap)

    for deal, numerator in zip(deals, numerators, strict=True):
        buyer = min(Fraction(1), cap * total / bought[deal.buyer_group])
        seller = min(Fraction(1), cap * total / sold[deal.seller_group])
        assert Fraction(numerator, denominator) == deal.lots * buyer * seller


@given(batches, st.randoms(use_true_random=False))
def test_the_order_of_deals_changes_nothing(deals: list[SettledDeal], shuffler):
    mixed = list(deals)
    shuffler.shuffle(mixed)

    assert publish(mixed, OPEN) == publish(deals, OPEN)


@given(batches)
def test_a_deal_counts_like_its_halves(deals: list[SettledDeal]):
    doubled = [
        SettledDeal(d.id, d.buyer_group, d.seller_group, d.price_minor, 2 * d.lots) for d in deals
    ]
    halves = [
        SettledDeal(f"{d.id}+", d.buyer_group, d.seller_group, d.price_minor, d.lots) for d in deals
    ]

    whole, parts = publish(doubled, OPEN), publish(halves + list(deals), OPEN)

    assert isinstance(whole, Publication)
    assert isinstance(parts, Publication)
    assert whole.value_minor == parts.value_minor


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 5)), min_size=1, max_size=9))
def test_the_median_has_half_of_the_weight_on_either_side(pairs: list[tuple[int, int]]):
    prices, held = [p for p, _ in pairs], [w for _, w in pairs]
    if sum(held) == 0:
        return
    median = lower_median(prices, held)

    assert 2 * sum(w for p, w in pairs if p <= median) >= sum(held)
    assert 2 * sum(w for p, w in pairs if p < median) < sum(held)


@given(batches, st.integers(0, 5000))
def test_one_group_a_side_cannot_leave_the_range_of_the_others(
    deals: list[SettledDeal], price: int
):
    others = [d for d in deals if "A" not in (d.buyer_group, d.seller_group)]
    bent = [
        SettledDeal(d.id, d.buyer_group, d.seller_group, price, d.lots)
        if "A" in (d.buyer_group, d.seller_group)
        else d
        for d in deals
    ]
    found = publish(bent, IndexRules(step_minor=1))
    numerators, _ = weights(bent, Fraction(1, 4))
    held = sum(w for d, w in zip(bent, numerators, strict=True) if d not in others)

    if isinstance(found, Suppressed) or 2 * held >= sum(numerators):
        return
    assert min(d.price_minor for d in others) <= found.value_minor
    assert found.value_minor <= max(d.price_minor for d in others)
