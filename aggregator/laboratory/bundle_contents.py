"""The form of each opened record's content, as `docs/bundle.md` tells it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from aggregator.laboratory.reading import Node

Check = Callable[[Node], object]

_MAX_FIELDS = 40
_MAX_ITEMS = 200
_MAX_TERMS = 10


def check_content(kind: str, content: Node) -> None:
    """Refuse a content that no record of this kind has: `BadInput`."""
    _FORMS[kind](content)


def check_hexadecimal(node: Node, digits: int) -> None:
    text = node.text(max_length=digits)
    if len(text) != digits or any(letter not in "0123456789abcdef" for letter in text):
        node.refuse(f"must be {digits} lower-case hexadecimal digits", text[:20])


def _object(required: Mapping[str, Check], optional: Mapping[str, Check] | None = None) -> Check:
    checks = {**required, **(optional or {})}

    def check(node: Node) -> None:
        given = node.fields(" ".join(required), " ".join(optional or {}))
        for name, part in given.items():
            checks[name](part)

    return check


def _words(node: Node) -> None:
    if not isinstance(node.value, str):
        node.refuse("must be a string")


def _or_null(check: Check) -> Check:
    return lambda node: None if node.value is None else check(node)


def _count(node: Node) -> None:
    node.integer(0)


def _instant(node: Node) -> None:
    node.instant()


def _figure(node: Node) -> None:
    node.integer(-(10**15))


def _truth(node: Node) -> None:
    node.boolean()


def _bytes(node: Node) -> None:
    check_hexadecimal(node, 64)


def _beacon(node: Node) -> None:
    if node.value != "":
        _bytes(node)


def _figures(most: int, check: Check = _count) -> Check:
    def each(node: Node) -> None:
        for part in node.entries(max_items=most).values():
            check(part)

    return each


def _names(node: Node) -> None:
    for part in node.items(max_items=_MAX_ITEMS, min_items=1):
        _words(part)


def _prices(node: Node) -> None:
    for pair in node.items(max_items=_MAX_ITEMS, min_items=1):
        name, price = pair.items(min_items=2, max_items=2)
        _words(name)
        _count(price)


def _listed(node: Node) -> None:
    given = node.entries(max_items=_MAX_FIELDS)
    for name in ("auction_id", "beacon"):
        if name in given:
            _words(given[name])


def _any(node: Node) -> None:
    node.entries(max_items=_MAX_FIELDS)


_WHO: dict[str, Check] = {"bid_id": _words, "bidder": _bytes}
_WHAT: dict[str, Check] = {**_WHO, "price_minor": _count, "lots": _count}
_TERMS: dict[str, Check] = {"attributes": _figures(_MAX_TERMS, _figure)}

_FORMS: dict[str, Check] = {
    "listed": _listed,
    # Rules are read like those of an instance, and a proof is compared with the one found again.
    "rules": _object({"side": _words, "format": _words, "rules": _any}),
    "proof": _any,
    "reserve": _object({"reserve_minor": _or_null(_count)}),
    "bid": _object({**_WHAT, "all_or_none": _truth}, _TERMS),
    "demand": _object({**_WHO, "round": _count, "demand": _figures(_MAX_ITEMS)}),
    "package": _object({**_WHAT, "items": _names, "xor": _or_null(_words)}, _TERMS),
    "standing": _object({"standing_id": _words, "bidder": _bytes, "limit_minor": _or_null(_count)}),
    "round": _object({"round": _count, "ends_at": _instant, "prices": _prices}),
    "extended": _object({"closes_at": _instant}),
    "paused": _object({"reason": _words, "since": _instant, "recorded_at": _instant}),
    "resumed": _object({"closes_at": _instant, "hard_stop": _instant}),
    "withdrawn": _object({"bid_seq": _count, "reason": _words}),
    "award": _object({**_WHAT, "item": _words}),
    "left_out": _object({**_WHAT, "reason": _words}),
    "result": _object(
        {
            "outcome": _words,
            "clearing_price_minor": _or_null(_count),
            "unawarded_lots": _count,
        }
    ),
    "closed": _object(
        {
            "is_awarded": _truth,
            "item_prices": _figures(_MAX_ITEMS),
            "seed": _or_null(_bytes),
            "beacon": _or_null(_beacon),
        }
    ),
    "cancelled": _object({"reason": _words}),
}
