"""Bundled forward orders against trying everything, and the checker against bent results."""

import json
from copy import deepcopy
from random import Random

import pytest

from aggregator.laboratory import strip as laboratory
from aggregator.laboratory.clearing import check_documents, clear_document
from aggregator.laboratory.reading import Node
from matching.clearing.form import GuaranteeBroken
from matching.forwards.bounding import dual_bound
from matching.forwards.bundle import bundled
from tests.properties.strip_worlds import a_strip, tried_out

SHAPES = {
    "two tenors": {"orders": 4, "offers": 2, "tenors": 2, "lots": 3, "price": 12},
    "three tenors": {"orders": 4, "offers": 2, "tenors": 3, "lots": 2, "price": 6},
    "one tenor": {"orders": 3, "offers": 3, "tenors": 1, "lots": 5, "price": 30},
    "eight orders": {"orders": 8, "offers": 2, "tenors": 2, "lots": 2, "price": 8},
}


def cleared(strip: dict) -> dict:
    return clear_document(json.dumps(strip).encode())


def check(strip: dict, result: dict) -> None:
    check_documents(json.dumps(strip).encode(), json.dumps(result).encode())


@pytest.mark.parametrize("pricing", ["supported", "make_whole"])
@pytest.mark.parametrize("shape", SHAPES)
def test_a_small_strip_has_the_answer_of_an_exhaustive_search(shape: str, pricing: str):
    for seed in range(4 if shape == "eight orders" else 20):
        strip = a_strip(seed, pricing=pricing, **SHAPES[shape])
        answer = tried_out(strip)

        result = cleared(strip)

        assert result["surplus_minor"] == answer.surplus, seed
        assert result["awards"] == answer.awards, seed
        assert result["supplier"] == answer.supplier, seed
        assert result["stored"] == answer.stored, seed
        assert result["prices_minor"] == answer.prices, seed
        assert result["gap"] == 0, seed


def test_serving_equals_in_turn_takes_no_support_away():
    """An earlier order of the same limit leaves the later one short in a cheaper tenor."""
    strip = a_strip(5088, pricing="supported", **SHAPES["three tenors"])

    result = cleared(strip)

    check(strip, result)
    assert result["awards"] == tried_out(strip).awards
    assert (result["surplus_minor"], result["gap"]) == (10, 0)


@pytest.mark.parametrize("first", range(0, 1000, 100))
def test_the_checker_accepts_a_thousand_strips_and_refuses_a_thousand_bent_ones(first: int):
    traded = 0
    for seed in range(first, first + 100):
        draw = Random(seed)
        pricing = draw.choice(["supported", "make_whole"])
        strip = a_strip(
            seed,
            orders=draw.randint(1, 9),
            offers=draw.randint(1, 4),
            tenors=draw.randint(1, 4),
            lots=40,
            price=500,
            pricing=pricing,
        )
        result = cleared(strip)
        check(strip, result)
        traded += bool(result["awards"])
        with pytest.raises(GuaranteeBroken):
            check(strip, bent(result, draw))
    assert traded > 60


def bent(result: dict, draw: Random) -> dict:
    """Change one figure of a result."""
    other = deepcopy(result)
    step = draw.choice([-1, 1])
    kinds = ["surplus_minor", "bound_minor", "gap", "prices_minor", "dual", "certificate"]
    kinds += [k for k in ("awards", "supplier", "stored", "make_whole") if result[k]] * 3
    kinds += ["rejected_in_the_money"] * bool(result["rejected_in_the_money"])
    match draw.choice(kinds):
        case "awards" | "supplier" as part:
            lots = other[part][draw.choice(sorted(other[part]))]
            lots[draw.choice(sorted(lots))] += step
        case "stored" | "prices_minor" as part:
            other[part][draw.choice(sorted(other[part]))] += step
        case "make_whole":
            draw.choice(other["make_whole"])["amount_minor"] += step
        case "rejected_in_the_money":
            draw.choice(other["rejected_in_the_money"])["loss_minor"] += step
        case "dual":
            other["certificate"]["dual_bound_minor"] += step
        case "certificate":
            other["certificate"]["inputs_sha256"] = "0" * 64
        case figure:
            other[figure] += step
    return other


def test_a_result_is_a_function_of_the_set_of_inputs():
    for seed in range(40):
        strip = a_strip(seed, orders=7, offers=4, tenors=3, lots=20, price=60)
        mixed = deepcopy(strip)
        draw = Random(seed)
        for part in ("orders", "offers", "storage"):
            draw.shuffle(mixed[part])

        assert json.dumps(cleared(mixed)) == json.dumps(cleared(strip))


def test_no_result_exceeds_the_bound_at_any_prices_whatever():
    for seed in range(100):
        strip = a_strip(seed, orders=6, offers=3, tenors=3, lots=20, price=60)
        read = laboratory.read(Node(strip, ""))
        bundle = bundled(read.tenors, read.orders, read.offers, read.storage, read.rules)
        draw = Random(seed)

        prices = [draw.randint(0, 70) for _ in strip["tenors"]]

        assert cleared(strip)["surplus_minor"] <= dual_bound(bundle, prices)


def test_another_order_never_lowers_the_best_surplus():
    for seed in range(60):
        strip = a_strip(seed, orders=6, offers=3, tenors=3, lots=20, price=60, pricing="make_whole")
        fewer = strip | {"orders": strip["orders"][1:]}

        assert cleared(fewer)["surplus_minor"] <= cleared(strip)["surplus_minor"]


def test_make_whole_lines_leave_nobody_short_and_add_up_to_nothing():
    lines_seen = 0
    for seed in range(300):
        strip = a_strip(seed, orders=6, offers=3, tenors=2, lots=9, price=40, pricing="make_whole")
        result = cleared(strip)
        lines_seen += bool(result["make_whole"])

        assert sum(line["amount_minor"] for line in result["make_whole"]) == 0
    assert lines_seen > 10
