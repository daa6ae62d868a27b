"""Seeded strips, and the answer to small ones by trying everything: slow, obvious, independent."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from random import Random

Lots = dict[str, int]


def a_strip(
    seed: int,
    *,
    orders: int = 4,
    offers: int = 2,
    tenors: int = 2,
    lots: int = 3,
    price: int = 12,
    pricing: str = "supported",
) -> dict:
    draw = Random(seed)
    months = [f"2027-{month + 1:02d}" for month in range(tenors)]
    return {
        "kind": "strip",
        "currency": "CNY",
        "tenors": months,
        "rules": {"pricing": pricing, "tick_minor": 1},
        "orders": [an_order(draw, n, months, lots, price) for n in range(orders)],
        "offers": [an_offer(draw, n, months, lots, price) for n in range(offers)],
        "storage": [
            {
                "id": f"w{number}",
                "owner": "W",
                "from": months[number],
                "to": months[number + 1],
                "capacity_lots": draw.randint(0, lots),
                "carry_minor": draw.randint(0, 3),
            }
            for number in range(tenors - 1)
            if draw.random() < 0.5
        ],
    }


def an_order(draw: Random, number: int, months: list[str], lots: int, price: int) -> dict:
    form = draw.choice(["period", "period", "flexible", "block"])
    order = {
        "id": f"o{number}",
        "owner": f"O{number}",
        "form": form,
        "limit_minor": draw.randint(1, price),
        "seq": draw.randint(1, 4),
    }
    if form == "period":
        size = draw.randint(1, lots)
        return order | {
            "tenor": draw.choice(months),
            "lots": size,
            "min_lots": draw.choice([0, 0, draw.randint(0, size)]),
        }
    if form == "block":
        named = draw.sample(months, draw.randint(1, len(months)))
        return order | {"lots": {month: draw.randint(1, lots) for month in named}}
    first, last = sorted(draw.choices(months, k=2))
    cap = draw.randint(1, lots)
    size = draw.randint(1, cap * sum(first <= month <= last for month in months))
    return order | {
        "window": [first, last],
        "lots": size,
        "per_tenor_max": cap,
        "min_lots": draw.choice([0, 0, draw.randint(0, size)]),
    }


def an_offer(draw: Random, number: int, months: list[str], lots: int, price: int) -> dict:
    steps: dict[str, list[list[int]]] = {}
    for month in draw.sample(months, draw.randint(1, len(months))):
        asks = sorted(draw.randint(1, price) for _ in range(draw.randint(1, 2)))
        steps[month] = [[draw.randint(1, lots), ask] for ask in asks]
    total = sum(size for listed in steps.values() for size, _ in listed)
    cheapest = min(ask for listed in steps.values() for _, ask in listed)
    breaks = []
    if cheapest > 1 and draw.random() < 0.5:
        breaks = [[draw.randint(1, total), draw.randint(1, cheapest - 1)]]
    capacity = draw.choice([total, draw.randint(1, total)])
    return {
        "id": f"s{number}",
        "owner": f"S{number}",
        "steps": steps,
        "capacity": capacity,
        "min_total": draw.choice([1, draw.randint(1, capacity)]),
        "breaks": breaks,
        "seq": draw.randint(1, 3),
    }


@dataclass(frozen=True)
class Answer:
    surplus: int
    awards: dict[str, Lots]
    supplier: dict[str, Lots]
    stored: Lots
    prices: dict[str, int]


def tried_out(strip: dict) -> Answer:
    """Return the answer to a small strip by trying every allocation and every price."""
    orders = sorted(strip["orders"], key=lambda o: (o["seq"], o["id"]))
    offers = sorted(strip["offers"], key=lambda o: (o["seq"], o["id"]))
    stores = sorted(strip["storage"], key=lambda s: s["id"])
    found = sorted(_allocations(strip, orders, offers, stores), key=lambda item: -item[0])
    is_soft = strip["rules"]["pricing"] == "make_whole"
    best, equals = None, []
    for surplus, *lots in found:
        if best is not None and surplus < best:
            break
        if is_soft or _prices(strip, orders, offers, stores, lots):
            best = surplus
            equals.append(lots)
    assert best is not None
    first = max(equals, key=lambda lots: _turn(strip, *lots))
    got, gave, kept = first
    return Answer(
        surplus=best,
        awards={o["id"]: lots for o, lots in zip(orders, got, strict=True) if lots},
        supplier={o["id"]: lots for o, lots in zip(offers, gave, strict=True) if lots},
        stored={s["id"]: held for s, held in zip(stores, kept, strict=True) if held},
        prices=_prices(strip, orders, offers, stores, first),
    )


def _turn(strip: dict, got: tuple, gave: tuple, kept: tuple) -> list[int]:
    turn: list[int] = []
    for lots in (*got, *gave):
        turn += [sum(lots.values()), *(lots.get(tenor, 0) for tenor in strip["tenors"])]
    return [*turn, *kept]


def room_of(order: dict, tenors: list[str]) -> Lots:
    if order["form"] == "block":
        return order["lots"]
    if order["form"] == "period":
        return {order["tenor"]: order["lots"]}
    first, last = order["window"]
    return {t: min(order["per_tenor_max"], order["lots"]) for t in tenors if first <= t <= last}


def size_of(order: dict) -> int:
    return sum(order["lots"].values()) if order["form"] == "block" else order["lots"]


def least_of(order: dict) -> int:
    return size_of(order) if order["form"] == "block" else order["min_lots"]


def _awards(order: dict, tenors: list[str]) -> Iterator[Lots]:
    room = room_of(order, tenors)
    for parts in product(*(range(size + 1) for size in room.values())):
        total = sum(parts)
        if total == 0 or least_of(order) <= total <= size_of(order):
            yield {t: part for t, part in zip(room, parts, strict=True) if part}


def asked(offer: dict, lots: Lots) -> int:
    total, cost = sum(lots.values()), 0
    for tenor, part in lots.items():
        asks = [ask for size, ask in offer["steps"][tenor] for _ in range(size)]
        cost += sum(asks[:part])
    rebate = max([0, *(r for size, r in offer["breaks"] if total >= size)])
    return cost - rebate * total


def _supplies(offer: dict) -> Iterator[Lots]:
    room = {tenor: sum(size for size, _ in listed) for tenor, listed in offer["steps"].items()}
    for parts in product(*(range(size + 1) for size in room.values())):
        total = sum(parts)
        if total == 0 or offer["min_total"] <= total <= offer["capacity"]:
            yield {t: part for t, part in zip(room, parts, strict=True) if part}


def _allocations(strip: dict, orders: list, offers: list, stores: list) -> Iterator:
    """Yield every (surplus, awards, supplies, kept) that balances, supplies by what they sum to."""
    tenors = strip["tenors"]
    supplied: dict[tuple[int, ...], list] = {}
    for gave in product(*(list(_supplies(offer)) for offer in offers)):
        for kept in product(*(range(store["capacity_lots"] + 1) for store in stores)):
            net = {t: sum(lots.get(t, 0) for lots in gave) for t in tenors}
            for store, held in zip(stores, kept, strict=True):
                net[store["from"]] -= held
                net[store["to"]] += held
            cost = sum(asked(o, lots) for o, lots in zip(offers, gave, strict=True))
            cost += sum(s["carry_minor"] * held for s, held in zip(stores, kept, strict=True))
            if min(net.values()) >= 0:
                supplied.setdefault(tuple(net.values()), []).append((cost, gave, kept))
    for got in product(*(list(_awards(order, tenors)) for order in orders)):
        need = tuple(sum(lots.get(t, 0) for lots in got) for t in tenors)
        value = sum(
            o["limit_minor"] * sum(lots.values()) for o, lots in zip(orders, got, strict=True)
        )
        for cost, gave, kept in supplied.get(need, ()):
            yield value - cost, got, gave, kept


def _prices(
    strip: dict, orders: list, offers: list, stores: list, lots: list
) -> dict[str, int] | None:
    """Return the first of all price vectors, in the canonical order, that will do."""
    tenors, is_soft = strip["tenors"], strip["rules"]["pricing"] == "make_whole"
    best = None
    for vector in product(range(highest(strip) + 1), repeat=len(tenors)):
        prices = dict(zip(tenors, vector, strict=True))
        value = sum(prices[t] * part for award in lots[0] for t, part in award.items())
        hard, soft = losses(orders, offers, stores, tenors, *lots, prices)
        rank = (soft, value, max(vector), vector)
        if not hard and (is_soft or not soft) and (best is None or rank < best):
            best = rank
    return dict(zip(tenors, best[3], strict=True)) if best else None


def highest(strip: dict) -> int:
    tops = [order["limit_minor"] for order in strip["orders"]]
    tops += [ask for o in strip["offers"] for listed in o["steps"].values() for _, ask in listed]
    tops += [
        order["limit_minor"] * size_of(order) // min(order["lots"].values())
        for order in strip["orders"]
        if order["form"] == "block"
    ]
    return max(tops, default=0) + sum(store["carry_minor"] for store in strip["storage"])


def losses(
    orders: list,
    offers: list,
    stores: list,
    tenors: list[str],
    got: tuple,
    gave: tuple,
    kept: tuple,
    prices: dict[str, int],
) -> tuple[bool, int]:
    """Tell whether a divisible party is wronged, and how much the others lose."""
    lost = 0
    for order, lots in zip(orders, got, strict=True):
        total, limit = sum(lots.values()), order["limit_minor"]
        if order["form"] == "block" and size_of(order) > 1:
            lost += max(0, sum((prices[t] - limit) * part for t, part in lots.items()))
            continue
        above = sum(max(0, prices[t] - limit) * part for t, part in lots.items())
        if above and least_of(order) <= 1:
            return True, lost
        lost += above
        if total == 0 and least_of(order) > 1:
            continue
        for tenor, room in room_of(order, tenors).items():
            is_unfilled = total < size_of(order) and lots.get(tenor, 0) < room
            if is_unfilled and prices[tenor] < limit:
                return True, lost
    for offer, lots in zip(offers, gave, strict=True):
        if is_lumpy(offer):
            earned = sum(prices[t] * part for t, part in lots.items())
            lost += max(0, asked(offer, lots) - earned)
        elif not is_content(offer, lots, prices):
            return True, lost
    for store, held in zip(stores, kept, strict=True):
        rise = prices[store["to"]] - prices[store["from"]]
        lost += max(0, store["carry_minor"] - rise) * held
        if held < store["capacity_lots"] and rise > store["carry_minor"]:
            return True, lost
    return False, lost


def most_of(offer: dict) -> int:
    offered = sum(size for listed in offer["steps"].values() for size, _ in listed)
    return min(offer["capacity"], offered)


def is_lumpy(offer: dict) -> bool:
    most = most_of(offer)
    return offer["min_total"] > 1 or any(1 < lots <= most for lots, _ in offer["breaks"])


def is_content(offer: dict, lots: Lots, prices: dict[str, int]) -> bool:
    total = sum(lots.values())
    rebate = max([0, *(r for size, r in offer["breaks"] if size <= 1)])
    for tenor, listed in offer["steps"].items():
        asks = [ask - rebate for size, ask in listed for _ in range(size)]
        sold = lots.get(tenor, 0)
        if any(prices[tenor] < ask for ask in asks[:sold]):
            return False
        if total < most_of(offer) and any(prices[tenor] > ask for ask in asks[sold:]):
            return False
    return True
