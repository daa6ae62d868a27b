"""The forward board: curves of settled prices, one's position by month, bundles, gains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aggregator.forwards import queries
from aggregator.forwards.queries import StripView
from aggregator.journal.reading import Pool, Reader
from aggregator.market import Actor
from aggregator.prices import queries as prices

MAX_GAINS = 20


@dataclass(frozen=True, slots=True)
class Bundle:
    """An open window and what it lacks, in what everybody may know: `firms`, or nothing."""

    strip: StripView
    lacks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Gain:
    """What a firm's bundled months cost, make-whole lines included, and would have cost alone.

    `single_minor` is None where no offer would have served the firm alone.
    """

    strip_id: str
    title: str
    paid_minor: int
    single_minor: int | None


async def curves() -> list[Mapping[str, Any]]:
    """Return the published points of each instrument and region, by tenor.

    Months between them have no price, whatever is drawn through them.
    """
    cells = sorted({(row.instrument_id, row.region) for row in await prices.board() if row.price})
    found: list[Mapping[str, Any]] = []
    for instrument_id, region in cells:
        points = await prices.curve(instrument_id, region)
        shown = [
            {"tenor": point.cell.rpartition("/")[2], "value_minor": point.value_minor}
            | {"at": point.at}
            for point in points
        ]
        found.append({"instrument": instrument_id, "region": region, "points": shown})
    return found


async def bundles(now: datetime) -> list[Bundle]:
    """Return the windows that take orders, those that close next first."""
    open_ones = [view for view in await queries.strips(now) if view.phase == "gathering"]
    return [Bundle(view, () if view.enough_firms else ("firms",)) for view in open_ones]


async def position(actor: Actor, reader: Reader | None = None) -> Sequence[Mapping[str, Any]]:
    """Return what the actor's firm takes and delivers by month: called off, and still open."""
    return list(
        await (reader or Pool()).rows(
            "select t.instrument_id as instrument, t.region, s.tenor,"
            " case when s.buyer_id = $1 then 'buyer' else 'seller' end as side,"
            " sum(s.called_lots)::bigint as called_lots,"
            " sum(case when s.state = 'open' then s.lots - s.called_lots else 0 end)::bigint"
            "   as open_lots,"
            " sum((case when s.state = 'open' then s.lots else s.called_lots end)"
            "   * s.price_minor)::bigint as goods_minor"
            " from contract_slot s join strip_contract c on c.id = s.contract_id"
            " join strip t on t.id = c.strip_id"
            " where (s.buyer_id = $1 or c.seller_id = $1)"
            "   and (s.state = 'open' or s.called_lots > 0)"
            " group by 1, 2, 3, 4 order by 1, 2, 3, 4",
            actor.organisation_id,
        )
    )


async def gains(actor: Actor) -> list[Gain]:
    """Return what the actor's firm paid in each cleared bundle and would have paid alone."""
    found = await Pool().rows(
        "select t.id, t.title from strip t where t.state = 'cleared' and exists (select 1 from"
        " strip_order o where o.strip_id = t.id and o.organisation_id = $1"
        " and o.state = 'awarded') order by t.closes_at desc, t.id limit $2",
        actor.organisation_id,
        MAX_GAINS,
    )
    made = []
    for row in found:
        orders = [o for o in await queries.own_orders(actor, row["id"]) if o.awards]
        alone = [order.single_minor for order in orders]
        known = [minor for minor in alone if minor is not None]
        made.append(
            Gain(
                row["id"],
                row["title"],
                sum(order.paid_minor - order.make_whole_minor for order in orders),
                sum(known) if len(known) == len(alone) else None,
            )
        )
    return made
