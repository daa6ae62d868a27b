"""Reading the rules and commands of an auction instance."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, cast, get_args

from aggregator.laboratory.reading import BadInput, Node
from matching.auctions.commands import (
    Begin,
    Cancel,
    Close,
    Command,
    EndRound,
    Pause,
    PlaceBid,
    PlaceDemand,
    PlacePackage,
    RecordOutage,
    Resume,
    SetStanding,
    WithdrawBid,
)
from matching.auctions.refusals import BadRule
from matching.auctions.rules import (
    MAX_BANDS,
    MAX_CRITERIA,
    MAX_ITEMS,
    MAX_SHARES,
    Criterion,
    Disclosure,
    FormatName,
    Improve,
    Item,
    Marginal,
    Pricing,
    Rules,
    Side,
    Tie,
    ToObservers,
    ToOwner,
)

ANY = 10**15


def read_rules(parts: Mapping[str, Node]) -> tuple[Rules, str | None, str | None]:
    given = parts["rules"].fields(
        "opens_at closes_at",
        "lots hard_stop soft_close_s max_extensions min_lots tick_minor step_minor steps "
        "start_minor reserve_minor reserve_is_public pricing marginal tie draw improve "
        "disclosure max_share shares allow_single all_lots_or_none interval_s items criteria "
        "observer_disclosure owner_disclosure",
    )
    read_by: dict[str, Callable[[Node], Any]] = {
        "opens_at": Node.instant,
        "closes_at": Node.instant,
        "hard_stop": Node.instant,
        "reserve_is_public": Node.boolean,
        "allow_single": Node.boolean,
        "all_lots_or_none": Node.boolean,
        "pricing": _word(Pricing),
        "marginal": _word(Marginal),
        "tie": _word(Tie),
        "improve": _word(Improve),
        "disclosure": _word(Disclosure),
        "observer_disclosure": lambda node: node.choice(*get_args(ToObservers)),
        "owner_disclosure": lambda node: node.choice(*get_args(ToOwner)),
        "steps": _steps,
        "shares": _shares,
        "items": _items,
        "criteria": _criteria,
    }
    commitment, seed, beacon = _draw(given.pop("draw", None))
    if "step_minor" in given and isinstance(given["step_minor"].value, list):
        given["steps"] = given.pop("step_minor")
    if "items" in given and "lots" not in given:
        given["lots"] = Node(_lots_of(given["items"]), given["items"].pointer)
    values: dict[str, Any] = {
        name: read_by[name](node) if name in read_by else node.integer(0)
        for name, node in given.items()
    }
    if "lots" not in values:
        raise BadInput("/rules/lots", "required field is missing")
    try:
        rules = Rules(
            side=cast(Side, parts["side"].choice(*get_args(Side))),
            format=cast(FormatName, parts["format"].choice(*get_args(FormatName))),
            draw_commitment=commitment,
            **values,
        )
        rules.validate()
    except BadRule as broken:
        at_top = broken.field in ("side", "format")
        pointer = f"/{broken.field}" if at_top else f"/rules/{broken.field}"
        raise BadInput(pointer, broken.rule, broken.figure) from broken
    return rules, seed, beacon


def _word(words: Any) -> Callable[[Node], str]:
    return lambda node: node.choice(*get_args(words)[1:])


def _steps(node: Node) -> tuple[tuple[int, int], ...]:
    bands = []
    for band in node.items(max_items=MAX_BANDS, min_items=1):
        low, step = (part.integer(0) for part in band.items(min_items=2, max_items=2))
        bands.append((low, step))
    return tuple(bands)


def _shares(node: Node) -> tuple[int, ...]:
    return tuple(part.integer(1, 100) for part in node.items(max_items=MAX_SHARES, min_items=1))


def _draw(node: Node | None) -> tuple[str | None, str | None, str | None]:
    if node is None:
        return None, None, None
    parts = node.fields("commitment", "seed beacon")
    found = {name: _hexadecimal(part) for name, part in parts.items()}
    return found["commitment"], found.get("seed"), found.get("beacon")


def _hexadecimal(node: Node) -> str:
    text = node.text(max_length=64)
    if len(text) != 64 or any(letter not in "0123456789abcdef" for letter in text):
        node.refuse("must be 32 bytes in lower-case hexadecimal", text)
    return text


def _lots_of(node: Node) -> int:
    return sum(item.lots for item in _items(node))


def _items(node: Node) -> tuple[Item, ...]:
    found = []
    for entry in node.items(max_items=MAX_ITEMS, min_items=1):
        parts = entry.fields("id lots start_minor")
        lots, start = parts["lots"].integer(1), parts["start_minor"].integer(1)
        found.append(Item(parts["id"].text(), lots, start))
    return tuple(found)


def _criteria(node: Node) -> tuple[Criterion, ...]:
    found = []
    for entry in node.items(max_items=MAX_CRITERIA, min_items=1):
        parts = entry.fields("name unit_minor lowest highest")
        figures = [parts[name].integer(-ANY) for name in ("unit_minor", "lowest", "highest")]
        found.append(Criterion(parts["name"].text(), *figures))
    return tuple(found)


class CommandReader:
    """Reads commands in order; it numbers the bids of each bidder that bring no id."""

    def __init__(self, close: Close) -> None:
        self._close = close
        self._acts: dict[str, int] = {}
        self._read: dict[str, Callable[[Node], Command]] = {
            "bid": self._bid,
            "standing": self._standing,
            "close": lambda entry: self._alone(entry, self._close),
            "resume": lambda entry: self._alone(entry, Resume()),
            "begin": lambda entry: self._alone(entry, Begin()),
            "round": lambda entry: self._alone(entry, EndRound()),
            "pause": lambda entry: Pause(_reason(entry)),
            "cancel": lambda entry: Cancel(_reason(entry)),
            "outage": _outage,
            "withdraw": _withdraw,
        }

    def read(self, entry: Node) -> tuple[datetime, Command]:
        parts = entry.fields(
            "at cmd",
            "by price_minor lots all_or_none bid_id reason began_at demand attributes limit_minor "
            "items xor bid_seq",
        )
        return parts["at"].instant(), self._read[parts["cmd"].choice(*self._read)](entry)

    def _alone(self, entry: Node, command: Command) -> Command:
        entry.fields("at cmd")
        return command

    def _name(self, parts: Mapping[str, Node]) -> tuple[str, str]:
        bidder = parts["by"].text()
        self._acts[bidder] = count = self._acts.get(bidder, 0) + 1
        implied = bidder if count == 1 else f"{bidder}/{count}"
        return bidder, parts["bid_id"].text() if "bid_id" in parts else implied

    def _bid(self, entry: Node) -> Command:
        if isinstance(entry.value, dict) and "demand" in entry.value:
            parts = entry.fields("at by cmd demand", "bid_id")
            bidder, bid_id = self._name(parts)
            asked = parts["demand"].entries(max_items=MAX_ITEMS)
            demand = tuple((item, lots.integer(-ANY)) for item, lots in asked.items())
            return PlaceDemand(bid_id, bidder, demand)
        if isinstance(entry.value, dict) and "items" in entry.value:
            parts = entry.fields("at by cmd price_minor items", "bid_id xor attributes")
            bidder, bid_id = self._name(parts)
            items = tuple(item.text() for item in parts["items"].items(max_items=MAX_ITEMS))
            xor = parts["xor"].text() if "xor" in parts else None
            price_minor = parts["price_minor"].integer(-ANY)
            return PlacePackage(bid_id, bidder, items, price_minor, xor, _attributes(parts))
        parts = entry.fields("at by cmd price_minor", "lots all_or_none bid_id attributes")
        bidder, bid_id = self._name(parts)
        return PlaceBid(
            bid_id=bid_id,
            bidder=bidder,
            price_minor=parts["price_minor"].integer(-ANY),
            lots=parts["lots"].integer(-ANY) if "lots" in parts else None,
            all_or_none=parts["all_or_none"].boolean() if "all_or_none" in parts else False,
            attributes=_attributes(parts),
        )

    def _standing(self, entry: Node) -> Command:
        parts = entry.fields("at by cmd", "limit_minor bid_id")
        bidder, standing_id = self._name(parts)
        limit = parts["limit_minor"].integer(-ANY) if "limit_minor" in parts else None
        return SetStanding(standing_id, bidder, limit)


def _attributes(parts: Mapping[str, Node]) -> tuple[tuple[str, int], ...]:
    given = parts["attributes"].entries(max_items=50) if "attributes" in parts else {}
    return tuple((name, value.integer(-ANY)) for name, value in given.items())


def _reason(entry: Node) -> str:
    given = entry.fields("at cmd", "reason by")
    return given["reason"].prose() if "reason" in given else ""


def _withdraw(entry: Node) -> Command:
    given = entry.fields("at cmd bid_seq reason")
    return WithdrawBid(given["bid_seq"].integer(1), given["reason"].prose())


def _outage(entry: Node) -> Command:
    return RecordOutage(entry.fields("at cmd began_at")["began_at"].instant())
