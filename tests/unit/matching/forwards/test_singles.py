"""What a buyer would pay without the bundle."""

from matching.forwards.orders import Offer, Step
from matching.forwards.singles import single_cost


def an_offer(price: int, *, lots: int = 100, **given: object) -> Offer:
    terms = {"capacity": 200, "breaks": ((150, 200),), **given}
    steps = (Step("2027-01", lots, price), Step("2027-02", lots, price + 10))
    return Offer("s", "S", steps, seq=1, **terms)


def test_a_break_counts_only_for_ones_own_volume() -> None:
    assert single_cost({"2027-01": 100}, [an_offer(1000)]) == 100_000
    assert single_cost({"2027-01": 100, "2027-02": 50}, [an_offer(1000)]) == (
        100 * 1000 + 50 * 1010 - 150 * 200
    )


def test_the_cheapest_offer_that_can_serve_all_is_taken() -> None:
    small, large = an_offer(900, lots=50), an_offer(1000)

    assert single_cost({"2027-01": 60}, [small, large]) == 60_000
    assert single_cost({"2027-01": 50}, [small, large]) == 45_000


def test_nobody_may_be_able_to_serve_a_buyer_alone() -> None:
    assert single_cost({"2027-01": 101}, [an_offer(1000)]) is None
    assert single_cost({"2027-01": 10}, [an_offer(1000, min_total=20)]) is None
    assert single_cost({"2027-03": 10}, [an_offer(1000)]) is None
    assert single_cost({"2027-01": 10}, []) is None
