from fractions import Fraction

import pytest

from matching.index.batch import ActiveGroups, IndexRules, SettledDeal, price_paid
from matching.index.cells import CellMalformed, parse_cell
from matching.index.publish import Publication, band, publish, publish_cells
from matching.index.screening import Suppressed
from matching.index.weighted import lower_median, to_step, weights

RULES = IndexRules(step_minor=100)


def a_deal(number: int, *, lots: int = 100, price: int = 500_000, **groups: str) -> SettledDeal:
    return SettledDeal(
        id=f"d{number}",
        buyer_group=groups.get("buyer", f"b{number}"),
        seller_group=groups.get("seller", f"s{number}"),
        price_minor=price,
        lots=lots,
    )


def a_crowd(count: int = 5) -> list[SettledDeal]:
    return [a_deal(number, price=500_000 + 1000 * number) for number in range(1, count + 1)]


def the_rule(found: Publication | Suppressed) -> str:
    assert isinstance(found, Suppressed)
    return found.rule


def test_five_equal_groups_a_side_publish_their_median():
    found = publish(a_crowd(), RULES)

    assert found == Publication(503_000, ("d1", "d2", "d3", "d4", "d5"), (), "300-999", "3-9")


def test_four_groups_wait():
    found = publish(a_crowd(4), RULES)

    assert found == Suppressed("min_groups", (("side", "buyers"), ("groups", 4), ("required", 5)))


def test_four_groups_are_enough_where_only_four_are_active():
    assert isinstance(publish(a_crowd(4), RULES, active=ActiveGroups(4, 4)), Publication)


def test_two_groups_are_never_enough():
    assert the_rule(publish(a_crowd(2), RULES, active=ActiveGroups(2, 2))) == "min_groups"


def test_half_of_the_volume_is_the_most_for_one_group():
    six = [a_deal(number, lots=10) for number in range(1, 6)]

    assert isinstance(publish([*six, a_deal(6, lots=15)], RULES), Publication)
    assert the_rule(publish([*six, a_deal(6, lots=51)], RULES)) == "max_share"


def test_four_fifths_are_the_most_for_two_groups():
    small = [a_deal(number, lots=10) for number in range(1, 4)]

    found = publish([*small, a_deal(4, lots=61), a_deal(5, lots=61)], RULES)

    assert the_rule(found) == "max_two_share"


def test_the_second_largest_must_not_guess_the_largest():
    rules = IndexRules(step_minor=1, min_groups=3, max_two_share=Fraction(1))

    found = publish([a_deal(1, lots=500), a_deal(2, lots=470), a_deal(3, lots=49)], rules)

    assert found == Suppressed("p_percent", (("side", "buyers"), ("largest", 500), ("rest", 49)))


def test_a_sellers_side_with_one_group_waits():
    deals = [a_deal(number, seller="s") for number in range(1, 9)]

    assert the_rule(publish(deals, RULES)) == "min_groups"


def test_a_group_that_subtracts_its_deals_must_still_face_enough_groups():
    deals = [
        a_deal(1),
        a_deal(2),
        a_deal(3),
        a_deal(4),
        a_deal(5, seller="s2"),
        a_deal(6, buyer="b1", seller="s5"),
    ]

    assert isinstance(publish([*deals, a_deal(7, buyer="b2", seller="s5")], RULES), Publication)
    assert publish(deals, RULES) == Suppressed(
        "robust_groups",
        (("side", "sellers"), ("without", "b1"), ("groups", 3), ("required", 4)),
    )


def test_no_group_may_dominate_what_is_left_without_another():
    deals = [
        a_deal(1, lots=45),
        a_deal(2, lots=34),
        *(a_deal(number, lots=7) for number in (3, 4, 5)),
    ]

    found = publish(deals, RULES)

    assert found == Suppressed(
        "robust_share",
        (("side", "buyers"), ("without", "b1"), ("lots", 55), ("largest", 34)),
    )


def test_returned_deals_leave_the_batch_and_stay_on_record():
    found = publish(a_crowd(6), RULES, excluded={"d6", "published-before"})

    assert isinstance(found, Publication)
    assert found.used == ("d1", "d2", "d3", "d4", "d5")
    assert found.excluded == ("d6", "published-before")


def test_a_batch_without_deals_waits():
    assert publish([], RULES) == Suppressed("no_deals", ())


def test_two_deals_of_one_id_are_our_bug():
    with pytest.raises(ValueError, match="distinct ids"):
        publish([a_deal(1), a_deal(1)], RULES)


def test_a_group_above_the_cap_weighs_as_much_as_the_cap():
    deals = [a_deal(1, lots=600), *(a_deal(number, lots=100) for number in range(2, 6))]

    numerators, denominator = weights(deals, Fraction(1, 4))

    assert Fraction(numerators[0], denominator) == 600 * Fraction(250, 600) ** 2
    assert Fraction(numerators[1], denominator) == 100


def test_the_median_takes_the_lower_price_at_an_exact_half():
    assert lower_median([300, 100, 200, 400], [1, 1, 1, 1]) == 200


@pytest.mark.parametrize(
    ("price", "rounded"), [(149, 100), (150, 200), (250, 200), (251, 300), (0, 0)]
)
def test_the_value_is_rounded_half_to_even_to_the_step(price: int, rounded: int):
    assert to_step(price, 100) == rounded


@pytest.mark.parametrize(
    ("count", "shown"),
    [
        (1, "1-2"),
        (2, "1-2"),
        (3, "3-9"),
        (9, "3-9"),
        (10, "10-29"),
        (30, "30-99"),
        (300, "300-999"),
    ],
)
def test_counts_leave_as_bands(count: int, shown: str):
    assert band(count) == shown


def test_cells_are_published_one_by_one():
    found = publish_cells(
        {"X/B/2027-02": a_crowd(2), "X/A/2027-01": a_crowd()},
        RULES,
        excluded={"X/A/2027-01": {"z"}},
    )

    assert list(found) == ["X/A/2027-01", "X/B/2027-02"]
    assert isinstance(found["X/A/2027-01"], Publication)
    assert the_rule(found["X/B/2027-02"]) == "min_groups"


@pytest.mark.parametrize("text", ["X/Y", "X//2027-01", "X/Y/2027-13", "X/Y/2027-1", "a/b/c/d", ""])
def test_a_cell_has_an_instrument_a_region_and_a_month(text: str):
    with pytest.raises(CellMalformed):
        parse_cell(text)


@pytest.mark.parametrize("wrong", [{"step_minor": 0}, {"step_minor": 1, "party_cap": Fraction(0)}])
def test_rules_without_sense_are_our_bug(wrong: dict[str, int]):
    with pytest.raises(ValueError, match="index"):
        IndexRules(**wrong)


@pytest.mark.parametrize(
    ("lots", "conceded_minor", "paid_minor"),
    [(100, 0, 500_000), (100, 1_250_000, 487_500), (3, 1, 500_000), (2, 1, 500_000), (2, 10**6, 1)],
)
def test_what_the_seller_gave_back_comes_off_the_price(
    lots: int, conceded_minor: int, paid_minor: int
) -> None:
    assert price_paid(500_000, lots, conceded_minor=conceded_minor) == paid_minor
