"""Reading an organisation's notices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aggregator.errors import NotFound
from aggregator.journal.reading import Pool, decoded
from aggregator.market import Actor, Answer, Command, Market, Outcome, Unit
from aggregator.notices.choosing import unseen
from aggregator.notices.kinds import hidden_from

MAX_PAGE = 200


@dataclass(frozen=True, slots=True)
class NoticeView:
    notice_id: str
    kind: str
    subject: str
    figures: Mapping[str, Any]
    at: datetime
    read_at: datetime | None


async def notices(actor: Actor, *, limit: int = 50) -> list[NoticeView]:
    """Return the newest of his firm's notices that the actor may read and chose to be shown."""
    found = await Pool().rows(
        "select n.id, n.kind, n.subject, n.figures, n.at, r.read_at from notice n"
        " left join notice_reading r on r.notice_id = n.id and r.person_id = $2"
        " where n.organisation_id = $1 and n.kind <> all ($4::text[])"
        " order by n.at desc, n.place desc limit $3",
        actor.organisation_id,
        actor.person_id,
        limit,
        sorted(await unseen(actor)),
    )
    return [
        NoticeView(
            row["id"],
            row["kind"],
            row["subject"],
            decoded(row["figures"]),
            row["at"],
            row["read_at"],
        )
        for row in found
    ]


async def mark_all_read(market: Market, actor: Actor, command: Command) -> Outcome:
    """Note that the actor has read the newest of what he is shown, as many as a page lists."""
    hidden = sorted(await unseen(actor))

    async def step(unit: Unit) -> Answer:
        await unit.execute(
            "insert into notice_reading (notice_id, person_id, read_at)"
            " select id, $2, $3 from notice"
            " where organisation_id = $1 and kind <> all ($4::text[])"
            " order by at desc, place desc limit $5 on conflict do nothing",
            actor.organisation_id,
            actor.person_id,
            unit.now,
            hidden,
            MAX_PAGE,
        )
        return {"read_at": unit.stamp(unit.now)}

    return await market.perform(actor, "notices.read", step, command=command)


async def mark_read(market: Market, actor: Actor, command: Command, notice_id: str) -> Outcome:
    """Note that the actor has read a notice; again changes nothing.

    Raises:
        NotFound: his firm has no such notice that he may read.

    """

    async def step(unit: Unit) -> Answer:
        row = await unit.row(
            "select id from notice where id = $1 and organisation_id = $2"
            " and kind <> all ($3::text[])",
            notice_id,
            actor.organisation_id,
            sorted(hidden_from(actor.grants)),
        )
        if row is None:
            raise NotFound("notice")
        await unit.execute(
            "insert into notice_reading (notice_id, person_id, read_at) values ($1, $2, $3)"
            " on conflict do nothing",
            notice_id,
            actor.person_id,
            unit.now,
        )
        return {"notice_id": notice_id}

    return await market.perform(actor, "notices.read", step, command=command)
