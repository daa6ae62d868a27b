import pytest

from matching.index.chained import chained


def test_only_cells_of_both_periods_move_the_index():
    links = chained(
        [
            ("2027-01", {"GX": 500_000, "GD": 520_000}),
            ("2027-02", {"GX": 510_000, "YN": 300_000}),
            ("2027-03", {"GX": 510_000, "YN": 330_000}),
        ]
    )

    assert [link.index for link in links] == [10_000, 10_200, 10_578]
    assert links[1].linked == ("GX",)
    assert links[1].without_comparator == ("YN",)
    assert links[2].linked == ("GX", "YN")


def test_a_chain_without_a_common_cell_is_said_to_be_broken_and_stands_still():
    links = chained([("2027-01", {"GX": 500_000}), ("2027-02", {"GD": 900_000})])

    assert [(link.index, link.is_linked) for link in links] == [(10_000, False), (10_000, False)]
    assert links[1].without_comparator == ("GD",)


def test_a_link_is_rounded_half_to_even():
    links = chained([("1", {"GX": 20_000}), ("2", {"GX": 20_001}), ("3", {"GX": 20_004})])

    assert [link.index for link in links] == [10_000, 10_000, 10_001]


@pytest.mark.parametrize(
    "periods",
    [
        [("2", {"GX": 1}), ("1", {"GX": 1})],
        [("1", {"GX": 1}), ("1", {"GX": 1})],
        [("1", {"GX": 0})],
    ],
)
def test_unordered_periods_and_values_of_nothing_are_refused(periods):
    with pytest.raises(ValueError, match=r"period|value"):
        chained(periods)
