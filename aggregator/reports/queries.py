"""The owner's report on his own firm over the last days; nothing of another firm is in it.

A saving is per lot times the lots that stayed. Against one's own history it compares landed
prices before tax with the firm's settled deal before, of the same instrument and region; against
the index it compares goods prices with the last price published of the cell before the deal was
formed. For what a firm sold, more is better, and both compare goods prices. A deal without a
comparator is counted as such, and nothing stands in for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from aggregator.journal.reading import Pool
from aggregator.mandates import queries as mandates
from aggregator.market import Actor

MAX_DAYS = 366

_PEOPLE = """
with acts as materialized (
  select person_id, count(*) filter (where outcome = 'done') as done,
    count(*) filter (where outcome = 'refused') as refused
  from command where organisation_id = $1 and at > $2 group by person_id
)
select p.id as person_id, p.name as person, coalesce(m.roles, '{}') as roles,
  (select count(*) from session s where s.person_id = p.id and s.organisation_id = $1
     and s.scopes is null and s.opened_at > $2) as log_ins,
  (select max(s.seen_at) from session s where s.person_id = p.id and s.organisation_id = $1)
     as last_seen_at,
  coalesce(c.done, 0) as done, coalesce(c.refused, 0) as refused,
  (select percentile_disc(0.5) within group (order by d.at - a.asked_at) from approval_decision d
     join approval a on a.id = d.approval_id
     where d.person_id = p.id and a.organisation_id = $1 and d.at > $2) as answers_in
from person p left join membership m on m.person_id = p.id and m.organisation_id = $1
  left join acts c on c.person_id = p.id
where p.id in (select person_id from membership where organisation_id = $1
  union select person_id from acts)
order by p.created_at, p.id
"""

_ACTS = """
select act, count(*) filter (where outcome = 'done') as done,
  count(*) filter (where outcome = 'refused') as refused
from command where organisation_id = $1 and at > $2 group by act order by act
"""

_PAID_IN = """
select percentile_disc(0.5) within group (order by j.at - d.formed_at) as paid_in
from deal d join journal j on j.stream = 'deal:' || d.id and j.kind = 'DealFunded'
where d.buyer_id = $1 and j.at > $2
"""

_COMPARED = """
with own as (
  select d.*, d.buyer_id = $1 as is_buyer, d.accepted_lots - d.returned_lots as kept,
    d.goods_minor + case when d.buyer_id = $1 then d.freight_minor + d.capital_minor
      + fee_of_lot(d) else 0 end as price
  from deal d where $1 in (d.buyer_id, d.seller_id) and d.state in ('settled', 'returned')
    and d.accepted_lots > d.returned_lots
), beside as (
  select o.*, lag(price) over (partition by is_buyer, instrument_id, region
      order by settled_at, id) as before,
    (select p.value_minor from price_publication p where p.cell = o.cell and p.at <= o.formed_at
      order by p.at desc, p.number desc limit 1) as published
  from own o
), compared as (
  select *, (before - price) * kept * case when is_buyer then 1 else -1 end as gain_own,
    (published - goods_minor) * kept * case when is_buyer then 1 else -1 end as gain_published
  from beside where settled_at > $2
)
"""
_SAVINGS = f"""
{_COMPARED}
select is_buyer, currency, count(*) as deals, sum(kept)::bigint as lots,
  sum(goods_minor * kept)::bigint as goods_minor, count(before) as deals_before,
  coalesce(sum(gain_own), 0)::bigint as gain_own_minor, count(published) as deals_published,
  coalesce(sum(gain_published), 0)::bigint as gain_published_minor
from compared group by is_buyer, currency order by is_buyer desc, currency
"""
_DEALS = f"""
{_COMPARED}
select settled_at, id as deal_id, case when is_buyer then 'buyer' else 'seller' end as side, cell,
  currency, kept as lots, goods_minor, price as compared_minor, before as before_minor,
  gain_own::bigint as gain_own_minor, published as published_minor,
  gain_published::bigint as gain_published_minor
from compared order by settled_at, id limit $3
"""
MAX_EXPORT = 10_000


async def report(actor: Actor, now: datetime, *, days: int) -> Mapping[str, Any]:
    """Return what the actor's firm did in the last days; times are whole minutes, medians."""
    firm, since = actor.organisation_id, now - timedelta(days=days)
    [paid] = await Pool().rows(_PAID_IN, firm, since)
    return {
        "since": since,
        "people": [
            {**_without(row, "answers_in"), "answers_in_minutes": _minutes(row["answers_in"])}
            for row in await Pool().rows(_PEOPLE, firm, since)
        ],
        "acts": await _dicts(_ACTS, firm, since),
        "pays_in_minutes": _minutes(paid["paid_in"]),
        "mandates": [
            {name: row[name] for name in _SHOWN_OF_MANDATE}
            for row in await mandates.mandates(actor)
        ],
        "trade": [
            {"side": "buyer" if row["is_buyer"] else "seller", **_without(row, "is_buyer")}
            for row in await Pool().rows(_SAVINGS, firm, since)
        ],
    }


async def deals(actor: Actor, now: datetime, *, days: int) -> Sequence[Mapping[str, Any]]:
    """Return each deal that was settled, with what it is compared with and what was gained."""
    return await _dicts(_DEALS, actor.organisation_id, now - timedelta(days=days), MAX_EXPORT)


_SHOWN_OF_MANDATE = (
    *("mandate_id", "person", "acts", "state", "currency"),
    *("total_minor", "used_minor", "left_minor", "ends_at"),
)


async def _dicts(sql: str, *args: object) -> Sequence[Mapping[str, Any]]:
    return [dict(row) for row in await Pool().rows(sql, *args)]


def _without(row: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key != name}


def _minutes(time: timedelta | None) -> int | None:
    return None if time is None else time // timedelta(minutes=1)
