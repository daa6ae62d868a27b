"""Reading offers. What is left of a capacity is its owner's and the mechanism's to know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aggregator.journal.reading import Pool, Reader, decoded
from aggregator.market import Actor, Unit

_COLUMNS = (
    "f.id, f.seq, f.seller_id, o.name as seller_name, o.name_en as seller_name_en,"
    " o.owner_group, f.cell, f.breaks, f.pack, f.capacity_lots, f.taken_lots, f.is_public,"
    " f.from_tier, f.for_kind, f.for_size, f.state, f.published_at, f.valid_until"
)
_NAMED = (
    "exists (select 1 from offer_audience a join counterparty c on c.group_id = a.group_id"
    " where a.offer_id = f.id and c.organisation_id = $1)"
)
_CLASSED = (
    "exists (select 1 from organisation w left join standing_month m on m.organisation_id = w.id"
    " where w.id = $1 and (f.for_kind is not null or f.size_lots is not null)"
    " and (f.for_kind is null or w.kind = f.for_kind)"
    " and (f.size_lots is null or greatest(w.monthly_lots, m.lots) <@ f.size_lots))"
)
_FROM = "from offer f join organisation o on o.id = f.seller_id"


@dataclass(frozen=True, slots=True)
class OfferView:
    """An offer; `breaks` are (from lots, goods price per lot), lots rising, prices not.

    `is_named` says to who asked that he sees it as one of a group that it is shown to;
    `is_for_class` that he is of the class that it is for; `from_tier` is the number of the tier
    that sees it, with all above.
    """

    id: str
    seq: int
    seller_id: str
    seller_name: str
    seller_name_en: str
    owner_group: str
    cell: str
    breaks: tuple[tuple[int, int], ...]
    pack: int
    capacity_lots: int
    taken_lots: int
    is_public: bool
    from_tier: int | None
    for_kind: str | None
    for_size: str | None
    state: str
    published_at: datetime
    valid_until: datetime
    is_named: bool = False
    is_for_class: bool = False

    @property
    def left_lots(self) -> int:
        return self.capacity_lots - self.taken_lots

    @property
    def whole_packs_left(self) -> int:
        """Return the most lots that it can still sell."""
        return self.left_lots - self.left_lots % self.pack


async def offers(
    actor: Actor | None,
    *,
    cell: str | None = None,
    limit: int = 50,
    after: str | None = None,
    reader: Reader | None = None,
) -> list[OfferView]:
    """Return standing offers that the actor sees and all of his firm, the newest first.

    He sees those for everybody, those that are shown to a group which his firm is in, those for a
    tier that his firm has reached, and those for the class that it is of.
    """
    found = await (reader or Pool()).rows(
        f"select {_COLUMNS}, {_NAMED} as is_named, {_CLASSED} as is_for_class {_FROM}"
        f" where (f.seller_id = $1 or f.state = 'standing' and (f.is_public or {_NAMED}"
        f" or {_CLASSED}"
        " or exists (select 1 from standing_tier t where t.organisation_id = $1"
        " and t.tier >= f.from_tier)))"
        " and ($2::text is null or f.cell = $2) and ($3::text is null or f.id < $3)"
        " order by f.id desc limit $4",
        actor.organisation_id if actor else None,
        cell,
        after,
        limit,
    )
    return [_view(row) for row in found]


async def own_standing(actor: Actor, limit: int) -> list[OfferView]:
    """Return the standing offers of the actor's firm, the newest first."""
    found = await Pool().rows(
        f"select {_COLUMNS} {_FROM} where f.seller_id = $1 and f.state = 'standing'"
        " order by f.id desc limit $2",
        actor.organisation_id,
        limit,
    )
    return [_view(row) for row in found]


async def standing(reader: Reader, cell: str, now: datetime) -> list[OfferView]:
    """Return the offers of a cell that bind at `now`, earliest first."""
    found = await reader.rows(
        f"select {_COLUMNS} {_FROM} where f.cell = $1 and f.state = 'standing'"
        " and f.valid_until > $2 order by f.seq",
        cell,
        now,
    )
    return [_view(row) for row in found]


async def lock_standing(unit: Unit, cell: str) -> list[OfferView]:
    """Return the binding offers with something left, locked until the unit ends."""
    await unit.rows(
        "select id from offer where cell = $1 and state = 'standing' order by id for update", cell
    )
    return await binding(unit, cell, unit.now)


async def binding(reader: Reader, cell: str, now: datetime) -> list[OfferView]:
    """Return the offers of a cell that bind at `now` and have something left, earliest first."""
    found = await standing(reader, cell, now)
    return [offer for offer in found if offer.whole_packs_left >= offer.breaks[0][0]]


async def seller_of(reader: Reader, offer_id: str) -> str:
    """Return the organisation that stands behind an offer."""
    found = await reader.rows("select seller_id from offer where id = $1", offer_id)
    return str(found[0]["seller_id"])


def _view(row: Mapping[str, Any]) -> OfferView:
    breaks = tuple((int(lots), int(price)) for lots, price in decoded(row["breaks"]))
    return OfferView(**{**dict(row), "breaks": breaks})
