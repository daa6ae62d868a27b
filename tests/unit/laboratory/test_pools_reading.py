"""Bad input of a group buy is refused by pointer, rule and figure."""

import json
from typing import Any

import pytest

from aggregator.laboratory.clearing import BadInput, check_documents, clear_document
from aggregator.laboratory.clearing import explain_document as explained


def an_instance() -> dict[str, Any]:
    cell = "SUGAR-W1/GX/2027-03"
    pledges = [
        {"id": name, "owner": name.upper(), "cell": cell, "lots": 100, "limit_minor": 500, "seq": k}
        for k, name in enumerate("abc")
    ]
    offer = {
        "id": "m",
        "owner": "M",
        "cell": cell,
        "capacity": 5000,
        "pack": 1,
        "breaks": [[1, 500], [300, 490]],
        "seq": 1,
    }
    return {"kind": "pools", "currency": "CNY", "pledges": pledges, "offers": [offer]}


def refusal(instance: Any) -> tuple[str, str, object]:
    with pytest.raises(BadInput) as found:
        clear_document(json.dumps(instance).encode())
    return found.value.pointer, found.value.rule, found.value.figure


@pytest.mark.parametrize(
    ("field", "value", "rule"),
    [
        ("lots", 0, "must lie between 1 and 1000000000000"),
        ("lots", -5, "must lie between 1 and 1000000000000"),
        ("lots", 10**13, "must lie between 1 and 1000000000000"),
        ("lots", "100", "must be an integer"),
        ("lots", True, "must be an integer"),
        ("size", 0, "must lie between 1 and 1000000000000"),
        ("tolerance", -1, "must lie between 0 and 1000000000000"),
        ("limit_minor", 0, "must lie between 1 and 1000000000000000"),
        ("limit_minor", 10**16, "must lie between 1 and 1000000000000000"),
        ("freight_minor", -1, "must lie between 0 and 1000000000000000"),
        ("seq", -1, "must lie between 0 and 1000000000000000"),
        ("id", "", "must have 1 to 120 characters"),
        ("id", "x" * 121, "must have 1 to 120 characters"),
        ("id", 7, "must be a string"),
        ("owner", "a\u202eb", "must hold printable characters only"),
        ("colour", "red", "unknown field"),
    ],
)
def test_a_bad_field_of_a_pledge_is_named(field: str, value: object, rule: str) -> None:
    instance = an_instance()
    instance["pledges"][1][field] = value

    pointer, found, _ = refusal(instance)

    assert (pointer, found) == (f"/pledges/1/{field}", rule)


def test_a_missing_field_is_named() -> None:
    instance = an_instance()
    del instance["pledges"][2]["limit_minor"]

    assert refusal(instance)[:2] == ("/pledges/2/limit_minor", "required field is missing")


def test_an_amount_beyond_all_money_is_refused() -> None:
    instance = an_instance()
    instance["pledges"][0] |= {"lots": 10**9, "limit_minor": 10**9}

    pointer, rule, figure = refusal(instance)

    assert pointer == "/pledges/0"
    assert rule == "lots × limit must not exceed 1000000000000000 minor units"
    assert figure == 10**18


def test_a_price_off_tick_is_refused() -> None:
    instance = an_instance() | {"rules": {"tick_minor": 20}}

    assert refusal(instance)[:2] == ("/offers/0/breaks/1/1", "must be on the tick of 20")


def test_a_limit_off_tick_is_refused() -> None:
    instance = an_instance() | {"rules": {"tick_minor": 10}}
    instance["pledges"][0]["limit_minor"] = 505

    assert refusal(instance) == ("/pledges/0/limit_minor", "must be on the tick of 10", 505)


def test_a_freight_off_tick_is_refused() -> None:
    instance = an_instance() | {"rules": {"tick_minor": 10}}
    instance["pledges"][1]["freight_minor"] = 15

    assert refusal(instance) == ("/pledges/1/freight_minor", "must be on the tick of 10", 15)


@pytest.mark.parametrize("field", ["id", "owner", "cell"])
@pytest.mark.parametrize("text", ["a\u202eb", "a\u0000", "a\nb", "a\u200bb", "\ud800", "a\u00a0b"])
def test_an_offers_unprintable_texts_are_refused(field: str, text: str) -> None:
    instance = an_instance()
    instance["offers"][0][field] = text

    assert refusal(instance)[:2] == (f"/offers/0/{field}", "must hold printable characters only")


def test_lots_off_lot_are_refused() -> None:
    text = json.dumps(an_instance()).replace('"lots": 100', '"lots": 100.5', 1)

    with pytest.raises(BadInput) as found:
        clear_document(text.encode())

    assert found.value == BadInput("/pledges/0/lots", "numbers must be integers", "100.5")


@pytest.mark.parametrize("kind", ["pledges", "offers"])
def test_ids_that_occur_twice_are_refused(kind: str) -> None:
    instance = an_instance()
    instance[kind].append(dict(instance[kind][0]))
    place = len(instance[kind]) - 1

    assert refusal(instance)[:2] == (f"/{kind}/{place}/id", "ids must be unique")


def test_breaks_whose_prices_rise_are_refused() -> None:
    instance = an_instance()
    instance["offers"][0]["breaks"] = [[1, 490], [300, 500]]

    pointer, rule, figure = refusal(instance)

    assert pointer == "/offers/0/breaks/1/1"
    assert (rule, figure) == ("prices must not rise from break to break", 500)


def test_breaks_whose_lots_do_not_rise_are_refused() -> None:
    instance = an_instance()
    instance["offers"][0]["breaks"] = [[300, 500], [300, 490]]

    assert refusal(instance)[:2] == (
        "/offers/0/breaks/1/0",
        "lots must rise from break to break",
    )


