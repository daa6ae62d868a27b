"""Forward bundles: random ones accepted by the checker, bent ones refused; small ones searched."""

from __future__ import annotations

import json
from collections import Counter
from random import Random
from typing import Any

from aggregator.laboratory.clearing import GuaranteeBroken, check_documents, clear_document
from scripts._lent import Found, tried
from tests.properties.strip_worlds import a_strip, tried_out
from tests.unit.laboratory.mutating import mutated

CHECKED = 1_000
MUTATIONS = 1_000
SEARCHED = 200
FREE = ("solver", "prices_canonical", "dual_prices_minor")


async def storm(seconds: int, seed: int) -> Found:
    return tried(seconds, seed, _trial, _is_full)


def _is_full(done: Counter[str]) -> bool:
    return (
        done["bundles accepted"] >= CHECKED
        and done["mutations refused"] >= MUTATIONS
        and done["bundles equal to an exhaustive search"] >= SEARCHED
    )


def _trial(random: Random, done: Counter[str]) -> list[str]:
    strip = a_strip(
        random.randrange(2**32),
        orders=random.randint(1, 9),
        offers=random.randint(1, 4),
        tenors=random.randint(1, 4),
        lots=40,
        price=500,
        pricing=random.choice(["supported", "make_whole"]),
    )
    instance = json.dumps(strip).encode()
    result = clear_document(instance)
    done["bundles with awards"] += bool(result["awards"])
    try:
        check_documents(instance, json.dumps(result).encode())
    except GuaranteeBroken as error:
        return [f"the checker refuses a result: {error}"]
    done["bundles accepted"] += 1
    broken = _searched(random, done)
    changed = mutated(result, random)
    if _says_the_same(changed, result):
        return broken
    try:
        check_documents(instance, json.dumps(changed).encode())
    except GuaranteeBroken:
        done["mutations refused"] += 1
        return broken
    return [*broken, f"the checker believes {json.dumps(changed)} of {instance.decode()}"]


def _says_the_same(changed: dict[str, Any], result: dict[str, Any]) -> bool:
    """Tell whether the changed result claims no more than the result did.

    Who proposed it is taken on trust, canonical prices may be left unclaimed, and any dual
    prices whose bound is the one said prove it as well.
    """
    claims = changed.get("certificate")
    if not isinstance(claims, dict) or claims.get("prices_canonical") not in (True, False):
        return False
    known = result["certificate"]
    if claims["prices_canonical"] and not known["prices_canonical"]:
        return False
    trusted = {name: known[name] for name in FREE if name in claims}
    return {**changed, "certificate": {**claims, **trusted}} == result


def _searched(random: Random, done: Counter[str]) -> list[str]:
    """Compare a small bundle with trying everything."""
    if done["bundles equal to an exhaustive search"] >= SEARCHED and random.random() < 0.8:
        return []
    shape = {"orders": 4, "offers": 2, "tenors": 2, "lots": 3, "price": 12}
    strip = a_strip(random.randrange(2**32), **shape)
    found, tried = clear_document(json.dumps(strip).encode()), tried_out(strip)
    if (found["surplus_minor"], found["awards"], found["prices_minor"]) != (
        tried.surplus,
        tried.awards,
        tried.prices,
    ):
        return [f"an exhaustive search finds another answer for {json.dumps(strip)}"]
    done["bundles equal to an exhaustive search"] += 1
    return []
