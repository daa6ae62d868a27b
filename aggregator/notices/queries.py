"""Reading an organisation's notices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aggregator.errors import NotFound
from aggregator.journal.reading import Pool, decoded
from aggregator.market import Actor, Answer, Command, Market, Outcome, Unit


@dataclass(frozen=True, slots=True)
class NoticeView:
    notice_id: str
    kind: str
    subject: str
    figures: Mapping[str, Any]
    at: datetime
    read_at: datetime | None


async def notices(actor: Actor, *, limit: int = 50) -> list[NoticeView]:
    """Return the newest notices of the actor's organisation."""
    found = await Pool().rows(
        "select id, kind, subject, figures, at, read_at from notice where organisation_id = $1"
        " order by at desc, id desc limit $2",
        actor.organisation_id,
        limit,
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


async def mark_read(market: Market, actor: Actor, command: Command, notice_id: str) -> Outcome:
    """Note that a notice was read; again changes nothing."""

    async def step(unit: Unit) -> Answer:
        row = await unit.row(
            "update notice set read_at = coalesce(read_at, $3)"
            " where id = $1 and organisation_id = $2 returning id",
            notice_id,
            actor.organisation_id,
            unit.now,
        )
        if row is None:
            raise NotFound("notice")
        return {"notice_id": notice_id}

    return await market.perform(actor, "notices.read", step, command=command)
