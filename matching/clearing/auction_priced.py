"""Bids that name a price, and standing orders, as the checker replays them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from matching.clearing import auction_rules as law
from matching.clearing.auction_awards import most_lots
from matching.clearing.auction_table import (
    MAX_BIDS,
    TOTAL,
    No,
    Table,
    as_good,
    check_count,
    past,
)


def place(table: Table, command: Mapping[str, Any], at: datetime) -> None:
    rules, by, price = table.rules, command["by"], command["price_minor"]
    table.require_open(at)
    lots = command.get("lots", rules["lots"])
    mine = [bid for bid in table.bids if bid["bidder"] == by]
    check_count(command, mine)
    least = rules["lots"] if rules["format"] == "second_price" else rules["min_lots"]
    if not least <= lots <= rules["lots"]:
        raise No("off_lots", lots=lots, min_lots=least, max_lots=rules["lots"])
    if command.get("all_or_none") and rules["shares"]:
        raise No("all_or_none", lots=lots)
    live = table.live(by)
    if live and lots < live[-1]["lots"]:
        raise No("fewer_lots", lots=lots, standing_lots=live[-1]["lots"])
    table.check_price(price, lots, law.public_bound(table.rules))
    score = price + worth(table.rules, command.get("attributes", {}))
    beaten = live[-1] if live and rules["improve"] == "own" else None
    if rules["improve"] == "leader":
        beaten = leader_of(table)
    if beaten is not None:
        next_price = _next(table, beaten["score_minor"])
        if not as_good(table.rules, score, past(table.rules, beaten["score_minor"])):
            is_told = rules["improve"] == "own" or rules["disclosure"] in ("full", "best")
            told = next_price if is_told else None
            raise No("not_improving", price_minor=score, next_allowed_minor=told)
    given = command.get("attributes", {})
    _accept(
        table,
        {
            "bid_id": command["bid_id"],
            "bidder": by,
            "price_minor": price,
            "lots": lots,
            "all_or_none": command.get("all_or_none", False),
            "attributes": [[name, value] for name, value in given.items()],
            "score_minor": score,
        },
        at,
    )


def set_order(table: Table, command: Mapping[str, Any], at: datetime) -> None:
    rules = table.rules
    if rules["format"] != "english" or rules["shares"] or rules["criteria"]:
        raise No("wrong_command", format=rules["format"])
    if rules["max_share"]:
        raise No("wrong_command", format=rules["format"])
    table.require_open(max(at, rules["opens_at"]))
    limit, by = command.get("limit_minor"), command["by"]
    if limit is not None:
        table.check_price(limit, rules["lots"], law.public_bound(table.rules))
        mine = [bid["score_minor"] for bid in table.live(by)]
        if mine and not as_good(table.rules, limit, mine[-1]):
            raise No("limit_too_weak", limit_minor=limit, next_allowed_minor=mine[-1])
    number = max((order["order"] for order in table.orders), default=0) + 1
    order = {
        "order": number,
        "standing_id": command["bid_id"],
        "bidder": by,
        "limit_minor": limit,
    }
    table.orders = [old for old in table.orders if old["bidder"] != by] + [order]
    table.tell("standing_set", at, **order)
    if at >= rules["opens_at"]:
        answer(table, at)


def answer(table: Table, at: datetime) -> None:
    """Let the strongest standing order that can take or defend the lead."""
    counts = [bid["bidder"] for bid in table.bids]
    live = [
        order
        for order in table.orders
        if order["limit_minor"] is not None and counts.count(order["bidder"]) < MAX_BIDS
    ]
    live.sort(key=lambda o: (-law.goodness(table.rules, o["limit_minor"]), o["order"]))
    leader = leader_of(table)
    for i, order in enumerate(live):
        rivals = [rival["limit_minor"] for rival in live[i + 1 :]]
        if leader is not None and leader["bidder"] == order["bidder"]:
            needed = past(table.rules, leader["score_minor"])
            if not any(as_good(table.rules, limit, needed) for limit in rivals):
                return
        price = _price_to_lead(table, order, rivals, leader)
        if price is None:
            continue
        name = f"{order['standing_id']}/{counts.count(order['bidder']) + 1}"
        ids = {bid["bid_id"] for bid in table.bids if bid["bidder"] == order["bidder"]}
        while name in ids:
            name += "+"
        place(table, {"bid_id": name, "by": order["bidder"], "price_minor": price}, at)
        return


def _price_to_lead(
    table: Table, order: Mapping[str, Any], rivals: list[int], leader: Mapping[str, Any] | None
) -> int | None:
    rules, floors = table.rules, rivals[:1]
    if leader is not None:
        floors.append(past(table.rules, leader["score_minor"]))
    mine = [bid["score_minor"] for bid in table.live(order["bidder"])]
    if mine and rules["improve"] == "own":
        floors.append(past(table.rules, mine[-1]))
    bound = law.public_bound(table.rules)
    if bound is not None:
        floors.append(bound)
    limit = order["limit_minor"]
    price = max(floors, key=lambda p: law.goodness(rules, p)) if floors else limit
    is_within = as_good(rules, limit, price) and price * rules["lots"] <= TOTAL
    return int(price) if is_within else None


def _accept(table: Table, bid: dict[str, Any], at: datetime) -> None:
    bid["seq"] = len(table.bids) + 1
    told = {name: value for name, value in bid.items() if name != "seq"}
    table.tell("bid_placed", at, **told, bid_seq=bid["seq"])
    leads = _takes_lots(table, bid)
    table.bids.append(bid)
    rules = table.rules
    if rules["format"] != "english" or not leads:
        return
    window = timedelta(seconds=rules["soft_close_s"])
    is_used_up = rules["max_extensions"] == table.extensions
    moved = min(max(table.closes, at + window), table.stop)
    if table.closes - at <= window and moved > table.closes and not is_used_up:
        table.closes, table.extensions = moved, table.extensions + 1
        table.tell("close_extended", at, closes_at=moved, bid_seq=bid["seq"])


def _takes_lots(table: Table, bid: Mapping[str, Any]) -> bool:
    mine = law.goodness(table.rules, bid["score_minor"])
    better = [
        rival
        for rival in table.standing()
        if rival["bidder"] != bid["bidder"]
        and law.goodness(table.rules, rival["score_minor"]) >= mine
    ]
    if table.rules["shares"]:
        return len(better) < len(table.rules["shares"])
    most = most_lots(table.rules)
    lots: int = sum(min(rival["lots"], most) for rival in better)
    return bool(lots < table.rules["lots"])


def leader_of(table: Table) -> dict[str, Any] | None:
    best: dict[str, Any] | None = None
    for bid in table.live():
        good = law.goodness(table.rules, bid["score_minor"])
        if best is None or good > law.goodness(table.rules, best["score_minor"]):
            best = bid
    return best


def worth(rules: Mapping[str, Any], given: Mapping[str, int]) -> int:
    total, known = 0, set()
    for term in rules["criteria"]:
        known.add(term["name"])
        value = given.get(term["name"])
        if value is None or not term["lowest"] <= value <= term["highest"]:
            figures = {"lowest": term["lowest"], "highest": term["highest"]}
            raise No("bad_attributes", name=term["name"], found=value, **figures)
        total += term["unit_minor"] * value
    for name in sorted(given.keys() - known):
        raise No("bad_attributes", name=name, found=given[name], lowest=None, highest=None)
    return int(total)


def _next(table: Table, price: int) -> int:
    needed, bound = past(table.rules, price), law.public_bound(table.rules)
    return needed if bound is None or as_good(table.rules, needed, bound) else bound
