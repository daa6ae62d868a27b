import tracemalloc
from dataclasses import replace

import pytest

from matching.clearing.certificate import GuaranteeBroken
from matching.clearing.pools import check_values
from matching.pools.clearing import Rules, Unmatched
from tests.unit.matching.pools.builders import a_pledge, an_offer, cleared, shown


def test_each_price_is_the_lowest_that_any_supplier_gives_for_the_total() -> None:
    pledges = [a_pledge(name) for name in "abc"]
    dear = an_offer((1, 500), (300, 480), name="m")
    cheap_in_bulk = an_offer((250, 470), name="n", seq=2)

    result = cleared(pledges, dear, cheap_in_bulk)

    assert [shown(pool) for pool in result.pools] == [("n", 470, {"a": 100, "b": 100, "c": 100})]


def test_the_earlier_offer_serves_where_two_ask_the_same() -> None:
    late, early = an_offer((100, 490), name="a", seq=2), an_offer((100, 490), name="b", seq=1)

    result = cleared([a_pledge("p"), a_pledge("q")], late, early)

    assert [pool.offer for pool in result.pools] == ["b"]


def test_a_total_is_a_whole_number_of_packs_filled_from_tolerance() -> None:
    pledges = [a_pledge("a", 70, tolerance=20), a_pledge("b", 75, tolerance=10)]

    result = cleared(pledges, an_offer((100, 490), pack=50))

    assert [shown(pool) for pool in result.pools] == [("m", 490, {"a": 73, "b": 77})]


def test_a_window_that_fills_no_pack_is_not_lawful() -> None:
    pledges = [a_pledge("a", 70), a_pledge("b", 75)]

    result = cleared(pledges, an_offer((100, 490), pack=50))

    assert result.unmatched == (
        Unmatched("a", "break_not_reached"),
        Unmatched("b", "break_not_reached"),
    )


def test_odd_tolerance_lots_go_to_the_earlier_pledge() -> None:
    pledges = [
        a_pledge("a", 100, tolerance=10, seq=2),
        a_pledge("b", 100, tolerance=10, seq=1),
    ]

    result = cleared(pledges, an_offer((205, 490)))

    assert [shown(pool) for pool in result.pools] == [("m", 490, {"a": 102, "b": 103})]


def test_odd_lots_go_to_the_higher_tier_before_the_earlier_pledge() -> None:
    filled = [
        a_pledge("a", 100, tolerance=10, seq=2, tier=1),
        a_pledge("b", 100, tolerance=10, seq=1),
    ]
    scarce = [a_pledge("a", 100, seq=1), a_pledge("b", 100, 495), a_pledge("c", 100, tier=2)]

    with_tolerance = cleared(filled, an_offer((205, 490)))
    in_packs = cleared(scarce, an_offer((100, 490), capacity=253, pack=2))
    rationed = cleared(scarce, an_offer((100, 490), capacity=250))

    assert [shown(pool) for pool in with_tolerance.pools] == [("m", 490, {"a": 103, "b": 102})]
    assert [shown(pool) for pool in rationed.pools] == [("m", 490, {"a": 83, "b": 83, "c": 84})]
    assert [pool.member_lots for pool in in_packs.pools] == [(84, 84, 84)]
    for pledges, offer, result in (
        (filled, an_offer((205, 490)), with_tolerance),
        (scarce, an_offer((100, 490), capacity=250), rationed),
    ):
        check_values(pledges, [offer], Rules(min_members=1), result)
        without = [replace(pledge, tier=0) for pledge in pledges]
        with pytest.raises(GuaranteeBroken):
            check_values(without, [offer], Rules(min_members=1), result)


def test_firms_of_one_owner_count_once() -> None:
    twins = [a_pledge("a", owner="X"), a_pledge("b", owner="X"), a_pledge("c", owner="Y")]

    assert cleared(twins, an_offer((100, 490)), min_members=3).pools == ()
    assert len(cleared(twins, an_offer((100, 490)), min_members=2).pools) == 1


