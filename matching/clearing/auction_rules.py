"""An auction instance's rules as the checker reads them: plain values, defaults filled in."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

SEALED = ("sealed_first", "sealed_uniform", "second_price", "packages")
ROUNDS = ("japanese", "clock")
PRICING = {
    "english": "pay_as_bid",
    "sealed_first": "pay_as_bid",
    "sealed_uniform": "last_accepted",
    "second_price": "first_rejected",
    "dutch": "pay_as_bid",
    "japanese": "first_rejected",
    "clock": "last_accepted",
    "packages": "pay_as_bid",
}
PLAIN: dict[str, Any] = {
    "soft_close_s": 120,
    "max_extensions": None,
    "min_lots": 1,
    "tick_minor": 1,
    "steps": [],
    "start_minor": None,
    "reserve_minor": None,
    "reserve_is_public": False,
    "max_share": None,
    "shares": [],
    "allow_single": False,
    "all_lots_or_none": False,
    "interval_s": 0,
    "criteria": [],
    "items": [],
    "observer_disclosure": None,
    "owner_disclosure": None,
}


def read_instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def write_instant(at: datetime) -> str:
    thousandths, rest = divmod(at.microsecond, 1000)
    tail = f".{thousandths:03}" + (f"{rest:03}" if rest else "")
    return (
        f"{at.year:04}-{at.month:02}-{at.day:02}T{at.hour:02}:{at.minute:02}:{at.second:02}{tail}Z"
    )


def read_rules(instance: Mapping[str, Any]) -> dict[str, Any]:
    """Return every rule by name, with the defaults that the law gives it."""
    given = dict(instance["rules"])
    draw = given.pop("draw", {})
    if isinstance(given.get("step_minor"), list):
        given["steps"] = given.pop("step_minor")
    form = instance["format"]
    rules: dict[str, Any] = {**PLAIN, **given, "side": instance["side"], "format": form}
    rules["draw_commitment"] = draw.get("commitment")
    if "lots" not in rules:
        rules["lots"] = sum(item["lots"] for item in rules["items"])
    for name in ("opens_at", "closes_at"):
        rules[name] = read_instant(rules[name])
    stop = rules.get("hard_stop")
    rules["hard_stop"] = read_instant(stop) if stop else rules["closes_at"] + timedelta(hours=1)
    if "step_minor" not in rules:
        rules["step_minor"] = None if rules["steps"] else rules["tick_minor"]
    is_sealed = form in SEALED
    rules.setdefault("pricing", PRICING[form])
    rules.setdefault("marginal", "time")
    may_draw = is_sealed and form != "packages"
    rules.setdefault("tie", "draw" if may_draw and rules["draw_commitment"] else "time")
    rules.setdefault("disclosure", "blind" if is_sealed else "best")
    beats_leader = not is_sealed and rules["disclosure"] in ("full", "best")
    rules.setdefault("improve", "leader" if beats_leader else "own")
    return rules


def written_rules(rules: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: write_instant(value) if isinstance(value, datetime) else value
        for name, value in rules.items()
    }


def step(rules: Mapping[str, Any], price: int) -> int:
    """Return the least improvement on a price: its band's, else the one step."""
    bands = [band for low, band in rules["steps"] if low <= price]
    return int(bands[-1] if bands else rules["step_minor"] or rules["tick_minor"])


def goodness(rules: Mapping[str, Any], price: int) -> int:
    """Return a number that is larger for a price that the owner likes better."""
    return price if rules["side"] == "sell" else -price


def public_bound(rules: Mapping[str, Any]) -> int | None:
    bounds = [rules["start_minor"], rules["reserve_minor"] if rules["reserve_is_public"] else None]
    known = [bound for bound in bounds if bound is not None]
    return max(known, key=lambda bound: goodness(rules, bound)) if known else None


def announced_items(rules: Mapping[str, Any]) -> list[dict[str, Any]]:
    if rules["format"] == "japanese":
        return [{"id": "", "lots": rules["lots"], "start_minor": rules["start_minor"]}]
    return list(rules["items"])
