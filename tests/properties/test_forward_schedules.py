"""Cleared bundles as lines between firms: everybody gets what was awarded, from somebody else."""

import json
from collections import Counter
from functools import cache
from random import Random

from aggregator.forwards.instance import storage_id
from aggregator.forwards.scheduling import kept, schedule_of
from aggregator.forwards.wholes import lines_of
from aggregator.laboratory.clearing import clear_document
from tests.properties.strip_worlds import a_strip

SEEDS = 80


@cache
def a_world(seed: int) -> tuple[list[dict], list[dict], dict]:
    """Return orders, offers and the cleared result; each storage belongs to one of the offers."""
    draw = Random(seed)
    tenors = draw.randint(2, 4)
    strip = a_strip(
        seed, orders=6, offers=3, tenors=tenors, lots=20, price=40, pricing="make_whole"
    )
    offers = [
        {"id": one["id"], "organisation_id": one["owner"], "storage": []} for one in strip["offers"]
    ]
    for store in strip["storage"]:
        keeper = draw.choice(offers)
        store["id"] = storage_id(keeper["id"], len(keeper["storage"]))
        store["owner"] = keeper["organisation_id"]
        route = [store["from"], store["to"], store["capacity_lots"], store["carry_minor"]]
        keeper["storage"].append(route)
    orders = [
        {"id": one["id"], "organisation_id": one["owner"], "deposit_off_bps": 50 * place}
        for place, one in enumerate(strip["orders"])
    ]
    return orders, offers, clear_document(json.dumps(strip).encode())


def test_lines_add_up_to_awards_supplies_and_storage() -> None:
    stored = bought = 0
    for seed in range(SEEDS):
        orders, offers, result = a_world(seed)
        lines = schedule_of(orders, offers, result)
        assert all(line.buyer_id != line.seller_id and line.lots > 0 for line in lines), seed
        served, given = Counter(), Counter()
        off_bps = {row["id"]: row["deposit_off_bps"] for row in orders}
        for line in lines:
            assert (line.order_id is None) != (line.offer_id is None), seed
            assert line.price_minor == result["prices_minor"][line.tenor], seed
            assert line.deposit_off_bps == off_bps.get(line.order_id, 0), seed
            given[line.seller_id, line.tenor] += line.lots
            if line.order_id:
                served[line.order_id, line.tenor] += line.lots
            else:
                given[line.buyer_id, line.tenor] -= line.lots
                bought += 1
        awarded = {
            (name, t): n for name, award in result["awards"].items() for t, n in award.items()
        }
        assert served == Counter(awarded), seed
        for offer in offers:
            own = Counter(result["supplier"].get(offer["id"], {}))
            for (source, target, *_), lots in zip(
                offer["storage"], kept(offer, result), strict=True
            ):
                own[source] -= lots
                own[target] += lots
                stored += lots
            for tenor in result["prices_minor"]:
                assert given[offer["organisation_id"], tenor] == own[tenor], seed
    assert stored
    assert bought


def test_make_whole_lines_belong_to_firms_and_add_up_to_nothing() -> None:
    seen = 0
    for seed in range(SEEDS):
        orders, offers, result = a_world(seed)
        lines = lines_of(orders, offers, result)
        assert sum(line.amount_minor for line in lines) == 0, seed
        firms = {row["organisation_id"] for row in (*orders, *offers)}
        assert {line.organisation_id for line in lines} <= firms, seed
        seen += len(lines)
    assert seen
