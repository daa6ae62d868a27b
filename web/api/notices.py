"""Notices to one's own organisation."""

from __future__ import annotations

from dataclasses import asdict

from aggregator.market import Answer, Outcome
from aggregator.notices import queries
from web.api.routing import Call, route


@route("GET", "/notices", act="notices.read")
async def notices(call: Call) -> Answer:
    """List the newest notices."""
    return {"notices": [asdict(view) for view in await queries.notices(call.actor)]}


@route("POST", "/notices/{notice_id}/read", act="notices.read")
async def read_notice(call: Call) -> Outcome:
    """Note that a notice was read."""
    return await queries.mark_read(call.market, call.actor, call.command, call.path["notice_id"])
