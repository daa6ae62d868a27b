"""Where every item must be bought: that nobody wins is proved only where nobody could."""

from __future__ import annotations

import json
import random
from functools import cache
from itertools import combinations
from typing import Any

import pytest

from aggregator.laboratory import packages
from aggregator.laboratory.clearing import check_documents, clear_document
from aggregator.laboratory.reading import Node
from matching.clearing.certificate import GuaranteeBroken


def unfound() -> dict[str, Any]:
    """Return 175 offers for three items each, some of which cover all 75 items.

    One branch is too few to find any that do.
    """
    drawn = random.Random(0)
    names = [f"i{number:02}" for number in range(75)]
    order = drawn.sample(names, 75)
    bundles = [tuple(sorted(order[at : at + 3])) for at in range(0, 75, 3)]
    bundles += [tuple(sorted(drawn.sample(names, 3))) for _ in range(150)]
    drawn.shuffle(bundles)
    bids = [
        {
            "id": f"b{number:03}",
            "bidder": f"f{number}",
            "items": list(bundle),
            "amount_minor": drawn.randint(900, 1100),
        }
        for number, bundle in enumerate(dict.fromkeys(bundles))
    ]
    return {"kind": "packages", "side": "buy", "items": names, "bids": bids, "node_limit": 1}


def cleared(instance: dict[str, Any]) -> tuple[bytes, dict[str, Any]]:
    text = json.dumps(instance).encode()
    return text, clear_document(text)


@cache
def searched() -> tuple[bytes, dict[str, Any]]:
    return cleared(unfound())


def test_that_no_set_was_found_is_not_told_as_proved() -> None:
    text, result = searched()

    assert (result["winners"], result["value_minor"], result["proved"]) == ([], 0, False)
    assert result["bound_minor"] == result["certificate"]["relaxed_minor"] > 900 * 25
    assert [result["certificate"][name] for name in ("proof", "ties")] == ["none", "open"]
    check_documents(text, json.dumps(result).encode())
    told = packages.explain(packages.read(Node(unfound(), "")), result)
    assert "Not proved: the search ended without a set of all items" in told


def test_one_part_without_a_known_set_leaves_the_others_unawarded() -> None:
    instance = unfound()
    easy = {"id": "z", "bidder": "z", "items": ["other"], "amount_minor": 7}
    instance |= {"items": [*instance["items"], "other"], "bids": [*instance["bids"], easy]}

    text, result = cleared(instance)
    _, alone = searched()

    assert (result["winners"], result["proved"]) == ([], False)
    assert result["bound_minor"] == alone["bound_minor"] + 7
    check_documents(text, json.dumps(result).encode())


def test_that_an_item_cannot_be_had_is_proved_whatever_was_not_found() -> None:
    instance = unfound()
    # Each pair of three items is offered, and none alone: all three are never covered.
    bids = [
        {"id": "".join(pair), "bidder": "p", "items": list(pair), "amount_minor": 5}
        for pair in combinations("abc", 2)
    ]
    items = [*instance["items"], *"abc"]
    instance |= {"items": items, "bids": [*instance["bids"], *bids]}

    text, result = cleared(instance)

    assert (result["winners"], result["proved"], result["bound_minor"]) == ([], True, 0)
    check_documents(text, json.dumps(result).encode())


@pytest.mark.parametrize(
    "change",
    [
        {"proved": True},
        {"proved": True, "bound_minor": 0},
        {"value_minor": 1},
        {"winners": ["b000"]},
        {"bound_minor": 10**6},
        {"certificate": {"proof": "search"}},
        {"certificate": {"ties": "settled"}},
        {"certificate": {"relaxed_minor": 1}},
        {"proved": True, "bound_minor": 0, "certificate": {"ties": "settled"}},
    ],
)
def test_no_other_word_of_a_search_without_a_set_passes(change: dict[str, Any]) -> None:
    text, result = searched()
    certificate = {**result["certificate"], **change.get("certificate", {})}
    broken = {**result, **change, "certificate": certificate}

    with pytest.raises(GuaranteeBroken):
        check_documents(text, json.dumps(broken).encode())
