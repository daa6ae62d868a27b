"""The table at which the checker replays an auction: what was said, and what stands."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from matching.clearing import auction_rules as law

TOTAL = 10**15
MAX_BIDS = 500
BIDS = ("bid_placed", "demand_placed", "package_placed")


class No(Exception):
    """A refusal with its code and figures."""

    def __init__(self, code: str, **figures: Any) -> None:
        super().__init__(code)
        self.code, self.figures = code, figures


class Table:
    """One auction as it is played."""

    def __init__(self, instance: Mapping[str, Any]) -> None:
        self.rules = law.read_rules(instance)
        self.draw = instance["rules"].get("draw", {})
        self.closes, self.stop = self.rules["closes_at"], self.rules["hard_stop"]
        self.phase, self.reason, self.extensions = "open", "", 0
        self.last, self.lost = self.rules["opens_at"], timedelta(0)
        self.since = self.rules["opens_at"]
        self.bids: list[dict[str, Any]] = []
        self.orders: list[dict[str, Any]] = []
        self.result: dict[str, Any] | None = None
        self.events: list[dict[str, Any]] = []
        self.withdrawn: set[int] = set()
        self.is_bid_on = False
        self.tell("opened", self.rules["opens_at"], rules=law.written_rules(self.rules))

    def tell(self, event: str, at: datetime, **figures: Any) -> None:
        told = {name: shown(value) for name, value in figures.items()}
        self.events.append(
            {"seq": len(self.events) + 1, "event": event, "at": law.write_instant(at), **told}
        )
        self.last = at
        self.is_bid_on = self.is_bid_on or event in BIDS

    def standing(self) -> list[dict[str, Any]]:
        """Return each bidder's last bid, in the order in which the bidders came."""
        return list({bid["bidder"]: bid for bid in self.live()}.values())

    def live(self, by: str | None = None) -> list[dict[str, Any]]:
        """Return the bids that were not withdrawn, of one bidder if he is named."""
        return [
            bid
            for bid in self.bids
            if bid["seq"] not in self.withdrawn and by in (None, bid["bidder"])
        ]

    def secret(self) -> bytes | None:
        """Return seed and beacon once they are revealed and count."""
        if self.rules["tie"] != "draw":
            return None
        return bytes.fromhex(self.draw["seed"] + self.draw.get("beacon", ""))

    def finish(self, at: datetime, result: dict[str, Any]) -> None:
        self.phase, self.result = "closed", result
        self.tell("closed", at, result=result)

    def outcome_of(self, awards: list[dict[str, Any]], price: int | None) -> dict[str, Any]:
        """Return a whole result; its words follow from the awards."""
        lots = sum(award["lots"] for award in awards)
        word = "awarded" if lots == self.rules["lots"] else "partly_awarded"
        if not awards:
            is_left = not self.bids or bool(self.live())
            word = "unawarded" if self.is_bid_on and is_left else "no_bids"
        return {
            "outcome": word,
            "awards": awards,
            "clearing_price_minor": price if awards else None,
            "unawarded_lots": self.rules["lots"] - lots,
            "rejected_in_the_money": [],
            "seed": None,
            "beacon": None,
            "item_prices": [],
        }

    def require_open(self, at: datetime) -> None:
        if self.phase == "cancelled":
            raise No("cancelled", reason=self.reason)
        if self.phase == "paused":
            raise No("paused", reason=self.reason)
        if at >= self.closes:
            raise No("late", closes_at=self.closes)
        if self.phase == "closed":
            raise No("closed")
        if at < self.rules["opens_at"]:
            raise No("early", opens_at=self.rules["opens_at"])

    def check_price(self, price: int, lots: int, bound: int | None) -> None:
        rules = self.rules
        if price <= 0:
            raise No("not_positive", price_minor=price)
        if price % rules["tick_minor"]:
            raise No("off_tick", price_minor=price, tick_minor=rules["tick_minor"])
        if price * lots > TOTAL:
            raise No("total_too_large", total_minor=price * lots, max_total_minor=TOTAL)
        if bound is not None and not as_good(rules, price, bound):
            if rules["side"] == "buy":
                raise No("above_ceiling", price_minor=price, ceiling_minor=bound)
            raise No("below_floor", price_minor=price, floor_minor=bound)


def as_good(rules: Mapping[str, Any], price: int, other: int) -> bool:
    """Say whether the owner likes a price at least as much as another."""
    return law.goodness(rules, price) >= law.goodness(rules, other)


def past(rules: Mapping[str, Any], price: int) -> int:
    """Return the first price that improves on another by the step."""
    step = law.step(rules, price)
    return price + step if rules["side"] == "sell" else price - step


def check_count(command: Mapping[str, Any], mine: list[dict[str, Any]]) -> None:
    if any(bid["bid_id"] == command["bid_id"] for bid in mine):
        raise No("duplicate", bid_id=command["bid_id"])
    if len(mine) >= MAX_BIDS:
        raise No("too_many_bids", max_bids=MAX_BIDS)


def shown(value: Any) -> Any:
    return law.write_instant(value) if isinstance(value, datetime) else value
