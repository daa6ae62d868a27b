"""An auction's record, opened, as an instance of the laboratory, and back.

Automatic bids of standing orders stand in the record like any others, and the same rules
admit them; so an instance made of a record needs no secret limit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from matching.clearing.certificate import canonical_json

Content = Mapping[str, Any]
Say = Callable[[Mapping[str, Any]], list[tuple[str, str, dict[str, Any]]]]

OUTAGE = "outage"
FROM_BIDDERS = ("bid", "demand", "package")
OF_THE_RESULT = ("proof", "award", "left_out", "result", "closed")
# What a replay says again; the rest says who sells what, or is secret for ever.
REPLAYED = (
    *FROM_BIDDERS,
    *OF_THE_RESULT,
    "round",
    "extended",
    "paused",
    "resumed",
    "cancelled",
    "withdrawn",
)
_AS_A_SET = ("award", "left_out")
_APART = {"recorded_at"}


@dataclass(frozen=True, slots=True)
class Told:
    """One opened record."""

    n: int
    at: str
    kind: str
    content: Content


def instance_of(told: Sequence[Told], reserve_minor: int | None) -> dict[str, Any]:
    """Return the instance that the opened record of an auction is the history of.

    `reserve_minor` is passed apart, because most readers may not know it.
    """
    opened = next(one for one in told if one.kind == "rules").content
    rules = dict(opened["rules"])
    if reserve_minor is not None:
        rules["reserve_minor"] = reserve_minor
    closed = next((one.content for one in told if one.kind == "closed"), None)
    if "draw" in rules and closed is not None:
        drawn = {name: closed[name] for name in ("seed", "beacon") if closed[name]}
        rules["draw"] = {**rules["draw"], **drawn}
    return {
        "kind": "auction",
        "side": opened["side"],
        "format": opened["format"],
        "rules": rules,
        "commands": _commands(told, opened),
    }


def said_again(result: Mapping[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    """Return what a cleared instance says as kinds, instants and contents of records."""
    found: list[tuple[str, str, dict[str, Any]]] = []
    for event in result["events"]:
        found += _SAID[event["event"]](event)
    return found


def comparable(told: Sequence[tuple[str, str, Content]]) -> list[tuple[str, str, str]]:
    """Return records in a form that can be compared: awards as a set, others in order."""
    found = [
        (
            kind,
            _counted_from(kind, at, content),
            canonical_json({name: content[name] for name in content if name not in _APART}),
        )
        for kind, at, content in told
        if kind in REPLAYED
    ]
    awards = [one for one in found if one[0] in _AS_A_SET]
    return [one for one in found if one[0] not in _AS_A_SET] + sorted(awards)


def _counted_from(kind: str, at: str, content: Content) -> str:
    """Return when a record counts from: an outage from its beginning, whatever was told within."""
    is_outage = kind == "paused" and content["reason"] == OUTAGE
    return str(content["since"]) if is_outage else at


def _commands(told: Sequence[Told], opened: Content) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    left, price_minor = opened["rules"].get("lots", 0), opened["rules"].get("start_minor")
    previous: Told | None = None
    for one in told:
        if one.kind == "resumed" and previous is not None and _ended_at_once(previous, one):
            pass
        elif one.kind == "closed":
            # The last lots of a Dutch clock close it by themselves.
            if opened["format"] != "dutch" or left > 0:
                found.append({"at": one.at, "cmd": "close"})
        elif one.kind == "demand" and opened["format"] == "japanese":
            found.append(_accepted(one, price_minor))
        elif one.kind in _COMMANDS:
            found.append(_COMMANDS[one.kind](one))
            left -= one.content.get("lots", 0)
        if one.kind == "round":
            price_minor = one.content["prices"][0][1]
        if one.kind in REPLAYED:
            previous = one
    return found


def _ended_at_once(paused: Told, resumed: Told) -> bool:
    return is_outage(paused) and paused.content["recorded_at"] == resumed.at


def is_outage(paused: Told) -> bool:
    """Say whether a pause was an outage that somebody found afterwards."""
    content = paused.content
    return (
        paused.kind == "paused"
        and content["reason"] == OUTAGE
        and content["recorded_at"] > content["since"]
    )


def _by_bidder(one: Told, *names: str, **more: Any) -> dict[str, Any]:
    """Return a bidder's command: who and which, what the record says under `names`, and more."""
    content = one.content
    who = {"at": one.at, "by": content["bidder"], "cmd": "bid", "bid_id": content["bid_id"]}
    return who | {name: content[name] for name in names} | more


