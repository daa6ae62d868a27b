"""How well deals are carried out: lanes with their times, and what firms think of each other."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from pydantic import Field

from aggregator.fulfilment import lanes, reviewing
from aggregator.market import Answer, Outcome
from web.api.deals import DEAL, Dimension
from web.api.fields import Body, Id, Query, Region
from web.api.routing import Call, route
from web.api.service_answers import LanePublished, Reviewed, ServiceLevels, Standing

Mark = Annotated[int, Field(ge=1, le=5)]


class LaneBody(Body):
    """How long goods take from region to region."""

    from_region: Region
    to_region: Region
    transit_hours: Annotated[int, Field(ge=1, le=336)]


class ReviewBody(Body):
    """Marks from 1 to 5 by axis; never edited."""

    marks: dict[Dimension, Mark]


class StandingQuery(Query):
    """Whose standing to show."""

    organisation: Id


@route("POST", "/lanes", act="catalogue.define", body=LaneBody, out=LanePublished, status=201)
async def publish_lane(call: Call) -> Outcome:
    """Publish a lane's time for shipments that begin later."""
    lane = lanes.Lane(**call.body.model_dump())
    return await lanes.publish(call.market, call.actor, call.command, lane)


@route("GET", "/lanes", act="catalogue.read", out=ServiceLevels)
async def service_levels(call: Call) -> Answer:
    """Show the lanes and how one's own shipments kept them."""
    found = await lanes.service_levels(call.actor, call.market.clock.now())
    return {"lanes": [asdict(level) for level in found]}


@route("POST", DEAL + "/review", act="fulfilment.review", body=ReviewBody, out=Reviewed, status=201)
async def review(call: Call) -> Outcome:
    """Mark the other side of one's settled deal, once."""
    marks = {str(axis): mark for axis, mark in call.body.marks.items()}
    return await reviewing.review(
        call.market, call.actor, call.command, call.path["deal_id"], marks
    )


@route("GET", "/reviews", act="deals.read", query=StandingQuery, out=Standing)
async def standing(call: Call) -> Answer:
    """Show what firms think of one, from three owner groups on."""
    asked: StandingQuery = call.query
    found = await reviewing.standing(call.actor, asked.organisation)
    return {"organisation_id": asked.organisation, "axes": [asdict(axis) for axis in found]}
