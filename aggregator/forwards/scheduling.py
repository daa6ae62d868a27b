"""Who takes which lots from whom: a cleared bundle as lines between firms.

In each month the suppliers' lots, and those that come out of storage, meet the orders and the
lots that go into it. A keeper's own lots go into his room first and need no line; of others he
buys, as a buyer does, and what comes out he sells. Everybody is served in order of arrival.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aggregator.forwards.contracts import Line
from aggregator.forwards.instance import Rows, storage_id
from aggregator.journal.reading import Reader

_SERVED = """
select s.order_id, s.tenor, sum(s.lots)::bigint as lots,
  sum(s.lots * s.price_minor)::bigint as goods_minor,
  coalesce((select -w.amount_minor from strip_make_whole w
            where w.strip_id = $1 and w.kind = 'order' and w.subject_id = s.order_id), 0) as line
from strip_schedule s join strip_contract c on c.id = s.contract_id
where c.strip_id = $1 and s.order_id is not null
group by s.order_id, s.tenor order by s.order_id, s.tenor
"""


@dataclass(frozen=True, slots=True)
class Served:
    """What an order was served: lots by month, and what it pays with its make-whole line."""

    order_id: str
    months: tuple[tuple[str, int], ...]
    amount_minor: int

    @property
    def lots(self) -> int:
        return sum(lots for _, lots in self.months)


async def served_orders(reader: Reader, strip_id: str) -> list[Served]:
    """Return what each order of a cleared strip was served."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for row in await reader.rows(_SERVED, strip_id):
        found.setdefault(row["order_id"], []).append(row)
    return [
        Served(
            order_id,
            tuple((row["tenor"], row["lots"]) for row in rows),
            sum(row["goods_minor"] for row in rows) + rows[0]["line"],
        )
        for order_id, rows in found.items()
    ]


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
            off_bps = row["deposit_off_bps"]
            lines += [
                Line(row["id"], buyer_id, seller_id, tenor, part, price_minor, None, off_bps)
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
