"""Dutch, Japanese and clock auctions as the checker replays them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from matching.clearing import auction_rules as law
from matching.clearing.auction_awards import largest_remainders, most_lots
from matching.clearing.auction_table import MAX_BIDS, TOTAL, No, Table, as_good, check_count, past

Lots = dict[str, int]


def dutch_price(table: Table, at: datetime) -> int:
    """Walk the clock from the start, interval by interval."""
    rules, price = table.rules, int(table.rules["start_minor"])
    run = (at - rules["opens_at"] - table.lost) // timedelta(seconds=rules["interval_s"])
    for _ in range(run):
        step = law.step(rules, price)
        lower = price - step if rules["side"] == "sell" else price + step
        if lower <= 0:
            break
        reserve = rules["reserve_minor"]
        if reserve is not None and not as_good(rules, lower, reserve):
            return int(reserve)
        price = lower
    return price


def take(table: Table, command: Mapping[str, Any], at: datetime) -> None:
    rules, by = table.rules, command["by"]
    table.require_open(at)
    mine = [bid for bid in table.bids if bid["bidder"] == by]
    check_count(command, mine)
    left = rules["lots"] - sum(bid["lots"] for bid in table.bids)
    lots = command.get("lots", left)
    most = min(left, most_lots(rules) - sum(bid["lots"] for bid in mine))
    least = min(rules["min_lots"], left)
    if not least <= lots <= most:
        raise No("off_lots", lots=lots, min_lots=least, max_lots=most)
    price = dutch_price(table, at)
    table.check_price(command["price_minor"], lots, None)
    if not as_good(rules, command["price_minor"], price):
        raise No("off_clock", price_minor=command["price_minor"], clock_minor=price)
    bid = {
        "bid_id": command["bid_id"],
        "bidder": by,
        "price_minor": price,
        "lots": lots,
        "all_or_none": command.get("all_or_none", False),
        "attributes": [],
        "score_minor": price,
    }
    seq = len(table.bids) + 1
    table.tell("bid_placed", at, **bid, bid_seq=seq)
    table.bids.append({**bid, "seq": seq})
    if lots == left:
        table.finish(at, dutch_result(table))


def dutch_result(table: Table) -> dict[str, Any]:
    """Award what was taken; everyone at the worst taken price where that is declared."""
    bids = table.bids
    is_uniform = table.rules["pricing"] == "last_accepted" and bids
    prices = [bid["price_minor"] for bid in bids]
    price = min(prices, key=lambda taken: law.goodness(table.rules, taken)) if is_uniform else None
    awards = [
        {
            "bidder": bid["bidder"],
            "bid_id": bid["bid_id"],
            "lots": bid["lots"],
            "price_minor": bid["price_minor"] if price is None else price,
            "item": "",
        }
        for bid in bids
    ]
    return table.outcome_of(awards, price)


class Rounds:
    """The rounds of one auction; all of them are kept."""

    def __init__(self, rules: Mapping[str, Any]) -> None:
        self.rules = rules
        self.items = law.announced_items(rules)
        self.names = [item["id"] for item in self.items]
        length = timedelta(seconds=rules["interval_s"])
        self.ends = min(rules["opens_at"] + length, rules["closes_at"])
        self.prices = [[item["start_minor"] for item in self.items]]
        self.stood: list[dict[str, Lots]] = []
        self.said: dict[str, Lots] = {}
        self.by_seq: dict[str, tuple[int, str]] = {}
        self.act_of: list[dict[str, tuple[int, str]]] = []
        self.ids: list[tuple[str, str]] = []

    def bid(self, table: Table, command: Mapping[str, Any], at: datetime) -> None:
        by, rules = command["by"], self.rules
        demand = command.get("demand")
        if demand is None:
            lots = command.get("lots", rules["lots"])
            table.check_price(command["price_minor"], lots, None)
            price = self.prices[-1][0]
            if command["price_minor"] != price:
                raise No("off_clock", price_minor=command["price_minor"], clock_minor=price)
            demand = {"": lots}
        if at >= self.ends:
            raise No("round_over", ends_at=self.ends)
        if (by, command["bid_id"]) in self.ids:
            raise No("duplicate", bid_id=command["bid_id"])
        if sum(name == by for name, _ in self.ids) >= MAX_BIDS:
            raise No("too_many_bids", max_bids=MAX_BIDS)
        self._check(demand)
        total = sum(demand.values())
        most = most_lots(rules)
        if self.stood:
            most = sum(self.stood[-1].get(by, {}).values())
        if total > most:
            raise No("activity", lots=total, eligible_lots=most)
        self.ids.append((by, command["bid_id"]))
        self.said[by] = {name: demand.get(name, 0) for name in self.names}
        self.by_seq[by] = (len(self.ids), command["bid_id"])
        shown = [[name, lots] for name, lots in demand.items()]
        told = {"bid_id": command["bid_id"], "bidder": by, "round": len(self.stood)}
        table.tell("demand_placed", at, **told, demand=shown, bid_seq=len(self.ids))

    def _check(self, demand: Mapping[str, int]) -> None:
        for name, lots in demand.items():
            if name not in self.names:
                raise No("unknown_item", item=name)
            most = self.items[self.names.index(name)]["lots"]
            least = min(self.rules["min_lots"], most)
            if lots != 0 and not least <= lots <= most:
                raise No("off_lots", lots=lots, min_lots=least, max_lots=most)
        named = zip(self.names, self.prices[-1], strict=True)
        worth = sum(demand.get(name, 0) * price for name, price in named)
        if worth > TOTAL:
            raise No("total_too_large", total_minor=worth, max_total_minor=TOTAL)

    def stands(self) -> dict[str, Lots]:
        """Return who stands for what in the current round."""
        found = dict(self.said)
        for by, lots in (self.stood[-1] if self.stood else {}).items():
            if by not in found:
                kept = {
                    name: lots[name] if self.prices[-1][i] == self.prices[-2][i] else 0
                    for i, name in enumerate(self.names)
                }
                if any(kept.values()):
                    found[by] = kept
        return found

    def excess(self) -> list[bool]:
        stands = self.stands()
        return [
            sum(lots[item["id"]] for lots in stands.values()) > item["lots"] for item in self.items
        ]

    def next(self) -> list[int]:
        """Return the prices of the round to come."""
        return [
            self._moved(price) if too_much else price
            for price, too_much in zip(self.prices[-1], self.excess(), strict=True)
        ]

    def end(self, table: Table, at: datetime) -> None:
        if at < self.ends:
            raise No("round_not_due", ends_at=self.ends)
        rules, moved = self.rules, self.next()
        if moved == self.prices[-1] or at >= table.closes:
            if rules["tie"] != "draw":
                table.finish(at, self.result(table, None))
            return
        self.act_of.append({by: self.by_seq[by] for by in self.stands()})
        self.stood.append(self.stands())
        self.said = {}
        self.prices.append(moved)
        self.ends = min(at + timedelta(seconds=rules["interval_s"]), table.closes)
        shown = [[name, price] for name, price in zip(self.names, moved, strict=True)]
        told = {"round": len(self.stood), "ends_at": self.ends, "prices": shown}
        table.tell("round_opened", at, **told)

    def _moved(self, price: int) -> int:
        found = past(self.rules, price)
        return found if found > 0 else price

    def result(self, table: Table, secret: bytes | None) -> dict[str, Any]:
        stands, returned = self.stands(), dict[str, int]()
        acts = {by: self.by_seq[by] for by in stands}
        awards: list[dict[str, Any]] = []
        prices: list[list[Any]] = []
        for i, item in enumerate(self.items):
            price, won, who = self._award(i, stands, acts, returned, secret)
            prices.append([item["id"], price])
            reserve = self.rules["reserve_minor"]
            if reserve is not None and not as_good(self.rules, price, reserve):
                won = {}
            awards += [
                {
                    "bidder": by,
                    "bid_id": who[by][1],
                    "lots": lots,
                    "price_minor": price,
                    "item": item["id"],
                }
                for by, lots in sorted(won.items())
                if lots
            ]
        if self.rules["format"] == "japanese":
            return table.outcome_of(awards, prices[0][1] if awards else None)
        return {**table.outcome_of(awards, None), "item_prices": prices}

    def _award(
        self,
        i: int,
        stands: dict[str, Lots],
        acts: dict[str, tuple[int, str]],
        returned: dict[str, int],
        secret: bytes | None,
    ) -> tuple[int, Lots, dict[str, tuple[int, str]]]:
        name, supply = self.names[i], self.items[i]["lots"]
        wanted = {by: lots[name] for by, lots in stands.items()}
        left = supply - sum(wanted.values())
        price = self.prices[-1][i]
        if left < 0:
            return price, self._share(supply, wanted, acts, secret), acts
        before = [r for r in range(len(self.stood)) if self.prices[r][i] != price]
        if left == 0 or not before:
            return price, wanted, acts
        earlier, reserve = self.prices[before[-1]][i], self.rules["reserve_minor"]
        if reserve is not None and not as_good(self.rules, earlier, reserve):
            return price, wanted, acts
        then, who = self.stood[before[-1]], self.act_of[before[-1]]
        claims = {}
        for by, lots in then.items():
            gone = sum(lots.values()) - sum(stands.get(by, {}).values()) - returned.get(by, 0)
            claims[by] = max(0, min(lots[name] - wanted.get(by, 0), gone))
        back = self._share(min(left, sum(claims.values())), claims, who, secret)
        if not sum(back.values()):
            return price, wanted, acts
        for by, count in back.items():
            returned[by] = returned.get(by, 0) + count
        both = {by: wanted.get(by, 0) + back.get(by, 0) for by in {*wanted, *back}}
        return earlier, both, {**who, **acts}

    def _share(
        self, supply: int, claims: Lots, acts: dict[str, tuple[int, str]], secret: bytes | None
    ) -> Lots:
        def place(by: str) -> tuple[str, int]:
            seq, bid_id = acts[by]
            if secret is None:
                return "", seq
            return hashlib.sha256(secret + bid_id.encode()).hexdigest(), seq

        line = sorted((by for by in claims if claims[by]), key=place)
        if self.rules["marginal"] == "pro_rata" and line:
            parts = largest_remainders(supply, [claims[by] for by in line])
            return dict(zip(line, parts, strict=True))
        found: Lots = {}
        for by in line:
            found[by] = min(claims[by], supply - sum(found.values()))
        return found
