import json
from copy import deepcopy
from pathlib import Path
from random import Random

import pytest

from aggregator.laboratory.clearing import check_documents, clear_document, explain_document
from aggregator.laboratory.reading import BadInput
from matching.clearing.form import GuaranteeBroken

CASES = sorted(
    path
    for path in Path("tests/cases/index").glob("*.json")
    if not path.name.endswith(".answer.json")
)


def a_batch(seed: int) -> dict:
    draw = Random(seed)
    deals = [
        {
            "id": f"d{number}",
            "buyer_group": f"b{draw.randrange(9)}",
            "seller_group": f"s{draw.randrange(8)}",
            "price_minor": draw.randrange(4900, 5100) * 100,
            "lots": draw.randrange(1, 60),
            "state": draw.choice(["settled", "settled", "settled", "accepted"]),
        }
        for number in range(draw.randrange(1, 60))
    ]
    rules = {"step_minor": 2500, "min_groups": draw.choice([3, 5])}
    return {
        "kind": "index",
        "cell": "SUGAR-W1/GX/2027-03",
        "rules": rules,
        "deals": deals,
        "excluded": ["d1", "gone"] if draw.random() < 0.3 else [],
        "active": {"buyers": draw.randrange(9), "sellers": draw.randrange(9)},
    }


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_a_worked_case_has_its_answer(path: Path):
    answer = json.loads(path.with_suffix(".answer.json").read_text())

    first = clear_document(path.read_bytes())["publications"][0]

    assert first["value_minor"] == answer["value_minor"]
    assert first["used"] == answer["used"]


def test_the_checker_accepts_results_and_refuses_mutated_ones():
    published = 0
    for seed in range(300):
        instance = json.dumps(a_batch(seed)).encode()
        result = clear_document(instance)
        check_documents(instance, json.dumps(result).encode())
        published += len(result["publications"])
        with pytest.raises(GuaranteeBroken):
            check_documents(instance, json.dumps(mutated(result, Random(seed))).encode())
    assert 50 < published < 250


def mutated(result: dict, draw: Random) -> dict:
    bent = deepcopy(result)
    if not bent["publications"]:
        reason = bent["suppressed"][0]
        numbers = sorted(k for k, v in reason["figures"].items() if isinstance(v, int))
        if numbers and draw.random() < 0.5:
            reason["figures"][draw.choice(numbers)] += draw.choice([-1, 1])
        else:
            reason["rule"] += "x"
        return bent
    found = bent["publications"][0]
    name = draw.choice(sorted(found))
    if isinstance(found[name], int):
        found[name] += draw.choice([-2500, 2500])
    elif isinstance(found[name], list):
        found[name].append("zz")
    else:
        found[name] += "0"
    return bent


def test_a_result_says_why_a_batch_waits():
    instance = a_batch(3) | {"deals": []}

    told = explain_document(json.dumps(instance).encode())

    assert told == "SUGAR-W1/GX/2027-03 waits: the rule no_deals holds it back (none)."


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"cell": "SUGAR"}, "/cell"),
        ({"cell": "SUGAR/GX/2027-13"}, "/cell"),
        ({"rules": {}}, "/rules/step_minor"),
        ({"rules": {"step_minor": 1, "max_share": [3, 2]}}, "/rules/max_share"),
        ({"rules": {"step_minor": 1, "max_share": [1, 0]}}, "/rules/max_share/1"),
        ({"rules": {"step_minor": 0}}, "/rules/step_minor"),
        ({"surprise": 1}, "/surprise"),
        ({"deals": [{"id": "a"}]}, "/deals/0/buyer_group"),
    ],
)
def test_bad_input_is_refused_with_its_pointer(change: dict, pointer: str):
    with pytest.raises(BadInput) as refused:
        clear_document(json.dumps(a_batch(3) | change).encode())

    assert refused.value.pointer == pointer


def test_two_deals_of_one_id_are_refused():
    instance = a_batch(3)
    instance["deals"].append(instance["deals"][0])

    with pytest.raises(BadInput) as refused:
        clear_document(json.dumps(instance).encode())

    assert refused.value.rule == "ids must be distinct"
