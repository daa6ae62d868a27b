"""Every worked case of `tests/cases` whose kind the laboratory knows equals its answer."""

import json
from pathlib import Path
from typing import Any

import pytest

from aggregator.laboratory.clearing import MECHANISMS, check_documents, clear_document

CASES = Path(__file__).parents[2] / "cases"


def _cases() -> list[Any]:
    found = []
    for answer in sorted(CASES.glob("*/*.answer.json")):
        instance = answer.with_name(answer.name.replace(".answer.json", ".json"))
        if instance.exists() and json.loads(instance.read_bytes())["kind"] in MECHANISMS:
            found.append(pytest.param(instance, answer, id=f"{answer.parent.name}/{instance.stem}"))
    return found


def _pools(pools: list[dict[str, Any]]) -> list[dict[str, Any]]:
    short = []
    for pool in pools:
        members = sorted(pool["members"], key=lambda member: member["pledge"])
        short.append(
            {
                "goods_minor": pool["goods_minor"],
                "lots": pool["lots"],
                "members": [member["pledge"] for member in members],
                "member_lots": {member["pledge"]: member["lots"] for member in members},
                "landed_minor": {member["pledge"]: member["landed_minor"] for member in members},
            }
        )
    return sorted(short, key=lambda pool: pool["members"])


def _awards(awards: Any, wanted: dict[str, Any]) -> Any:
    if not isinstance(awards, list):
        return awards
    found: dict[str, Any] = {}
    for award in awards:
        is_pair = isinstance(wanted.get(award["bidder"]), list)
        pair = [award["lots"], award["price_minor"]]
        found[award["bidder"]] = pair if is_pair else award["lots"]
    return found


def _short(field: str, result: dict[str, Any], answer: dict[str, Any]) -> Any:
    """Return a field of the result in the short form that answers use."""
    match field:
        case "pools":
            return _pools(result["pools"])
        case "unmatched":
            return sorted(left["pledge"] for left in result["unmatched"])
        case "awards":
            return _awards(result["awards"], answer["awards"])
        case "closes_at":
            return result["state"]["closes_at"]
        case "refused":
            return {str(refused["command"]): refused["code"] for refused in result["refusals"]}
        case "revenue_minor":
            return sum(award["lots"] * award["price_minor"] for award in result["awards"])
        case "price_minor":
            prices = {award["price_minor"] for award in result["awards"]}
            assert len(prices) == 1
            return prices.pop()
        case "rejected_in_the_money":
            return [rejected["id"] for rejected in result["rejected_in_the_money"]]
        case "used" | "value_minor":
            return result["publications"][0][field] if "publications" in result else result[field]
        case _:
            return result[field]


def _assert_equal(found: Any, wanted: Any) -> None:
    """Compare what the answer holds; it leaves out what does not matter."""
    if isinstance(wanted, list) and wanted and isinstance(wanted[0], dict):
        assert len(found) == len(wanted)
        for part, wanted_part in zip(found, wanted, strict=True):
            assert {name: part[name] for name in wanted_part} == wanted_part
    else:
        assert found == wanted


@pytest.mark.parametrize(("instance", "answer"), _cases())
def test_a_worked_case_equals_its_answer(instance: Path, answer: Path) -> None:
    wanted = json.loads(answer.read_bytes())

    result = clear_document(instance.read_bytes())

    for field, value in wanted.items():
        if field != "why":
            _assert_equal(_short(field, result, wanted), value)


@pytest.mark.parametrize(("instance", "answer"), _cases())
def test_the_checker_believes_a_worked_case(instance: Path, answer: Path) -> None:
    text = instance.read_bytes()

    check_documents(text, json.dumps(clear_document(text)).encode())
