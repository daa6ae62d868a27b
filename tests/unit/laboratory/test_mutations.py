"""No changed result passes the independent checker."""

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest

from aggregator.laboratory.clearing import GuaranteeBroken, check_documents, clear_document
from matching.pools.documents import instance_document
from tests.properties.pool_worlds import a_world
from tests.unit.laboratory.mutating import mutated
from tests.unit.laboratory.test_pools_reading import an_instance

CASES = Path(__file__).parents[2] / "cases"
FILES = [*sorted(CASES.glob("pools/*.json")), *sorted(CASES.glob("divisions/*.json"))]


def _instances() -> list[Any]:
    files = [path for path in FILES if not path.name.endswith(".answer.json")]
    found = [pytest.param(path.read_bytes(), id=path.stem) for path in files]
    for seed in range(24):
        random = Random(seed)
        world = a_world(
            random,
            most=14,
            objective=random.choice(["stable", "stable", "surplus"]),
            packs=random.random() < 0.3,
            tolerance=random.random() < 0.5,
            scarce=seed % 2 == 0,
        )
        text = json.dumps(instance_document(world.pledges, world.offers, world.rules, "CNY"))
        found.append(pytest.param(text.encode(), id=f"world-{seed}"))
    return found


@pytest.mark.parametrize("instance", _instances())
def test_a_changed_result_is_refused(instance: bytes) -> None:
    result = clear_document(instance)
    random = Random(1)

    for _ in range(25):
        changed = mutated(result, random)
        with pytest.raises(GuaranteeBroken):
            check_documents(instance, json.dumps(changed).encode())


@pytest.mark.parametrize("tolerance", [0, 20])
def test_lots_moved_from_one_member_to_another_are_refused(tolerance: int) -> None:
    instance = an_instance()
    instance["pledges"][2]["tolerance"] = tolerance
    text = json.dumps(instance).encode()
    result = clear_document(text)
    for member, lots in zip(result["pools"][0]["members"], (101, 99), strict=False):
        member |= {"lots": lots, "amount_minor": lots * member["landed_minor"]}

    with pytest.raises(GuaranteeBroken, match="tolerance"):
        check_documents(text, json.dumps(result).encode())