def test_ninety_nine_and_a_hundred_and_one_share_a_pool_but_not_double_plus_one() -> None:
    near = [a_pledge("a", 99), a_pledge("b", 101), a_pledge("c", 198)]
    far = [a_pledge("a", 99), a_pledge("b", 101), a_pledge("c", 199)]

    assert len(cleared(near, an_offer((398, 490))).pools) == 1
    assert cleared(far, an_offer((398, 490))).pools == ()


def test_every_pledge_left_out_has_its_reason() -> None:
    pledges = [
        a_pledge("a", 100, 500),
        a_pledge("b", 100, 500),
        a_pledge("c", 110, 500),
        a_pledge("d", 100, 470),
        a_pledge("e", 10, 500),
        a_pledge("f", 1000, 500),
        a_pledge("g", 1100, 500),
    ]

    result = cleared(pledges, an_offer((300, 490), (10_000, 480)), min_members=3)

    assert result.unmatched == (
        Unmatched("d", "limit_below_all_prices"),
        Unmatched("e", "no_similar_size"),
        Unmatched("f", "too_few_members"),
        Unmatched("g", "too_few_members"),
    )


def test_a_cell_without_offers_says_so() -> None:
    assert cleared([a_pledge("a")]).unmatched == (Unmatched("a", "no_offer"),)


def test_where_no_break_can_be_reached_no_limit_is_too_low() -> None:
    pledge, offer = a_pledge("a", 4, 100, freight=200), an_offer((20, 100), capacity=10)

    result = cleared([pledge], offer)

    assert result.unmatched == (Unmatched("a", "break_not_reached"),)
    check_values([pledge], [offer], Rules((2, 1), 1, "stable"), result)


def test_a_break_beyond_the_capacity_is_never_reached() -> None:
    pledges = [a_pledge(name) for name in "abc"]

    result = cleared(pledges, an_offer((100, 490), (300, 480), capacity=299))

    assert [(pool.goods_minor, pool.lots) for pool in result.pools] == [(490, 299)]


def test_scarce_lots_are_rationed_by_equal_awards_whatever_the_limits() -> None:
    pledges = [a_pledge("a", 80, 499), a_pledge("b", 100, 490), a_pledge("c", 120, 495)]

    result = cleared(pledges, an_offer((100, 490), capacity=250))

    assert [shown(pool) for pool in result.pools] == [("m", 490, {"a": 80, "b": 85, "c": 85})]
    assert [cell.cell for cell in result.rationed] == ["SUGAR-W1/GX/2027-03"]


def test_a_pool_rationed_below_its_break_pays_what_its_lots_earn() -> None:
    pledges = [*(a_pledge(name, 100) for name in "abc"), a_pledge("p", 300)]

    result = cleared(pledges, an_offer((1, 495), (300, 480), capacity=500))

    assert [shown(pool) for pool in result.pools] == [
        ("m", 480, {"a": 100, "b": 100, "c": 100}),
        ("m", 495, {"p": 200}),
    ]


def test_who_does_not_accept_the_price_after_rationing_drops_out() -> None:
    small = [a_pledge(name, 100) for name in "abc"]
    large = [a_pledge("p", 300), a_pledge("q", 300, 485)]

    result = cleared([*small, *large], an_offer((1, 495), (300, 480), capacity=500))

    assert [shown(pool) for pool in result.pools] == [
        ("m", 480, {"a": 100, "b": 100, "c": 100}),
        ("m", 495, {"p": 200}),
    ]
    assert result.unmatched == (Unmatched("q", "capacity"),)


def test_a_pool_is_not_assigned_where_nothing_would_be_left_of_it() -> None:
    pledges = [*(a_pledge(name, 100) for name in "abc"), a_pledge("p", 300, 485)]

    result = cleared(pledges, an_offer((1, 495), (300, 480), capacity=500))

    assert [pool.pledges for pool in result.pools] == [("a", "b", "c")]
    assert result.unmatched == (Unmatched("p", "capacity"),)


