"""Group buys against the law read literally, in full counts; then on until the time is over."""

from __future__ import annotations

import json
from collections import Counter
from random import Random

from aggregator.laboratory.clearing import GuaranteeBroken, check_documents, clear_document
from matching.clearing.pools import check_values
from matching.pools.documents import instance_document
from scripts._lent import Found, tried
from tests.properties.pool_worlds import (
    World,
    a_world,
    blocking_group,
    envied_pool,
    groups_of,
    lies,
    literal_cascade,
    literal_most_surplus,
    utilities,
)
from tests.unit.laboratory.mutating import mutated

SURPLUS_CELLS = 2_000
STABLE_CELLS = 5_000
SINGLE_LIES = 50_000
PAIR_LIES = 20_000
CHECKED = 2_000
MUTATIONS = 1_000


async def storm(seconds: int, seed: int) -> Found:
    return tried(seconds, seed, _trial, _is_full)


def _is_full(done: Counter[str]) -> bool:
    return (
        done["cells compared with brute force for surplus"] >= SURPLUS_CELLS
        and done["cells searched for a blocking group"] >= STABLE_CELLS
        and done["single lies"] >= SINGLE_LIES
        and done["pair lies"] >= PAIR_LIES
        and done["results checked"] >= CHECKED
        and done["mutations refused"] >= MUTATIONS
    )


def _trial(random: Random, done: Counter[str]) -> list[str]:
    is_full = _is_full(done)
    packs, tolerance = random.random() < 0.2, random.random() < 0.3
    world = a_world(random, packs=packs, tolerance=tolerance)
    result = world.cleared()
    broken = []
    done["pools formed"] += len(result.pools)
    done["cells compared with the literal cascade"] += 1
    if groups_of(result) != literal_cascade(world):
        broken.append("the cascade is not what the law read literally gives")
    if not packs:
        done["cells searched for a blocking group"] += 1
        if blocking_group(world, result):
            broken.append(f"{blocking_group(world, result)} would leave")
        if envied_pool(world, result):
            broken.append(f"{envied_pool(world, result)} is envied")
    if is_full or done["cells compared with brute force for surplus"] < SURPLUS_CELLS:
        broken += _surplus(random, done, packs=packs, tolerance=tolerance)
    broken += _lies(random, done, world, is_full=is_full)
    if is_full or done["results checked"] < CHECKED:
        broken += _checked(random, done)
    return broken


def _surplus(random: Random, done: Counter[str], *, packs: bool, tolerance: bool) -> list[str]:
    world = a_world(random, objective="surplus", packs=packs, tolerance=tolerance)
    done["cells compared with brute force for surplus"] += 1
    reached, best = groups_of(world.cleared()), literal_most_surplus(world)
    return [] if reached == best else [f"{reached} is not the largest sum, {best} is"]


def _lies(random: Random, done: Counter[str], world: World, *, is_full: bool) -> list[str]:
    honest = utilities(world, world.cleared())
    broken = []
    if is_full or done["single lies"] < SINGLE_LIES:
        liar = random.choice(world.pledges)
        for told in lies(world, liar):
            done["single lies"] += 1
            lying = utilities(world, world.with_limits({liar.id: told}).cleared())
            if lying[liar.id] > honest[liar.id]:
                broken.append(f"{liar.id} gains by telling {told}")
    if len(world.pledges) > 1 and (is_full or done["pair lies"] < PAIR_LIES):
        pair = random.sample(world.pledges, 2)
        for _ in range(5):
            told = {pledge.id: random.choice(lies(world, pledge)) for pledge in pair}
            done["pair lies"] += 1
            lying = utilities(world, world.with_limits(told).cleared())
            if all(lying[pledge.id] > honest[pledge.id] for pledge in pair):
                broken.append(f"both gain by telling {told}")
    return broken


def _checked(random: Random, done: Counter[str]) -> list[str]:
    world = a_world(
        random,
        most=16,
        objective=random.choice(["stable", "stable", "surplus"]),
        packs=random.random() < 0.3,
        tolerance=random.random() < 0.5,
        scarce=random.random() < 0.5,
    )
    result = world.cleared()
    done["results checked"] += 1
    done["cells rationed"] += len(result.rationed)
    try:
        check_values(world.pledges, world.offers, world.rules, result)
    except GuaranteeBroken as error:
        return [f"the checker refuses a result: {error}"]
    document = instance_document(world.pledges, world.offers, world.rules, "CNY")
    instance = json.dumps(document).encode()
    cleared = clear_document(instance)
    changed = mutated(cleared, random)
    try:
        check_documents(instance, json.dumps(changed).encode())
    except GuaranteeBroken:
        done["mutations refused"] += 1
        return []
    return [f"the checker believes {json.dumps(changed)}"]
