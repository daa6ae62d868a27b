"""Reading the circles that wait for a review: each with the trades that brought the goods back."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aggregator.journal.reading import Mechanism
from aggregator.market import Actor
from aggregator.prices.circling import PROPOSED
from aggregator.prices.publication import DISPUTES
from aggregator.prices.screening import WINDOW, sold_to
from matching.index.circles import ring

READ = "prices.audit"
MAX_ROWS = 200


@dataclass(frozen=True, slots=True)
class Trade:
    """A settled deal as the screen saw it: who sold to whom, at which price a lot.

    `state` is what it feeds now: parked, waiting, published or excluded.
    """

    deal_id: str
    cell: str
    seller: str
    seller_group: str
    buyer: str
    buyer_group: str
    lots: int
    price_minor: int
    currency: str
    settled_at: datetime
    state: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """What one person wants done with deals of a circle; `is_mine` when it was the asker."""

    motion_id: str
    verdict: str
    reason: str
    expires_at: datetime
    deals: tuple[str, ...]
    is_mine: bool


@dataclass(frozen=True, slots=True)
class ParkedDeal:
    """A parked deal that closed a circle.

    `ring` are the trades that had brought the goods to its seller by the fewest hands, one a hand;
    `legs` all other deals of the circle, which wait with it or were published before.
    """

    trade: Trade
    parked_for: str
    ring: tuple[Trade, ...]
    legs: tuple[Trade, ...]
    proposal: Proposal | None


async def parked(actor: Actor, now: datetime) -> list[ParkedDeal]:
    """Return the circles that wait for a review, by what closed each last, the earliest first.

    Of each hand that the goods went through the last trade is shown.

    Raises:
        NotAllowed: the actor is not of the market.

    """
    actor.require(READ)
    rows = await Mechanism().rows(
        "select * from (select distinct on (p.circle)"
        f" {_COLUMNS}, p.parked_for, p.instrument_id, p.circle, r.id as motion_id, r.verdict,"
        " r.reason, r.expires_at, r.proposed_by, r.deals from price_deal p"
        f" {_NAMES} left join price_review r on r.deal_id = p.circle and r.state = '{PROPOSED}'"
        " and r.expires_at > $3"
        " where p.state = 'parked' and p.parked_for <> all($1::text[])"
        " order by p.circle, p.settled_at desc, p.deal_id desc) as closing"
        " order by settled_at, deal_id limit $2",
        list(DISPUTES),
        MAX_ROWS,
        now,
    )
    return [
        ParkedDeal(
            _trade(row),
            row["parked_for"],
            await _ring(row),
            await _legs(row),
            _proposal(row, actor),
        )
        for row in rows
    ]


_NAMES = (
    "join instrument i on i.id = p.instrument_id left join deal d on d.id = p.deal_id"
    " left join organisation s on s.id = d.seller_id"
    " left join organisation b on b.id = d.buyer_id"
)
_COLUMNS = (
    "p.deal_id, p.cell, coalesce(s.name, '') as seller, p.seller_group,"
    " coalesce(b.name, '') as buyer, p.buyer_group, p.lots, p.price_minor, i.currency,"
    " p.settled_at, p.state"
)


async def _legs(row: Mapping[str, Any]) -> tuple[Trade, ...]:
    found = await Mechanism().rows(
        f"select {_COLUMNS} from price_deal p {_NAMES} where p.deal_id <> $2 and (p.circle = $1"
        " and p.state = 'parked' or p.deal_id in (select deal_id from price_exclusion"
        " where circle = $1)) order by p.settled_at, p.deal_id limit $3",
        row["circle"],
        row["deal_id"],
        MAX_ROWS,
    )
    return tuple(_trade(leg) for leg in found)


async def _ring(row: Mapping[str, Any]) -> tuple[Trade, ...]:
    """Return the trades from the deal's buyer to its seller, one a hand; none within one owner."""
    since = row["settled_at"] - WINDOW
    known = await sold_to(Mechanism(), row["instrument_id"], since, but=row["deal_id"])
    way = ring(known, start=row["buyer_group"], end=row["seller_group"])
    found = []
    for seller_group, buyer_group in itertools.pairwise(way):
        trades = await Mechanism().rows(
            f"select {_COLUMNS} from price_deal p {_NAMES} where p.instrument_id = $1"
            " and p.settled_at > $2 and p.seller_group = $3 and p.buyer_group = $4"
            " and p.deal_id <> $5 order by p.settled_at desc, p.deal_id desc limit 1",
            row["instrument_id"],
            since,
            seller_group,
            buyer_group,
            row["deal_id"],
        )
        found += [_trade(trade) for trade in trades]
    return tuple(found)


def _trade(row: Mapping[str, Any]) -> Trade:
    return Trade(**{name: row[name] for name in Trade.__dataclass_fields__})


def _proposal(row: Mapping[str, Any], actor: Actor) -> Proposal | None:
    if row["motion_id"] is None:
        return None
    return Proposal(
        motion_id=row["motion_id"],
        verdict=row["verdict"],
        reason=row["reason"],
        expires_at=row["expires_at"],
        deals=tuple(row["deals"]),
        is_mine=row["proposed_by"] == actor.person_id,
    )
