"""The ring behind a parked deal: the fewest hands, and the same one however it is told."""

from matching.index.circles import circle, legs, ring


def test_the_ring_names_the_fewest_hands() -> None:
    sold_to = {"a": {"b", "x"}, "b": {"c"}, "c": {"z"}, "x": {"z"}}

    assert ring(sold_to, start="a", end="z") == ("a", "x", "z")
    assert circle(sold_to, buyer_group="a", seller_group="z") == "closed_cycle"


def test_among_equally_short_rings_the_first_by_name_is_shown() -> None:
    sold_to = {"a": {"y", "b"}, "b": {"z"}, "y": {"z"}}

    assert ring(sold_to, start="a", end="z") == ("a", "b", "z")


def test_goods_that_never_come_back_make_no_ring() -> None:
    sold_to = {"a": {"b"}, "b": {"a"}}

    assert ring(sold_to, start="a", end="z") == ()
    assert circle(sold_to, buyer_group="a", seller_group="z") is None


def test_the_legs_are_all_trades_on_any_way_back():
    sold_to = {"a": {"b", "x", "aside"}, "b": {"z"}, "x": {"b"}, "z": {"out"}, "out": {"a"}}

    assert legs(sold_to, start="a", end="z") == {("a", "b"), ("a", "x"), ("x", "b"), ("b", "z")}


def test_what_leads_nowhere_back_is_no_leg():
    sold_to = {"a": {"b"}, "b": {"a"}, "q": {"z"}}

    assert legs(sold_to, start="a", end="z") == frozenset()
    assert legs({"a": {"z"}}, start="a", end="z") == {("a", "z")}