def test_scarce_pools_go_to_the_suppliers_that_serve_most() -> None:
    small = [a_pledge(name, 100) for name in "ab"]
    large = [a_pledge(name, 300) for name in "pq"]
    early = an_offer((200, 490), name="m", capacity=600)
    late = an_offer((200, 490), name="n", capacity=200, seq=2)

    result = cleared([*small, *large], early, late)

    assert [shown(pool) for pool in result.pools] == [
        ("n", 490, {"a": 100, "b": 100}),
        ("m", 490, {"p": 300, "q": 300}),
    ]
    assert result.unmatched == ()


def test_pledges_without_surplus_join_the_largest_surplus_where_they_fit() -> None:
    pledges = [a_pledge("a", 100, 500), a_pledge("b", 100, 490), a_pledge("c", 120, 490)]

    result = cleared(pledges, an_offer((100, 490)), objective="surplus")

    assert [pool.pledges for pool in result.pools] == [("a", "b", "c")]
    assert (result.surplus_minor, result.objective_minor) == (1000, 1000)


def test_a_cell_with_very_many_alike_pledges_is_cleared() -> None:
    pledges = [a_pledge(f"p{k}", 100, 480 + k % 21, seq=k) for k in range(20_000)]

    result = cleared(pledges, an_offer((1, 500), (300, 490), (10**7, 480)), min_members=3)

    assert [pool.goods_minor for pool in result.pools] == [490]


def test_the_memory_of_one_large_cell_grows_with_its_pledges() -> None:
    def bytes_a_pledge(count: int) -> int:
        pledges = [
            a_pledge(f"p{k:05}", 1 + k * k % 500, limit=480 + k % 40, seq=k) for k in range(count)
        ]
        offer = an_offer((100 * count, 470), (150 * count, 460))
        tracemalloc.start()
        cleared(pledges, offer)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak // count

    assert bytes_a_pledge(8_000) < 1_000
    assert bytes_a_pledge(16_000) < 1_000


def test_a_break_that_no_whole_packs_reach_is_no_price() -> None:
    pledges = [a_pledge("a", 60, 500), a_pledge("b", 60, 500)]
    offer = an_offer((1, 500), (95, 490), capacity=100, pack=30)

    result = cleared(pledges, offer)

    # 95 lots would take four packs of 30, and there are three: nobody is to wait for 490.
    assert [shown(pool) for pool in result.pools] == [("m", 500, {"a": 45, "b": 45})]
    assert result.rationed[0].formed[0].goods_minor == 500
    check_values(pledges, [offer], Rules((2, 1), 1, "stable"), result)


def test_a_break_that_no_whole_packs_reach_lowers_no_limit() -> None:
    pledges = [a_pledge("a", 60, 495), a_pledge("b", 60, 495)]
    offer = an_offer((1, 500), (95, 490), capacity=100, pack=30)

    result = cleared(pledges, offer)

    assert [left.reason for left in result.unmatched] == ["limit_below_all_prices"] * 2
    check_values(pledges, [offer], Rules((2, 1), 1, "stable"), result)


def test_whose_pool_lost_its_lots_counts_in_nobody_elses_reason() -> None:
    large = [a_pledge(name, 100, size=1_000) for name in "pqr"]
    cut = [
        a_pledge(name, 100, 485, size=size)
        for name, size in zip("bcd", (100, 110, 130), strict=True)
    ]
    pledges = [*large, *cut, a_pledge("a", 60)]
    offer = an_offer((1, 495), (300, 480), capacity=500)

    result = cleared(pledges, offer, min_members=3)

    assert [pool.pledges for pool in result.pools] == [("p", "q", "r")]
    assert result.unmatched == (
        Unmatched("a", "too_few_members"),
        *(Unmatched(name, "capacity") for name in "bcd"),
    )
    check_values(pledges, [offer], Rules(), result)


def test_one_owners_many_pledges_are_told_apart_in_time() -> None:
    pledges = [a_pledge(f"p{k}", 100, owner="X", seq=k) for k in range(20_000)]
    offer = an_offer((1, 500))

    result = cleared([*pledges, a_pledge("q", 300)], offer, min_members=3)

    assert {left.reason for left in result.unmatched} == {"no_similar_size"}
    check_values([*pledges, a_pledge("q", 300)], [offer], Rules(), result)
