from matching.pools.clearing import Rules
from matching.pools.progress import (
    LandedAtBreak,
    Progress,
    best_breaks,
    landed_at_breaks,
    progress_steps,
    similar_to,
)
from tests.unit.matching.pools.builders import a_pledge, an_offer

OFFERS = [an_offer((1, 500), (300, 490), (800, 480))]


def test_progress_is_hidden_until_three_owner_groups_are_in() -> None:
    two = [a_pledge("a", owner="X"), a_pledge("b", owner="X"), a_pledge("c", owner="Y")]

    assert progress_steps(two, OFFERS) is None
    assert progress_steps([*two, a_pledge("d")], OFFERS) == Progress(490, 800, 480, 50)


def test_progress_moves_in_steps_of_a_tenth_whatever_the_limits() -> None:
    base = [a_pledge("a"), a_pledge("b"), a_pledge("c")]

    seen = {
        progress_steps([*base, a_pledge("d", lots, limit)], OFFERS)
        for lots in (20, 99)
        for limit in (1, 500)
    }

    assert seen == {Progress(490, 800, 480, 40)}


def test_the_last_break_is_complete() -> None:
    many = [a_pledge(name, 300) for name in "abc"]

    assert progress_steps(many, OFFERS) == Progress(480, None, None, 100)


def test_a_buyer_sees_his_landed_price_at_each_break() -> None:
    pledge = a_pledge("a", limit=496, freight=5)

    assert landed_at_breaks(pledge, OFFERS) == (
        LandedAtBreak(1, 500, 505, -9),
        LandedAtBreak(300, 490, 495, 1),
        LandedAtBreak(800, 480, 485, 11),
    )


def test_the_best_breaks_are_the_lower_envelope_of_all_suppliers() -> None:
    other = an_offer((200, 492), (700, 481), name="n")

    assert best_breaks([*OFFERS, other]) == (
        (1, 500),
        (200, 492),
        (300, 490),
        (700, 481),
        (800, 480),
    )


def test_similar_pledges_are_those_within_the_ratio() -> None:
    pledges = [a_pledge("a", 100), a_pledge("b", 50), a_pledge("c", 49), a_pledge("d", 201)]

    assert [pledge.id for pledge in similar_to(pledges[0], pledges, Rules())] == ["a", "b"]
