"""Package bids: against exhaustive search, and against the independent checker."""

from __future__ import annotations

import copy
import json
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.laboratory.clearing import check_documents, clear_document
from matching.clearing.certificate import GuaranteeBroken

ITEMS = "pqrst"


@st.composite
def instances(draw: st.DrawFn, max_bids: int = 8) -> dict[str, Any]:
    amounts = draw(st.sampled_from([st.integers(1, 4), st.integers(1, 60)]))
    names = draw(st.lists(st.sampled_from("0123456789abcd"), unique=True, max_size=max_bids))
    bids = []
    for name in names:
        bid: dict[str, Any] = {
            "id": name,
            "bidder": draw(st.sampled_from("AB")),
            "items": draw(st.lists(st.sampled_from(ITEMS), min_size=1, max_size=4, unique=True)),
            "amount_minor": draw(amounts),
        }
        if draw(st.booleans()):
            bid["xor"] = draw(st.sampled_from("xy"))
        bids.append(bid)
    side = draw(st.sampled_from(["sell", "sell", "buy"]))
    return {"kind": "packages", "side": side, "items": list(ITEMS), "bids": bids}


def is_lawful(instance: dict[str, Any], chosen: tuple[dict[str, Any], ...]) -> bool:
    items = [item for bid in chosen for item in bid["items"]]
    groups = [(bid["bidder"], bid["xor"]) for bid in chosen if "xor" in bid]
    is_covered = instance["side"] == "sell" or set(items) == set(ITEMS)
    return len(set(items)) == len(items) and len(set(groups)) == len(groups) and is_covered


def by_force(instance: dict[str, Any]) -> tuple[int, list[str]]:
    sign = -1 if instance["side"] == "sell" else 1
    found = [
        (sign * sum(bid["amount_minor"] for bid in chosen), sorted(bid["id"] for bid in chosen))
        for count in range(len(instance["bids"]) + 1)
        for chosen in combinations(instance["bids"], count)
        if is_lawful(instance, chosen)
    ]
    value, winners = min(found, default=(0, []))
    return sign * value, winners


def cleared(instance: dict[str, Any]) -> tuple[bytes, dict[str, Any]]:
    text = json.dumps(instance).encode()
    return text, clear_document(text)


@settings(max_examples=250, deadline=None)
@given(instances())
def test_the_winners_are_the_best_set_with_the_smallest_ids(instance) -> None:
    text, result = cleared(instance)

    assert (result["value_minor"], result["winners"]) == by_force(instance)
    assert result["proved"]
    assert result["certificate"]["ties"] == "settled"
    check_documents(text, json.dumps(result).encode())


@settings(max_examples=100, deadline=None)
@given(instances(), st.randoms(use_true_random=False))
def test_the_order_of_bids_changes_nothing(instance, random) -> None:
    shuffled = copy.deepcopy(instance)
    random.shuffle(shuffled["bids"])

    assert cleared(shuffled)[1] == cleared(instance)[1]


@settings(max_examples=100, deadline=None)
@given(instances(), st.integers(2, 1000))
def test_scaling_every_amount_scales_the_value(instance, factor) -> None:
    scaled = copy.deepcopy(instance)
    for bid in scaled["bids"]:
        bid["amount_minor"] *= factor

    before, after = cleared(instance)[1], cleared(scaled)[1]
    assert after["winners"] == before["winners"]
    assert after["value_minor"] == factor * before["value_minor"]


@settings(max_examples=150, deadline=None)
@given(instances(), st.data())
def test_no_other_set_of_winners_passes(instance, data) -> None:
    text, result = cleared(instance)
    names = [bid["id"] for bid in instance["bids"]]
    other = sorted(data.draw(st.sets(st.sampled_from(names)))) if names else ["?"]
    if other == result["winners"]:
        return
    worth = sum(bid["amount_minor"] for bid in instance["bids"] if bid["id"] in other)
    broken = {**result, "winners": other, "value_minor": worth, "bound_minor": worth}

    with pytest.raises(GuaranteeBroken):
        check_documents(text, json.dumps(broken).encode())


@pytest.mark.parametrize(
    ("field", "value"),
    [("value_minor", 15), ("bound_minor", 13), ("proved", False), ("winners", ["6", "1"])],
)
def test_no_changed_figure_passes(field, value) -> None:
    amounts = {"ab": 10, "bc": 10, "ac": 10, "a": 4, "b": 4, "c": 4}
    bids = [
        {"id": str(i), "bidder": str(i), "amount_minor": amount, "items": list(items)}
        for i, (items, amount) in enumerate(amounts.items(), start=1)
    ]
    text, result = cleared({"kind": "packages", "side": "sell", "items": list("abc"), "bids": bids})
    result[field] = value

    with pytest.raises(GuaranteeBroken):
        check_documents(text, json.dumps(result).encode())
