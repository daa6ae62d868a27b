"""What became of a command, and what time it is in the market."""

from __future__ import annotations

from typing import Any

from aggregator.auctions import sealing
from aggregator.errors import NotFound
from aggregator.journal.facts import stamp
from aggregator.market import Answer
from web.api.fields import Answers
from web.api.routing import PUBLIC, Call, route


class CommandOutcome(Answers):
    """`outcome` is done or refused; `answer` is what the command was answered."""

    id: str
    act: str
    outcome: str
    answer: dict[str, Any]
    at: str


class MarketTime(Answers):
    now: str


@route("GET", "/commands/{command_id}", act="commands.read", out=CommandOutcome)
async def command_outcome(call: Call) -> Answer:
    """Tell the outcome of a command of one's organisation whose answer was lost."""
    found = await call.market.outcome_of(call.actor, call.path["command_id"])
    if found is None:
        raise NotFound("command")
    # Figures of a sealed bid are sealed here too; who asked may read them again.
    return {**found, "answer": sealing.readable(found["answer"])}


@route("GET", "/time", act=PUBLIC, out=MarketTime)
async def market_time(call: Call) -> Answer:
    """Tell the time by which every deadline is judged."""
    return {"now": stamp(call.market.clock.now())}
