"""Rows of pools and pledges to values and back; the only SQL that acts on them share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aggregator.catalogue.tenors import Cell
from aggregator.errors import NotFound
from aggregator.journal.reading import Reader
from aggregator.ledger import accounts, holds
from aggregator.market import Unit

GATHERING, FIRMING, CLOSED, AWARDED, LAPSED = (
    "gathering",
    "firming",
    "closed",
    "awarded",
    "lapsed",
)
MAX_CHANGES = 20
BREAKS, AUCTION, BOTH = "breaks", "auction", "both"
FIRMING_TIMER, CLOSE_TIMER = "pools.firming", "pools.close"

_POOL = (
    "id, instrument_id, region, tenor, mode, state, similarity_n, similarity_d, min_members,"
    " auction_minutes, prolong_minutes, is_prolonged, opened_at, firming_at, closes_at,"
    " told_lots, is_told, max_share, early_hours, seen_from_tier"
)
_PLEDGE = (
    "id, seq, pool_id, organisation_id, owner_group, lots, tolerance_lots, limit_minor,"
    " freight_minor, size_lots, size_from, agrees_to_prolong, hold_id, deposit_minor,"
    " deposit_off_bps, tier, state, reason, group_number, awarded_lots, deal_id"
)
_PART = "deal_id, pool_id, number, pledge_id, seller_id, lots, goods_minor"
_GROUP = (
    "number, offer_id, goods_minor, lots, is_reserved, auction_id, state, seller_id,"
    " paid_goods_minor"
)


@dataclass(frozen=True, slots=True)
class PoolRow:
    """A pool as it stands; `told_lots` is what was last stated of it, `is_told` still now.

    `max_share` is the most that one supplier wins of a group's auction, in per cent.
    `early_hours` are those of each tier, where it opened with early sight.
    """

    id: str
    instrument_id: str
    region: str
    tenor: str
    mode: str
    state: str
    similarity_n: int
    similarity_d: int
    min_members: int
    auction_minutes: int
    prolong_minutes: int
    is_prolonged: bool
    opened_at: datetime
    firming_at: datetime
    closes_at: datetime
    told_lots: int | None
    is_told: bool
    max_share: int | None
    early_hours: Sequence[int]
    seen_from_tier: int

    @property
    def cell(self) -> Cell:
        return Cell(self.instrument_id, self.region, self.tenor)


@dataclass(frozen=True, slots=True)
class PledgeRow:
    """A pledge as it stands; `seq` is its place in order of arrival.

    `tier` is the number of the one that its firm held when it came in.
    """

    id: str
    seq: int
    pool_id: str
    organisation_id: str
    owner_group: str
    lots: int
    tolerance_lots: int
    limit_minor: int
    freight_minor: int
    size_lots: int
    size_from: str
    agrees_to_prolong: bool
    hold_id: str | None
    deposit_minor: int
    deposit_off_bps: int
    tier: int
    state: str
    reason: str | None
    group_number: int | None
    awarded_lots: int | None
    deal_id: str | None


@dataclass(frozen=True, slots=True)
class PartRow:
    """What a member bought of a supplier: one deal at the supplier's price."""

    deal_id: str
    pool_id: str
    number: int
    pledge_id: str
    seller_id: str
    lots: int
    goods_minor: int


@dataclass(frozen=True, slots=True)
class GroupRow:
    """A formed group; `is_reserved` when its lots are taken from the offer.

    Of several suppliers `seller_id` is the best ranked one, `paid_goods_minor` the one price.
    """

    number: int
    offer_id: str
    goods_minor: int
    lots: int
    is_reserved: bool
    auction_id: str | None
    state: str
    seller_id: str | None
    paid_goods_minor: int | None

    @property
    def is_by_offer(self) -> bool:
        """Whether the lots are taken from the offer; an auction's winner always pays less."""
        return self.is_reserved and self.paid_goods_minor == self.goods_minor


def most_changes(state: str) -> int:
    """Return how often a firm changes its pledge or comes back, up to the end of a state.

    In firming as often again: raising is never used up before it.
    """
    return MAX_CHANGES if state == GATHERING else 2 * MAX_CHANGES


def stream_of(pool_id: str) -> str:
    return f"pool:{pool_id}"


async def load(reader: Reader, pool_id: str) -> PoolRow:
    """Return the pool, or raise NotFound."""
    found = await reader.rows(f"select {_POOL} from pool where id = $1", pool_id)
    if not found:
        raise NotFound("pool")
    return PoolRow(**dict(found[0]))


