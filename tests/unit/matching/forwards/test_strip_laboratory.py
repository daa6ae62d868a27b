import json
from copy import deepcopy
from pathlib import Path

import pytest

from aggregator.laboratory.clearing import check_documents, clear_document, explain_document
from aggregator.laboratory.reading import BadInput
from matching.clearing.form import GuaranteeBroken

CASES = sorted(
    path
    for path in Path("tests/cases/strips").glob("*.json")
    if not path.name.endswith(".answer.json")
)
BREAK = json.loads(CASES[0].read_text())


def cleared(strip: dict) -> dict:
    document = json.dumps(strip).encode()
    result = clear_document(document)
    check_documents(document, json.dumps(result).encode())
    return result


def with_order(**changes: object) -> dict:
    strip = deepcopy(BREAK)
    strip["orders"][0] |= changes
    return strip


def with_offer(**changes: object) -> dict:
    strip = deepcopy(BREAK)
    strip["offers"][0] |= changes
    return strip


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_a_worked_case_has_its_answer(path: Path):
    answer = json.loads(path.with_suffix(".answer.json").read_text())

    result = cleared(json.loads(path.read_text()))

    for name in answer.keys() - {"why", "rejected_in_the_money"}:
        assert result[name] == answer[name], name
    listed = [entry["id"] for entry in result["rejected_in_the_money"]]
    assert listed == answer.get("rejected_in_the_money", [])


def test_the_instance_of_the_interface_page_clears():
    strip = {
        "kind": "strip",
        "currency": "CNY",
        "tenors": ["2027-01", "2027-02", "2027-03"],
        "rules": {"pricing": "supported", "tick_minor": 1},
        "orders": [
            {"id": "a", "owner": "A", "form": "period", "tenor": "2027-01", "lots": 100}
            | {"min_lots": 0, "limit_minor": 850, "seq": 1},
            {"id": "b", "owner": "B", "form": "flexible", "window": ["2027-01", "2027-03"]}
            | {"lots": 100, "per_tenor_max": 50, "min_lots": 0, "limit_minor": 850, "seq": 2},
            {"id": "c", "owner": "C", "form": "block", "lots": {"2027-01": 40, "2027-03": 60}}
            | {"limit_minor": 850, "seq": 3},
        ],
        "offers": [
            {"id": "s", "owner": "S", "capacity": 200, "min_total": 1, "seq": 1}
            | {"steps": {"2027-01": [[100, 1000]], "2027-02": [[60, 990], [60, 1010]]}}
            | {"breaks": [[150, 200]]}
        ],
        "storage": [
            {"id": "w", "owner": "W", "from": "2027-01", "to": "2027-02"}
            | {"capacity_lots": 50, "carry_minor": 20}
        ],
    }

    result = cleared(strip)

    # The flexible order is left unfilled, so January costs its limit; February then need only
    # bring the supplier the rest of what he asks for both.
    assert result["awards"] == {"a": {"2027-01": 100}, "b": {"2027-02": 50}}
    assert result["prices_minor"] == {"2027-01": 850, "2027-02": 690, "2027-03": 850}
    assert result["surplus_minor"] == 8000
    assert result["gap"] == 0


def test_a_block_turned_down_in_the_money_is_listed_with_its_loss():
    strip = with_order(form="block", lots={"2027-01": 120}, limit_minor=2000)
    del strip["orders"][0]["tenor"], strip["orders"][0]["min_lots"]

    result = cleared(strip)

    assert "a" not in result["awards"]
    entry = result["rejected_in_the_money"][0]
    price = result["prices_minor"]["2027-01"]
    assert entry["reason"] == "all_or_nothing"
    assert entry["loss_minor"] == 120 * (2000 - price)


def test_the_text_of_a_result_names_prices_and_parties():
    told = explain_document(json.dumps(BREAK).encode())

    assert told.splitlines()[1] == "  2027-01: 100 lots at 800."
    assert "  s supplies 100 in 2027-01, 100 in 2027-02." in told.splitlines()


