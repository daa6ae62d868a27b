"""Who takes which lots from whom: a cleared bundle as lines between firms.

In each month the suppliers' lots, and those that come out of storage, meet the orders and the
lots that go into it. A keeper's own lots go into his room first and need no line; of others he
buys, as a buyer does, and what comes out he sells. Everybody is served in order of arrival.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aggregator.forwards.contracts import Line
from aggregator.forwards.instance import Rows, storage_id


def schedule_of(orders: Rows, offers: Rows, result: Mapping[str, Any]) -> list[Line]:
    """Return the lines of all months, the first month first."""
    lines = []
    for tenor, price_minor in sorted(result["prices_minor"].items()):
        sold = _sold(offers, result, tenor)
        bought = [
            (offer_id, keeper_id, _served(sold, lots, keeper_id)[1])
            for offer_id, keeper_id, lots in _taken_in(offers, result, tenor)
        ]
        for row in orders:
            wanted = result["awards"].get(row["id"], {}).get(tenor, 0)
            buyer_id = row["organisation_id"]
            served, rest = _served(sold, wanted)
            assert rest == 0, "the checker lets no order be served without a supplier"
            lines += [
                Line(row["id"], buyer_id, seller_id, tenor, part, price_minor)
                for seller_id, part in served
            ]
        for offer_id, keeper_id, lots in bought:
            served, rest = _served(sold, lots)
            assert rest == 0, "the checker lets nothing be stored that nobody supplies"
            lines += [
                Line(None, keeper_id, seller_id, tenor, part, price_minor, offer_id)
                for seller_id, part in served
            ]
    return lines


def kept(offer: Mapping[str, Any], result: Mapping[str, Any]) -> list[int]:
    """Return how many lots each storage of an offer keeps."""
    stored = result.get("stored", {})
    return [stored.get(storage_id(offer["id"], n), 0) for n in range(len(offer["storage"]))]


def _sold(offers: Rows, result: Mapping[str, Any], tenor: str) -> list[list[Any]]:
    """Return [firm, lots] of what is supplied in a month, then of what comes out of storage."""
    sold = [
        [row["organisation_id"], result["supplier"].get(row["id"], {}).get(tenor, 0)]
        for row in offers
    ]
    for row in offers:
        for (_, target, *_), lots in zip(row["storage"], kept(row, result), strict=True):
            if target == tenor:
                sold.append([row["organisation_id"], lots])
    return sold


def _taken_in(
    offers: Rows, result: Mapping[str, Any], tenor: str
) -> Sequence[tuple[str, str, int]]:
    """Return (offer, firm, lots) of what goes into storage in a month."""
    return [
        (row["id"], row["organisation_id"], lots)
        for row in offers
        for (source, *_), lots in zip(row["storage"], kept(row, result), strict=True)
        if source == tenor and lots
    ]


def _served(
    sold: list[list[Any]], lots: int, only: str | None = None
) -> tuple[list[tuple[str, int]], int]:
    """Take lots from who has some, or from one firm only; return the parts and what is missing."""
    parts = []
    for source in sold:
        part = min(lots, source[1]) if only is None or source[0] == only else 0
        if part:
            parts.append((str(source[0]), part))
            source[1] -= part
            lots -= part
    return parts, lots