async def locked(unit: Unit, pool_id: str) -> PoolRow:
    """Return the pool for changing it: its stream stays locked until the unit ends."""
    await unit.lock(stream_of(pool_id))
    return await load(unit, pool_id)


async def live_in(unit: Unit, cell: str) -> list[str]:
    """Return the pools of a cell that gather or firm, in order of their ids."""
    found = await unit.rows(
        "select id from pool where cell = $1 and state in ('gathering', 'firming') order by id",
        cell,
    )
    return [row["id"] for row in found]


async def operators(reader: Reader) -> tuple[str, ...]:
    """Return the organisations that run the market."""
    found = await reader.rows("select id from organisation where kind = 'operator' order by id")
    return tuple(row["id"] for row in found)


async def set_state(unit: Unit, pool_id: str, state: str) -> None:
    await unit.execute("update pool set state = $2 where id = $1", pool_id, state)


async def pledges(reader: Reader, pool_id: str, *states: str) -> list[PledgeRow]:
    """Return the pledges of a pool in these states, in order of arrival."""
    found = await reader.rows(
        f"select {_PLEDGE} from pledge where pool_id = $1 and state = any($2::text[]) order by seq",
        pool_id,
        list(states),
    )
    return _pledges(found)


async def pledge(reader: Reader, pool_id: str, pledge_id: str) -> PledgeRow:
    """Return one pledge of a pool, or raise NotFound."""
    found = await reader.rows(
        f"select {_PLEDGE} from pledge where pool_id = $1 and id = $2", pool_id, pledge_id
    )
    if not found:
        raise NotFound("pledge")
    return _pledges(found)[0]


async def group(unit: Unit, pool_id: str, number: int) -> GroupRow:
    row = await unit.row(
        f"select {_GROUP} from pool_group where pool_id = $1 and number = $2", pool_id, number
    )
    assert row is not None
    return GroupRow(**dict(row))


async def group_states(unit: Unit, pool_id: str) -> list[str]:
    found = await unit.rows(
        "select state from pool_group where pool_id = $1 order by number", pool_id
    )
    return [row["state"] for row in found]


async def add_part(unit: Unit, part: PartRow) -> None:
    """Keep that a member's deal with a supplier was formed."""
    await unit.execute(
        f"insert into pool_part ({_PART}) values ($1, $2, $3, $4, $5, $6, $7)",
        part.deal_id,
        part.pool_id,
        part.number,
        part.pledge_id,
        part.seller_id,
        part.lots,
        part.goods_minor,
    )


async def parts(unit: Unit, pool_id: str, number: int) -> list[PartRow]:
    """Return what the members of a group bought, the best ranked supplier's first."""
    found = await unit.rows(
        f"select {_PART} from pool_part where pool_id = $1 and number = $2"
        " order by goods_minor, deal_id",
        pool_id,
        number,
    )
    return [PartRow(**dict(row)) for row in found]


async def part_of(unit: Unit, deal_id: str) -> PartRow | None:
    """Return what a deal is part of, or None: other deals are none of a pool's."""
    row = await unit.row(f"select {_PART} from pool_part where deal_id = $1", deal_id)
    return None if row is None else PartRow(**dict(row))


async def hold(unit: Unit, pool_id: str, currency: str, amount_minor: int) -> str | None:
    """Hold so much of the actor's cash and return the hold's id; nothing needs none.

    Raises:
        InsufficientFunds: less than that is available.

    """
    if not amount_minor:
        return None
    cash = await accounts.ensure(unit, unit.actor.organisation_id, accounts.CASH, currency)
    return await holds.place(unit, cash, amount_minor, stream_of(pool_id))


async def leave_out(unit: Unit, pledge_id: str, hold_id: str | None, reason: str) -> None:
    """End a pledge that got nothing, and free its deposit in the same act."""
    if hold_id is not None:
        await holds.void(unit, hold_id)
    await unit.execute(
        "update pledge set state = 'left_out', reason = $2, group_number = null,"
        " awarded_lots = null where id = $1",
        pledge_id,
        reason,
    )


def in_turn(pledge: PledgeRow) -> tuple[int, int]:
    """Return what orders pledges that are equals: the higher tier, then the earlier arrival."""
    return -pledge.tier, pledge.seq


def _pledges(found: Sequence[Mapping[str, Any]]) -> list[PledgeRow]:
    return [PledgeRow(**dict(row)) for row in found]