@pytest.mark.parametrize(
    ("strip", "pointer", "rule"),
    [
        (with_order(tenor="2027-09"), "/orders/0", "tenor_unknown"),
        (with_order(limit_minor=-1), "/orders/0/limit_minor", None),
        (with_order(lots=0), "/orders/0/lots", None),
        (with_order(min_lots=101), "/orders/0", "quantity_impossible"),
        (with_order(form="strip"), "/orders/0/form", None),
        (with_order(window=["2027-01", "2027-02"]), "/orders/0/window", "unknown field"),
        (with_order(id="b"), "/orders/1", "id_taken"),
        (with_order(lots=10**4, limit_minor=10**12), "/orders/0", "worth_too_large"),
        (with_offer(min_total=300), "/offers/0", "capacity_below_minimum"),
        (with_offer(breaks=[[150, 200], [160, 100]]), "/offers/0", "breaks_not_rising"),
        (with_offer(breaks=[[150, 1001]]), "/offers/0", "rebate_above_ask"),
        (with_offer(steps={"2027-01": [[50, 900], [50, 800]]}), "/offers/0", "steps_not_rising"),
        (with_offer(steps={}), "/offers/0", "capacity_below_minimum"),
        (with_offer(steps={"2027-01": [[10**4, 10**12]]}), "/offers/0", "worth_too_large"),
        (BREAK | {"tenors": ["2027-02", "2027-01"]}, "/tenors", "tenors_disordered"),
        (BREAK | {"tenors": []}, "/tenors", None),
        (BREAK | {"rules": {"tick_minor": 7}}, "/orders/0", "price_off_tick"),
        (BREAK | {"rules": {"pricing": "fair"}}, "/rules/pricing", None),
    ],
)
def test_bad_input_is_refused_with_its_pointer(strip: dict, pointer: str, rule: str | None):
    with pytest.raises(BadInput) as refused:
        clear_document(json.dumps(strip).encode())

    assert refused.value.pointer == pointer
    assert rule is None or refused.value.rule == rule


def test_a_window_that_ends_before_it_begins_is_refused():
    strip = deepcopy(BREAK)
    strip["orders"][0] = {
        "id": "a",
        "owner": "A",
        "form": "flexible",
        "window": ["2027-02", "2027-01"],
        "lots": 10,
        "limit_minor": 850,
        "seq": 1,
    }

    with pytest.raises(BadInput) as refused:
        clear_document(json.dumps(strip).encode())

    assert refused.value.rule == "window_reversed"


def test_storage_leads_forward_in_time():
    store = {"id": "w", "owner": "W", "from": "2027-02", "to": "2027-01"}
    strip = BREAK | {"storage": [store | {"capacity_lots": 1, "carry_minor": 1}]}

    with pytest.raises(BadInput) as refused:
        clear_document(json.dumps(strip).encode())

    assert refused.value.rule == "window_reversed"


@pytest.mark.parametrize(
    ("field", "value", "guarantee"),
    [
        ("awards", {"a": {"2027-01": 101}, "b": {"2027-02": 100}}, "order_bounds"),
        ("awards", {"a": {"2027-01": 100}}, "balance"),
        ("supplier", {"s": {"2027-01": 100}}, "balance"),
        ("stored", {"w": 1}, "form"),
        ("prices_minor", {"2027-01": 801, "2027-02": 799}, "canonical"),
        ("prices_minor", {"2027-01": 799, "2027-02": 800}, "ask"),
        ("prices_minor", {"2027-01": 851, "2027-02": 749}, "limit"),
        ("prices_minor", {"2027-01": 800}, "prices"),
        ("surplus_minor", 10_001, "surplus"),
        ("bound_minor", 10_001, "bound"),
        ("gap", 1, "gap"),
        ("make_whole", [{"kind": "order", "id": "a", "amount_minor": 1}], "make_whole"),
    ],
)
def test_a_bent_result_is_refused_by_the_guarantee_it_breaks(
    field: str, value: object, guarantee: str
):
    document = json.dumps(BREAK).encode()
    result = clear_document(document) | {field: value}

    with pytest.raises(GuaranteeBroken) as broken:
        check_documents(document, json.dumps(result).encode())

    assert broken.value.name == guarantee