def _bid(one: Told) -> dict[str, Any]:
    told = ("attributes",) if "attributes" in one.content else ()
    return _by_bidder(one, "price_minor", "lots", "all_or_none", *told)


def _accepted(one: Told, price_minor: int) -> dict[str, Any]:
    """Return the bid by which somebody accepted the one announced price."""
    lots = sum(one.content["demand"].values())
    return _by_bidder(one, price_minor=price_minor, lots=lots)


def _demand(one: Told) -> dict[str, Any]:
    return _by_bidder(one, "demand")


def _package(one: Told) -> dict[str, Any]:
    told = [name for name in ("xor", "attributes") if one.content.get(name)]
    return _by_bidder(one, "items", "price_minor", *told)


def _paused(one: Told) -> dict[str, Any]:
    content = one.content
    if is_outage(one):
        return {"at": content["recorded_at"], "cmd": OUTAGE, "began_at": content["since"]}
    return {"at": one.at, "cmd": "pause", "reason": content["reason"]}


_COMMANDS: dict[str, Callable[[Told], dict[str, Any]]] = {
    "bid": _bid,
    "demand": _demand,
    "package": _package,
    "round": lambda one: {"at": one.at, "cmd": "round"},
    "paused": _paused,
    "resumed": lambda one: {"at": one.at, "cmd": "resume"},
    "withdrawn": lambda one: {"at": one.at, "cmd": "withdraw", **one.content},
    "cancelled": lambda one: {"at": one.at, "cmd": "cancel", "reason": one.content["reason"]},
}


def _picked(kind: str, *names: str) -> Say:
    def say(event: Mapping[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
        return [(kind, event["at"], {name: event[name] for name in names})]

    return say


def _scored(kind: str, *names: str) -> Say:
    """Say what was bid, with its scored terms if there are any."""

    def say(event: Mapping[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
        content = {name: event[name] for name in names}
        if event["attributes"]:
            content["attributes"] = dict(event["attributes"])
        return [(kind, event["at"], content)]

    return say


def _said_demand(event: Mapping[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    content = {name: event[name] for name in ("bid_id", "bidder", "round")}
    return [("demand", event["at"], {**content, "demand": dict(event["demand"])})]


def _said_closed(event: Mapping[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    at, result = event["at"], event["result"]
    awarded = ("bid_id", "bidder", "lots", "price_minor", "item")
    left = ("bid_id", "bidder", "lots", "price_minor", "reason")
    summary = ("outcome", "clearing_price_minor", "unawarded_lots")
    closed = {
        "is_awarded": bool(result["awards"]),
        "item_prices": dict(result["item_prices"]),
        "seed": result["seed"],
        "beacon": result["beacon"],
    }
    return [
        *(("award", at, {name: won[name] for name in awarded}) for won in result["awards"]),
        *(
            ("left_out", at, {name: one[name] for name in left})
            for one in result["rejected_in_the_money"]
        ),
        ("result", at, {name: result[name] for name in summary}),
        ("closed", at, closed),
    ]


def _said_proof(event: Mapping[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    apart = ("seq", "event", "at")
    return [("proof", event["at"], {name: event[name] for name in event if name not in apart})]


_SAID: dict[str, Say] = {
    "opened": lambda _: [],
    "bid_placed": _scored("bid", "bid_id", "bidder", "price_minor", "lots", "all_or_none"),
    "demand_placed": _said_demand,
    "package_placed": _scored("package", "bid_id", "bidder", "items", "price_minor", "lots", "xor"),
    "packages_cleared": _said_proof,
    "standing_set": lambda _: [],
    "round_opened": _picked("round", "round", "ends_at", "prices"),
    "close_extended": _picked("extended", "closes_at"),
    "paused": _picked("paused", "reason", "since"),
    "resumed": _picked("resumed", "closes_at", "hard_stop"),
    "closed": _said_closed,
    "bid_withdrawn": _picked("withdrawn", "bid_seq", "reason"),
    "cancelled": _picked("cancelled", "reason"),
}
