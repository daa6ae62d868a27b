"""`aggregator clear` and `aggregator check` on group buys: what a shell sees of them."""

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest

from aggregator.cli import DONE, REFUSED, VIOLATED, main
from aggregator.laboratory.clearing import canonical_json, clear_document
from matching.pools.documents import instance_document
from tests.properties.pool_worlds import a_world
from tests.unit.laboratory.mutating import mutated
from tests.unit.laboratory.test_pools_reading import an_instance


def written(path: Path, document: Any) -> str:
    path.write_text(json.dumps(document))
    return str(path)


@pytest.mark.parametrize("objective", ["stable", "surplus"])
def test_a_hundred_changed_results_leave_with_exit_3(
    objective: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    random = Random(1)
    world = a_world(random, most=14, objective=objective, tolerance=True, min_members=2)
    document = instance_document(world.pledges, world.offers, world.rules, "CNY")
    instance = written(tmp_path / "instance.json", document)
    result = clear_document(json.dumps(document).encode())
    assert main(["check", instance, written(tmp_path / "result.json", result)]) == DONE

    codes = [
        main(["check", instance, written(tmp_path / "changed.json", mutated(result, random))])
        for _ in range(50)
    ]

    assert codes == [VIOLATED] * 50
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 50
    assert all(line.startswith("broken: ") for line in told)


def test_a_refused_instance_leaves_with_exit_1_and_its_pointer(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    instance = an_instance()
    instance["pledges"][1]["lots"] = -5

    assert main(["clear", written(tmp_path / "instance.json", instance)]) == REFUSED
    assert "/pledges/1/lots" in capsys.readouterr().err


def test_a_pledge_for_an_unknown_cell_is_told_why_it_is_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    instance = an_instance()
    instance["pledges"][0]["cell"] = "SUGAR-W1/GX/2027-04"
    path = written(tmp_path / "instance.json", instance)

    assert main(["clear", path]) == DONE
    assert '{"pledge":"a","reason":"no_offer"}' in capsys.readouterr().out
    assert main(["clear", path, "--explain"]) == DONE
    told = capsys.readouterr().out
    assert "a is left out: nobody offers this product there in that month." in told


def test_an_offer_for_an_unknown_cell_sells_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    instance = an_instance()
    instance["offers"].append({**instance["offers"][0], "id": "n", "cell": "TEA/YN/2027-03"})
    path = written(tmp_path / "instance.json", instance)

    assert main(["clear", path]) == DONE
    text = capsys.readouterr().out
    assert [pool["offer"] for pool in json.loads(text)["pools"]] == ["m"]
    (tmp_path / "result.json").write_text(text)
    assert main(["check", path, str(tmp_path / "result.json")]) == DONE


def test_a_result_that_sells_from_another_cell_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    instance = an_instance()
    instance["offers"].append({**instance["offers"][0], "id": "n", "cell": "TEA/YN/2027-03"})
    result = clear_document(json.dumps(instance).encode())
    result["pools"][0]["offer"] = "n"
    paths = [written(tmp_path / "instance.json", instance), written(tmp_path / "bad.json", result)]

    assert main(["check", *paths]) == VIOLATED
    assert main(["check", *paths, "--json"]) == VIOLATED
    told = capsys.readouterr()
    assert "offer: 'n' is no offer to any pledge" in told.err
    assert canonical_json(json.loads(told.out)) == told.out.strip()
