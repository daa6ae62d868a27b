"""Package bids of an auction as the checker replays them.

Which packages win is not searched for here: the choice that the result claims is held to
the guarantees of `packages`, with the prices that it brings as its proof.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from matching.clearing import packages
from matching.clearing.auction_priced import worth
from matching.clearing.auction_rules import public_bound
from matching.clearing.auction_table import TOTAL, No, Table, as_good, check_count, past
from matching.clearing.form import Document, member, require

MAX_PACKAGES = 20
PRICE_UNIT = 1 << 24
_FIGURES = ("value_minor", "bound_minor", "relaxed_minor", "price_unit")


class Packages:
    """The packages of one auction; `claimed` is how the result says they were cleared."""

    def __init__(self, rules: Mapping[str, Any], claimed: Document) -> None:
        self.rules, self.claimed = rules, claimed
        self.items = {item["id"]: item for item in rules["items"]}
        self.placed: list[dict[str, Any]] = []

    def bid(self, table: Table, command: Mapping[str, Any], at: datetime) -> None:
        table.require_open(at)
        by, asked = command["by"], command["items"]
        check_count(command, [bid for bid in self.placed if bid["bidder"] == by])
        if any(bid["bid_id"] == command["bid_id"] for bid in self.placed):
            raise No("duplicate", bid_id=command["bid_id"])
        for place, name in enumerate(asked):
            if name not in self.items:
                raise No("unknown_item", item=name[:60])
            if name in asked[:place]:
                raise No("repeated_item", item=name)
        if not asked:
            raise No("unknown_item", item="")
        items = [name for name in self.items if name in asked]
        lots = sum(self.items[name]["lots"] for name in items)
        table.check_price(command["price_minor"], lots, self._bound(items, lots))
        given = command.get("attributes", {})
        score = command["price_minor"] + worth(self.rules, given)
        if score <= 0 and self.rules["side"] == "sell":
            raise No("not_positive", price_minor=score)
        if lots * abs(score) > TOTAL:
            raise No("total_too_large", total_minor=lots * abs(score), max_total_minor=TOTAL)
        self._check_earlier(by, items, command, score)
        told = {
            "bid_id": command["bid_id"],
            "bidder": by,
            "items": items,
            "price_minor": command["price_minor"],
            "lots": lots,
            "xor": command.get("xor"),
            "attributes": [[name, value] for name, value in given.items()],
        }
        self.placed.append(told)
        table.tell("package_placed", at, **told, bid_seq=len(self.placed))

    def standing(self) -> list[dict[str, Any]]:
        """Return the last package of each bidder for each set of items."""
        return list({(bid["bidder"], *bid["items"]): bid for bid in self.placed}.values())

    def result(self, table: Table, at: datetime) -> dict[str, Any]:
        """Return the result that the claimed winners make, having checked the claim."""
        instance = self._instance()
        packages.check(instance, self._document())
        names = ("winners", "proved", "proof", "ties", "item_prices", "group_prices", *_FIGURES)
        require(self.claimed.keys() == {"seq", "event", "at", *names}, "form", "packages_cleared")
        require(self.claimed["ties"] in ("settled", "open"), "form", "ties are settled or open")
        require(self.claimed["price_unit"] == PRICE_UNIT, "form", f"the unit is {PRICE_UNIT}")
        if not self.claimed["item_prices"]:
            nothing = [self.claimed[name] for name in ("proof", "ties", "relaxed_minor")]
            require(nothing == ["prices", "settled", 0], "bound", "nothing is proved by nothing")
        ids = [bid["bid_id"] for bid in self._representatives().values()]
        named = [pair[0] for pair in self.claimed["group_prices"]]
        require(named == [one for one in ids if one in named], "form", "groups of alternatives")
        table.tell("packages_cleared", at, **{name: self.claimed[name] for name in names})
        winners = self.claimed["winners"]
        awards = [
            {
                "bidder": bid["bidder"],
                "bid_id": bid["bid_id"],
                "lots": self.items[name]["lots"],
                "price_minor": bid["price_minor"],
                "item": name,
            }
            for bid in sorted(self.standing(), key=lambda bid: str(bid["bid_id"]))
            if bid["bid_id"] in winners
            for name in bid["items"]
        ]
        told = table.outcome_of(awards, None)
        is_unmet = bool(self.placed) and not self._able()
        return {**told, "outcome": "reserve_not_met"} if is_unmet else told

    def _bound(self, items: list[str], lots: int) -> int:
        """Return the worst price per lot, on tick, that reaches the start prices of the items."""
        worth = sum(self.items[name]["lots"] * self.items[name]["start_minor"] for name in items)
        tick, public = self.rules["tick_minor"], public_bound(self.rules)
        if self.rules["side"] == "buy":
            bound = int(worth // lots // tick * tick)
        else:
            bound = int(-(-worth // (lots * tick)) * tick)
        return bound if public is None or as_good(self.rules, bound, public) else public

    def _able(self) -> list[dict[str, Any]]:
        """Return the packages that stand and reach the reserve, if there is one."""
        reserve = self.rules["reserve_minor"]
        return [
            bid
            for bid in self.standing()
            if reserve is None or as_good(self.rules, bid["price_minor"], reserve)
        ]

    def _score(self, bid: Mapping[str, Any]) -> int:
        return int(bid["price_minor"]) + worth(self.rules, dict(bid["attributes"]))

    def _check_earlier(
        self, by: str, items: list[str], command: Mapping[str, Any], score: int
    ) -> None:
        mine = [bid for bid in self.standing() if bid["bidder"] == by]
        same = [bid for bid in mine if bid["items"] == items]
        if not same:
            if len(mine) >= MAX_PACKAGES:
                raise No("too_many_packages", max_packages=MAX_PACKAGES)
            return
        group = command.get("xor")
        if same[0]["xor"] != group:
            raise No("other_group", group=group or "", standing_group=same[0]["xor"] or "")
        allowed = past(self.rules, self._score(same[0]))
        if not as_good(self.rules, score, allowed):
            raise No("not_improving", price_minor=score, next_allowed_minor=allowed)

    def _representatives(self) -> dict[tuple[str, str], dict[str, Any]]:
        """Return of each group of alternatives the first package, by bidder and group."""
        found: dict[tuple[str, str], dict[str, Any]] = {}
        for bid in self.standing():
            if bid["xor"]:
                found.setdefault((bid["bidder"], bid["xor"]), bid)
        by_id = sorted(found, key=lambda group: str(found[group]["bid_id"]))
        return {group: found[group] for group in by_id}

    def _instance(self) -> dict[str, Any]:
        return {
            "kind": "packages",
            "side": self.rules["side"],
            "items": list(self.items),
            "bids": [
                {
                    "id": bid["bid_id"],
                    "bidder": bid["bidder"],
                    "items": bid["items"],
                    "amount_minor": self._score(bid) * bid["lots"],
                    **({"xor": bid["xor"]} if bid["xor"] is not None else {}),
                }
                for bid in self._able()
            ],
        }

    def _document(self) -> dict[str, Any]:
        claimed = self.claimed
        groups = {bid["bid_id"]: group for group, bid in self._representatives().items()}
        priced = member(claimed, "group_prices", list)
        require(all(pair[0] in groups for pair in priced), "form", "a group of nobody")
        texts = [pair[1] for pair in (*priced, *member(claimed, "item_prices", list))]
        require(all(map(_is_whole, texts)), "form", "a price is no whole number")
        certificate = {name: member(claimed, name, int) for name in _FIGURES[2:]}
        return {
            "winners": claimed["winners"],
            "value_minor": claimed["value_minor"],
            "bound_minor": claimed["bound_minor"],
            "proved": claimed["proved"],
            "certificate": {
                **certificate,
                "proof": claimed["proof"],
                "ties": claimed["ties"],
                "item_prices": dict(member(claimed, "item_prices", list)),
                "group_prices": [[*groups[name], price] for name, price in priced],
            },
        }


def _is_whole(text: object) -> bool:
    digits = text.removeprefix("-") if isinstance(text, str) else ""
    return digits.isascii() and digits.isdigit() and str(int(digits)) == digits


def claimed_by(result: Document) -> Document:
    """Return how a result says that packages were cleared, nothing where it does not."""
    told = [event for event in member(result, "events", list) if isinstance(event, dict)]
    found = [event for event in told if event.get("event") == "packages_cleared"]
    return found[-1] if found else {}
