"""The firms one deals with, and the groups of them that layered quotes are shown to."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from aggregator.market import Answer, Outcome
from aggregator.supply import audiences
from web.api.fields import Answers, Body, Id, Name
from web.api.routing import Call, route


class GroupBody(Body):
    """All who are in the group from now on; a new name makes a new group."""

    name: Name
    members: Annotated[list[Id], Field(max_length=audiences.MAX_MEMBERS)]


class Counterparty(Answers):
    organisation_id: str
    name: str
    name_en: str


class Group(Answers):
    group_id: str
    name: str
    members: list[str]


class Counterparties(Answers):
    counterparties: list[Counterparty]
    groups: list[Group]


class GroupMade(Answers):
    group_id: str
    name: str
    members: int


@route("GET", "/counterparties", act="deals.read", out=Counterparties)
async def counterparties(call: Call) -> Answer:
    """List the firms that one has a deal with, and one's own groups of them."""
    return {
        "counterparties": await audiences.counterparties(call.actor),
        "groups": await audiences.groups(call.actor),
    }


@route("PUT", "/counterparty-groups", act="supply.offer", body=GroupBody, out=GroupMade)
async def set_group(call: Call) -> Outcome:
    """Say who is in a group from now on."""
    body: GroupBody = call.body
    return await audiences.set_group(
        call.market, call.actor, call.command, called=body.name, members=body.members
    )
