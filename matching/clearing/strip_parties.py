"""Orders, offers and storage of a strip as the checker reads them: bounds, asks and gains."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from matching.clearing.form import Document, GuaranteeBroken, require

Prices = Mapping[str, int]
Party = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Condition:
    """Σ factor × price + const may not be negative, unless the party may lose and is paid."""

    rule: str
    party: Party
    factors: Mapping[str, int]
    const: int
    may_lose: bool = False

    def value(self, prices: Prices) -> int:
        return self.const + sum(factor * prices[t] for t, factor in self.factors.items())


@dataclass(frozen=True, slots=True)
class View:
    """All conditions at once: the range of each price, and those on several prices."""

    lows: Mapping[str, int]
    highs: Mapping[str, int]
    rows: tuple[Condition, ...]

    def lost(self, prices: Prices, *, is_soft: bool) -> int | None:
        """Return the total loss of those who may lose, or nothing if others would."""
        for tenor, price in prices.items():
            if price < self.lows.get(tenor, price) or price > self.highs.get(tenor, price):
                return None
        total = 0
        for row in self.rows:
            missed = -row.value(prices)
            if missed > 0 and not (is_soft and row.may_lose):
                return None
            total += max(0, missed)
        return total


class Market:
    """An instance with what was awarded in it."""

    def __init__(self, instance: Document, result: Document) -> None:
        self.tenors: list[str] = instance["tenors"]
        self.orders = sorted(instance["orders"], key=_arrival)
        self.offers = sorted(instance["offers"], key=_arrival)
        self.stores = sorted(instance.get("storage", []), key=lambda store: str(store["id"]))
        self.got = _lots(result, "awards", self.orders, self.tenors)
        self.gave = _lots(result, "supplier", self.offers, self.tenors)
        self.kept = _kept(result, self.stores)

    def check_bounds(self) -> None:
        """Check that lots balance in every tenor and stay within every bound."""
        for order in self.orders:
            self._check_order(order, self.got[order["id"]])
        for offer in self.offers:
            self._check_offer(offer, self.gave[offer["id"]])
        for store in self.stores:
            kept = self.kept[store["id"]]
            require(kept <= store["capacity_lots"], "storage", f"{store['id']} keeps {kept}")
        for tenor in self.tenors:
            left = sum(lots.get(tenor, 0) for lots in self.gave.values())
            left -= sum(lots.get(tenor, 0) for lots in self.got.values())
            for store in self.stores:
                left += self.kept[store["id"]] * ((store["to"] == tenor) - (store["from"] == tenor))
            require(not left, "balance", f"{left} lots are left over in {tenor}")

    def _check_order(self, order: Document, lots: Mapping[str, int]) -> None:
        name, room = order["id"], self.room(order)
        total = sum(lots.values())
        for tenor, part in lots.items():
            fits = part <= room.get(tenor, 0)
            require(fits, "order_bounds", f"{name} gets {part} in {tenor} of {room.get(tenor, 0)}")
        require(total <= wanted(order), "order_bounds", f"{name} gets {total} in all")
        least = fewest(order)
        require(not total or total >= least, "order_minimum", f"{name} gets {total} of {least}")

    def _check_offer(self, offer: Document, lots: Mapping[str, int]) -> None:
        name, total = offer["id"], sum(lots.values())
        for tenor, part in lots.items():
            offered = sum(size for size, _ in offer["steps"].get(tenor, []))
            require(part <= offered, "offer_bounds", f"{name} gives {part} of {offered} in {tenor}")
        require(total <= offer["capacity"], "offer_bounds", f"{name} gives {total} in all")
        least = offer.get("min_total", 1)
        require(not total or total >= least, "offer_minimum", f"{name} gives {total} of {least}")

    def check_turns(self, prices: Prices) -> None:
        """Check that of equal claims on a tenor the earlier is served first.

        Unless who would give way were then short of a tenor where it is strictly in the money.
        """
        alike: dict[tuple[str, int], list[Document]] = {}
        for order in self.orders:
            if fewest(order) <= 1 and order["form"] != "block":
                for tenor in self.room(order):
                    alike.setdefault((tenor, order["limit_minor"]), []).append(order)
        for (tenor, _), orders in alike.items():
            waiting: str | None = None
            for order in orders:
                lots = self.got[order["id"]]
                is_late = (
                    waiting is not None
                    and lots.get(tenor, 0)
                    and all(
                        prices[other] >= order["limit_minor"]
                        for other, room in self.room(order).items()
                        if other == tenor or lots.get(other, 0) < room
                    )
                )
                require(not is_late, "turns", f"{order['id']} is served before {waiting}")
                has_room = lots.get(tenor, 0) < self.room(order)[tenor]
                if has_room and sum(lots.values()) < wanted(order):
                    waiting = order["id"]

    def room(self, order: Document) -> dict[str, int]:
        """Return the most lots of each tenor that an order can take."""
        if order["form"] == "block":
            return dict(order["lots"])
        if order["form"] == "period":
            return {order["tenor"]: order["lots"]}
        first, last = order["window"]
        cap = min(order["lots"], order.get("per_tenor_max", order["lots"]))
        return {tenor: cap for tenor in self.tenors if first <= tenor <= last}

    def surplus(self) -> int:
        total = 0
        for order in self.orders:
            total += order["limit_minor"] * sum(self.got[order["id"]].values())
        for offer in self.offers:
            total -= asked(offer, self.gave[offer["id"]])
        for store in self.stores:
            total -= store["carry_minor"] * self.kept[store["id"]]
        return total

    def value(self, prices: Prices) -> int:
        return sum(
            prices[tenor] * part for lots in self.got.values() for tenor, part in lots.items()
        )

    def conditions(self) -> Iterator[Condition]:
        for order in self.orders:
            yield from self._order_conditions(order)
        for offer in self.offers:
            yield from self._offer_conditions(offer)
        for store in self.stores:
            party = ("storage", str(store["id"]))
            kept, rise = self.kept[store["id"]], {store["to"]: 1, store["from"]: -1}
            if kept:
                earned = {tenor: kept * sign for tenor, sign in rise.items()}
                yield Condition("carry", party, earned, -kept * store["carry_minor"], may_lose=True)
            if kept < store["capacity_lots"]:
                falls = {tenor: -sign for tenor, sign in rise.items()}
                yield Condition("no_arbitrage", party, falls, store["carry_minor"])

    def _order_conditions(self, order: Document) -> Iterator[Condition]:
        party = ("order", str(order["id"]))
        lots, limit = self.got[order["id"]], order["limit_minor"]
        total, has_minimum = sum(lots.values()), fewest(order) > 1
        if has_minimum and not total:
            return
        if order["form"] == "block" and has_minimum:
            paid = {tenor: -part for tenor, part in lots.items()}
            yield Condition("limit", party, paid, limit * total, may_lose=True)
            return
        for tenor, room in self.room(order).items():
            part = lots.get(tenor, 0)
            if part:
                yield Condition("limit", party, {tenor: -part}, limit * part, may_lose=has_minimum)
            if total < wanted(order) and part < room:
                yield Condition("left_unfilled", party, {tenor: 1}, -limit)

    def _offer_conditions(self, offer: Document) -> Iterator[Condition]:
        party, lots = ("offer", str(offer["id"])), self.gave[offer["id"]]
        total = sum(lots.values())
        if is_lumpy(offer):
            if total:
                yield Condition("ask", party, lots, -asked(offer, lots), may_lose=True)
            return
        rebate = rebate_at(offer, 1)
        for tenor, steps in offer["steps"].items():
            left = lots.get(tenor, 0)
            for size, ask in steps:
                sold = min(size, left)
                left -= sold
                if sold:
                    yield Condition("ask", party, {tenor: 1}, rebate - ask)
                if sold < size and total < most(offer):
                    yield Condition("left_unfilled", party, {tenor: -1}, ask - rebate)

    def view(self) -> View:
        """Gather the conditions, those of one price and no loser as ranges."""
        lows: dict[str, int] = {}
        highs: dict[str, int] = {}
        rows: list[Condition] = []
        for condition in self.conditions():
            if len(condition.factors) > 1 or condition.may_lose:
                rows.append(condition)
                continue
            ((tenor, factor),) = condition.factors.items()
            if factor > 0:
                lows[tenor] = max(lows.get(tenor, 0), -(condition.const // factor))
            else:
                highest = condition.const // -factor
                highs[tenor] = min(highs.get(tenor, highest), highest)
        return View(lows, highs, tuple(rows))

    def gains(self, prices: Prices) -> dict[Party, int]:
        """Return what each party gains by its award at these prices."""
        found: dict[Party, int] = {}
        for order in self.orders:
            lots = self.got[order["id"]]
            gain = sum((order["limit_minor"] - prices[t]) * part for t, part in lots.items())
            found["order", order["id"]] = gain
        for offer in self.offers:
            lots = self.gave[offer["id"]]
            earned = sum(prices[tenor] * part for tenor, part in lots.items())
            found["offer", offer["id"]] = earned - asked(offer, lots)
        for store in self.stores:
            rise = prices[store["to"]] - prices[store["from"]] - store["carry_minor"]
            found["storage", store["id"]] = rise * self.kept[store["id"]]
        return found

    def all_gains(self, prices: Prices) -> int:
        """Return what all parties could gain, each alone at these prices."""
        total = sum(self.order_gain(order, prices) for order in self.orders)
        total += sum(max(0, *_tier_gains(offer, prices)) for offer in self.offers)
        for store in self.stores:
            rise = prices[store["to"]] - prices[store["from"]] - store["carry_minor"]
            total += max(0, rise) * store["capacity_lots"]
        return total

    def order_gain(self, order: Document, prices: Prices) -> int:
        units = [(order["limit_minor"] - prices[t], room) for t, room in self.room(order).items()]
        if order["form"] == "block":
            return max(0, int(sum(margin * size for margin, size in units)))
        least = fewest(order)
        return max(0, _greedy(units, least if least > 1 else 0, wanted(order)))

    def rejected(self, prices: Prices) -> list[tuple[str, str, str, int]]:
        """Return (kind, id, reason, loss) of all in the money that were left out or short."""
        found: list[tuple[str, str, str, int]] = []
        for order in self.orders:
            loss = self.order_gain(order, prices)
            if fewest(order) > 1 and not self.got[order["id"]] and loss:
                reason = "all_or_nothing" if order["form"] == "block" else "minimum"
                found.append(("order", order["id"], reason, loss))
        gains = self.gains(prices)
        for offer in self.offers:
            if not is_lumpy(offer):
                continue
            name, total = offer["id"], sum(self.gave[offer["id"]].values())
            reason = "minimum_total" if _tiers(offer)[0][0] > 1 else "break"
            loss = max(_tier_gains(offer, prices))
            if total:
                reason = "partly_filled"
                places = [
                    n for n, (low, high, _) in enumerate(_tiers(offer)) if low <= total <= high
                ]
                loss = _tier_gains(offer, prices)[places[0]] - gains["offer", name]
            if loss > 0:
                found.append(("offer", name, reason, loss))
        return found


def wanted(order: Document) -> int:
    lots: Any = order["lots"]
    return sum(lots.values()) if order["form"] == "block" else int(lots)


def fewest(order: Document) -> int:
    """Return the fewest lots that an order takes if it takes any."""
    return wanted(order) if order["form"] == "block" else int(order.get("min_lots", 0))


def most(offer: Document) -> int:
    offered = sum(int(size) for steps in offer["steps"].values() for size, _ in steps)
    return min(int(offer["capacity"]), offered)


def is_lumpy(offer: Document) -> bool:
    """Tell whether an offer has a minimum, or a break that some but not all totals reach."""
    return len(_tiers(offer)) > 1 or _tiers(offer)[0][0] > 1


def rebate_at(offer: Document, total: int) -> int:
    return max(
        (int(rebate) for lots, rebate in offer.get("breaks", []) if total >= lots), default=0
    )


def asked(offer: Document, lots: Mapping[str, int]) -> int:
    """Return what an offer asks for these lots: cheapest first, less the rebate it earns."""
    total = sum(lots.values())
    cost = 0
    for tenor, part in lots.items():
        for size, ask in offer["steps"][tenor]:
            cost += ask * min(size, part)
            part -= min(size, part)
    return cost - rebate_at(offer, total) * total


def _tiers(offer: Document) -> list[tuple[int, int, int]]:
    """Return (from, to, rebate) over the totals that an offer can be awarded."""
    low = max(1, offer.get("min_total", 1))
    starts = sorted({low, *(lots for lots, _ in offer.get("breaks", []) if lots > low)})
    ends = [start - 1 for start in starts[1:]] + [most(offer)]
    return [
        (start, min(end, most(offer)), rebate_at(offer, start))
        for start, end in zip(starts, ends, strict=True)
        if start <= most(offer)
    ]


def _tier_gains(offer: Document, prices: Prices) -> list[int]:
    steps = [(t, size, ask) for t, listed in offer["steps"].items() for size, ask in listed]
    lumpy = is_lumpy(offer)
    return [
        _greedy(
            [(prices[tenor] - ask + rebate, size) for tenor, size, ask in steps],
            low if lumpy else 0,
            high,
        )
        for low, high, rebate in _tiers(offer)
    ]


def _greedy(units: list[tuple[int, int]], least: int, most_lots: int) -> int:
    """Return the best sum of margins over `least` to `most_lots` lots."""
    total = taken = 0
    for margin, size in sorted(units, key=lambda unit: -unit[0]):
        lots = max(0, min(size, (most_lots if margin > 0 else least) - taken))
        total += margin * lots
        taken += lots
    return total


def _arrival(party: Document) -> tuple[int, str]:
    return party["seq"], party["id"]


def _lots(
    result: Document, name: str, listed: list[Document], tenors: list[str]
) -> dict[str, dict[str, int]]:
    given = result[name]
    require(isinstance(given, dict), "form", f"{name} must be an object")
    known = {party["id"] for party in listed}
    found: dict[str, dict[str, int]] = {party: {} for party in known}
    for party, lots in given.items():
        require(party in known, "form", f"{name}: {party} is unknown")
        require(isinstance(lots, dict) and lots, "form", f"{name}: {party} has no lots")
        for tenor, part in lots.items():
            require(tenor in tenors, "form", f"{name}: {tenor} is unknown")
            require(type(part) is int and part > 0, "form", f"{name}: {party} has {part} lots")
        found[party] = lots
    return found


def _kept(result: Document, stores: list[Document]) -> dict[str, int]:
    given = result["stored"]
    if not isinstance(given, dict):
        raise GuaranteeBroken("form", "stored must be an object")
    found = {store["id"]: 0 for store in stores}
    for name, lots in given.items():
        require(name in found, "form", f"stored: {name} is unknown")
        require(type(lots) is int and lots > 0, "form", f"stored: {name} keeps {lots}")
        found[name] = lots
    return found