def test_fifty_one_breaks_are_too_many() -> None:
    instance = an_instance()
    instance["offers"][0]["breaks"] = [[k + 1, 500 - k] for k in range(51)]

    assert refusal(instance) == ("/offers/0/breaks", "at most 50 items", 51)


def test_a_capacity_under_a_pack_is_refused() -> None:
    instance = an_instance()
    instance["offers"][0] |= {"capacity": 20, "pack": 25}

    assert refusal(instance) == ("/offers/0/capacity", "must hold at least one pack", 20)


@pytest.mark.parametrize(
    ("rules", "pointer", "rule"),
    [
        ({"similarity": [1, 2]}, "/rules/similarity", "must be a ratio of at least 1"),
        ({"similarity": [2, 0]}, "/rules/similarity/1", "must lie between 1 and 1000000"),
        ({"similarity": [2]}, "/rules/similarity", "at least 2 items"),
        ({"min_members": 0}, "/rules/min_members", "must lie between 1 and 1000"),
        ({"objective": "profit"}, "/rules/objective", "must be one of stable, surplus"),
        ({"tick_minor": 0}, "/rules/tick_minor", "must lie between 1 and 1000000000000000"),
    ],
)
def test_bad_rules_are_named(rules: dict[str, Any], pointer: str, rule: str) -> None:
    assert refusal(an_instance() | {"rules": rules})[:2] == (pointer, rule)


@pytest.mark.parametrize("currency", ["", "cny", "YUAN", "人民币"])
def test_a_currency_is_three_capital_letters(currency: str) -> None:
    assert refusal(an_instance() | {"currency": currency})[0] == "/currency"


def test_a_pledge_in_a_cell_that_nobody_offers_in_is_told_so() -> None:
    instance = an_instance()
    instance["pledges"][0]["cell"] = "SALT/XX/2027-03"

    result = clear_document(json.dumps(instance).encode())

    assert {"pledge": "a", "reason": "no_offer"} in result["unmatched"]


def test_no_pledges_and_no_offers_are_no_mistake() -> None:
    instance = json.dumps(an_instance() | {"pledges": [], "offers": []}).encode()

    result = clear_document(instance)

    assert (result["pools"], result["unmatched"]) == ([], [])
    check_documents(instance, json.dumps(result).encode())


def more(name: str, **fields: Any) -> dict[str, Any]:
    return {**an_instance()["pledges"][0], "id": name, "owner": name.upper(), "seq": 9, **fields}


def test_the_result_is_told_in_words() -> None:
    instance = an_instance()
    instance["pledges"][2] |= {"tolerance": 20, "freight_minor": 4}
    instance["offers"][0] |= {"pack": 80}

    told = explained(json.dumps(instance).encode()).splitlines()

    assert told == [
        "3 pledges and 1 offer make 1 pool; the buyers keep 27.20 CNY below their limits.",
        "Pool 1 for SUGAR-W1/GX/2027-03: 3 buyers take 320 lots from m at 4.90 CNY a lot, its "
        "price from 300 lots on; everyone pays this goods price and his own freight, term and "
        "fee.",
        "  a: 100 lots at 4.90 landed, 490.00 in all, 0.10 a lot below the limit.",
        "  b: 100 lots at 4.90 landed, 490.00 in all, 0.10 a lot below the limit.",
        "  c: 120 lots (20 of them within its tolerance) at 4.94 landed (goods and 0.04 of its "
        "own), 592.80 in all, 0.06 a lot below the limit.",
        "Whoever tells his true limit does best: no false one, alone or of two together, is paid. "
        "Sizes and quantities are taken as told.",
    ]


def test_every_reason_is_told_with_the_figures_that_decide_it() -> None:
    instance = an_instance()
    instance["pledges"] += [
        more("d", limit_minor=5),
        more("e", lots=1000),
        more("f", lots=10, limit_minor=495),
        more("g", lots=10, limit_minor=495),
        more("h", cell="TEA/YN/2027-03"),
        *(more(name, lots=30, limit_minor=495) for name in ("i", "j", "k")),
    ]

    told = explained(json.dumps(instance).encode())

    assert (
        "d is left out: its limit, less its own freight, term and fee, reaches no price: it "
        in told
    )
    assert "it leaves 0.05 for goods; nobody asks less than 4.90." in told
    assert "e is left out: no other buyer there is of similar size (500 to 2000)." in told
    assert (
        "f is left out: the pools that were formed leave too few buyers of similar size (5 to 20); "
        in told
    )
    assert "h is left out: nobody offers this product there in that month." in told
    assert (
        "i is left out: the pools that were formed leave buyers of similar size (15 to 60), but "
        in told
    )
    assert "its own limit pays for prices from 300 lots on." in told


def test_a_break_that_no_capacity_reaches_is_no_price() -> None:
    instance = an_instance()
    instance["offers"][0] |= {"capacity": 200, "breaks": [[300, 490]]}

    told = explained(json.dumps(instance).encode())

    assert "their lots reach no price break that all of them accept.\n" in told


def test_scarce_lots_are_told_with_what_is_no_longer_promised() -> None:
    instance = an_instance()
    instance["offers"][0] |= {"capacity": 200}

    told = explained(json.dumps(instance).encode())

    assert "  c: 66 lots of the 100 it asked for at 5.00 landed" in told
    assert "Lots are scarce in SUGAR-W1/GX/2027-03: 200 are served." in told
    assert "Whoever tells his true limit" not in told


def test_the_hash_of_inputs_depends_on_their_set_only() -> None:
    instance = an_instance()
    turned = instance | {"pledges": instance["pledges"][::-1]}

    results = [clear_document(json.dumps(one).encode()) for one in (instance, turned)]

    assert results[0] == results[1]
