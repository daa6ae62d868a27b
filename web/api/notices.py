"""Notices to one's own organisation."""

from __future__ import annotations

from dataclasses import asdict

from aggregator.market import Answer, Outcome
from aggregator.notices import queries
from web.api.fields import PageSize, Query
from web.api.routing import Call, route


class NoticesQuery(Query):
    """How many notices to list."""

    limit: PageSize = 50


@route("GET", "/notices", act="notices.read", query=NoticesQuery)
async def notices(call: Call) -> Answer:
    """List the newest notices."""
    found = await queries.notices(call.actor, limit=call.query.limit)
    return {"notices": [asdict(view) for view in found]}


@route("POST", "/notices/read", act="notices.read")
async def read_all_notices(call: Call) -> Outcome:
    """Note that the newest notices were read, as many as a page lists at most."""
    return await queries.mark_all_read(call.market, call.actor, call.command)


@route("POST", "/notices/{notice_id}/read", act="notices.read")
async def read_notice(call: Call) -> Outcome:
    """Note that a notice was read."""
    return await queries.mark_read(call.market, call.actor, call.command, call.path["notice_id"])
