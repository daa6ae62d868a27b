"""Reading auctions: the list that everybody may see, and one auction by audience."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aggregator.auctions import keys, store, views
from aggregator.errors import NotFound
from aggregator.journal.reading import Pool, Reader, entries
from aggregator.market import Actor
from aggregator.vault import KeyLost

_COLUMNS = (
    "a.id, a.side, a.format, a.state, a.title, a.reference, a.owner_id,"
    " coalesce(o.name, '') as owner_name,"
    " coalesce(o.name_en, '') as owner_name_en, a.instrument_id, i.name_zh as instrument_name_zh,"
    " i.name_en as instrument_name_en, a.region, a.tenor, a.lots, a.disclosure, a.opens_at,"
    " a.closes_at"
)
_FROM = (
    " from auction a join instrument i on i.id = a.instrument_id"
    " left join organisation o on o.id = a.owner_id"
)
_VISIBLE = (
    "(a.invited = '{}' or $1::text is not null and ($2 or $1 = any(a.invited) or $1 = a.owner_id))"
)


@dataclass(frozen=True, slots=True)
class AuctionSummary:
    """The public facts of an auction; `closes_at` is the close as it stands now."""

    auction_id: str
    side: str
    format: str
    state: str
    title: str
    reference: str
    owner_id: str | None
    owner_name: str
    owner_name_en: str
    instrument_id: str
    instrument_name_zh: str
    instrument_name_en: str
    region: str
    tenor: str
    lots: int
    disclosure: str
    opens_at: datetime
    closes_at: datetime

    @property
    def cell(self) -> str:
        return f"{self.instrument_id}/{self.region}/{self.tenor}"


async def list_auctions(
    actor: Actor | None,
    *,
    state: str | None = None,
    side: str | None = None,
    limit: int = 50,
    after: str | None = None,
    reader: Reader | None = None,
) -> list[AuctionSummary]:
    """Return auctions that the actor may see, the newest first, after the one named."""
    found = await (reader or Pool()).rows(
        f"select {_COLUMNS}{_FROM} where {_VISIBLE} and ($3::text is null or a.state = $3)"
        " and ($4::text is null or a.side = $4) and ($5::text is null or a.id < $5)"
        " order by a.id desc limit $6",
        *_eyes(actor),
        state,
        side,
        after,
        limit,
    )
    return [_summary(row) for row in found]


async def auction(
    actor: Actor | None, auction_id: str, reader: Reader | None = None
) -> dict[str, Any]:
    """Return the auction as the actor may see it: the view of the feed's topic.

    Raises:
        NotFound: no such auction, or not for these eyes.

    """
    source = reader or Pool()
    await require_visible(actor, auction_id, source)
    room = await store.read(source, auction_id)
    audience = await views.audience_of(room, actor)
    if audience is None:
        raise NotFound("auction")
    return views.view(room, audience)


async def locked_out() -> list[str]:
    """Return which of the newest auctions under way this process's keys do not open."""
    rows = await Pool().rows(
        "select id from auction where state in ('scheduled', 'open', 'paused')"
        " order by id desc limit 5"
    )
    found = []
    for row in rows:
        [keyed] = await entries(None, store.stream_of(row["id"]), limit=1)
        try:
            keys.key_of(row["id"], [keyed.fact])
        except KeyLost:
            found.append(row["id"])
    return found


async def opens_at(auction_id: str) -> datetime:
    """Return when words are taken in an auction; the machine asks, not a person."""
    [row] = await Pool().rows("select opens_at from auction where id = $1", auction_id)
    found: datetime = row["opens_at"]
    return found


async def require_visible(
    actor: Actor | None, auction_id: str, reader: Reader | None = None
) -> None:
    """Raise NotFound for an auction that is absent or not for the actor's eyes."""
    found = await (reader or Pool()).rows(
        f"select a.id from auction a where {_VISIBLE} and a.id = $3", *_eyes(actor), auction_id
    )
    if not found:
        raise NotFound("auction")


def _eyes(actor: Actor | None) -> tuple[str | None, bool]:
    if actor is None:
        return None, False
    return actor.organisation_id, "operator" in actor.roles


def _summary(row: Mapping[str, Any]) -> AuctionSummary:
    values = dict(row)
    return AuctionSummary(auction_id=values.pop("id"), **values)
