"""Forward contracts after the clearing: call-offs, deposits by stage, changes by consent."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from aggregator.catalogue.queries import instrument, regions
from aggregator.forwards import calling, contract_queries, places, proposing, staging
from aggregator.forwards.plans import Change
from aggregator.market import Answer, Outcome
from aggregator.parties.queries import OrganisationView, organisation
from web.api.fields import Body, Id, Lots, Minor, Name, Region, Tenor
from web.api.routing import Call, Download, route
from web.papers.contract import contract_paper
from web.papers.paper import pdf

SLOT, CALL_OFF, PROPOSAL = (
    "/slots/{slot_id}",
    "/call-offs/{call_off_id}",
    "/proposals/{proposal_id}",
)
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


def _day(value: Any) -> date:
    try:
        if isinstance(value, str) and len(value) == 10:
            return date.fromisoformat(value)
    except ValueError:
        pass
    raise PydanticCustomError("fault", "{rule}", {"rule": "day", "figure": str(value)[:20]})


Day = Annotated[
    date,
    BeforeValidator(_day),
    WithJsonSchema({"type": "string", "format": "date", "examples": ["2027-03-15"]}),
]


class CallOffBody(Body):
    """Lots of a slot, wanted on a trading day of its month."""

    lots: Lots
    delivery_on: Day


class ConfirmBody(Body):
    """The delivery day, where it is not the nominated one."""

    delivery_on: Day | None = None


class ChangeBody(Body):
    """What is to change: each kind takes its own fields, and `to` names a firm."""

    kind: Literal["lots", "month", "place", "price", "cancel", "transfer", "swap"]
    lots: Lots | None = None
    tenor: Tenor | None = None
    place_id: Id | None = None
    freight: Minor | None = None
    to: Name | None = None

    def change(self) -> Change:
        return Change(
            kind=self.kind,
            lots=self.lots,
            tenor=self.tenor,
            place_id=self.place_id,
            freight_minor=self.freight,
        )


class AnswerBody(Body):
    """The slot that one gives in a swap; nothing for every other change."""

    slot_id: Id | None = None


class ConsentBody(Body):
    """The hash of the terms that were previewed, and in a swap one's own slot."""

    terms_sha256: Sha256
    slot_id: Id | None = None


class PlaceBody(Body):
    """Where a firm takes goods."""

    region: Region
    name: Name


@route("GET", "/contracts", act="forwards.contracts")
async def contracts(call: Call) -> Answer:
    """List the contracts of one's organisation, and the proposals that wait for it."""
    async with call.market.reading() as unit:
        found = await contract_queries.contracts(call.actor, unit)
        waiting = await contract_queries.waiting(call.actor, unit)
    return {"contracts": [_summary(asdict(one)) for one in found], "proposals": waiting}


@route("GET", "/contracts/{contract_id}", act="forwards.contracts")
async def contract(call: Call) -> Answer:
    """Show one contract: slots with dates and call-offs, proposals, timeline."""
    async with call.market.reading() as unit:
        found = await contract_queries.contract(
            call.actor, call.path["contract_id"], unit.now, unit
        )
    shown = asdict(found)
    return {**_summary(shown.pop("summary")), **shown}


@route(
    "GET", "/contracts/{contract_id}/document", act="forwards.contracts", gives=("application/pdf",)
)
async def contract_document(call: Call) -> Download:
    """Download one contract as PDF, in the language asked for (`?lang=zh`, `?lang=en`)."""
    async with call.market.reading() as unit:
        found = await contract_queries.contract(
            call.actor, call.path["contract_id"], unit.now, unit
        )
        traded = await instrument(found.summary.instrument_id, unit)
        known = {one.code: one for one in await regions(unit)}
        firms = {found.seller_id, *(slot["buyer_id"] for slot in found.slots)}
        parties = {one: _named(await organisation(one), call.language) for one in sorted(firms)}
        paper = contract_paper(
            found,
            traded,
            known[found.summary.region],
            parties=parties,
            language=call.language,
            now=unit.now,
        )
    content = await asyncio.to_thread(pdf, paper)
    return Download(content, "application/pdf", f"{found.summary.contract_id}.pdf")


@route("POST", f"{SLOT}/call-offs", act="forwards.call", body=CallOffBody, status=201)
async def nominate(call: Call) -> Outcome:
    """Nominate lots for a delivery day."""
    return await calling.nominate(
        call.market,
        call.actor,
        call.command,
        call.path["slot_id"],
        lots=call.body.lots,
        delivery_on=call.body.delivery_on,
    )


@route("DELETE", CALL_OFF, act="forwards.call")
async def withdraw_call_off(call: Call) -> Outcome:
    """Take back a nomination that the seller has not confirmed."""
    return await calling.withdraw(call.market, call.actor, call.command, call.path["call_off_id"])


@route("POST", f"{CALL_OFF}/confirm", act="forwards.confirm", body=ConfirmBody)
async def confirm_call_off(call: Call) -> Outcome:
    """Confirm a call-off: a deal is formed."""
    return await calling.confirm(
        call.market,
        call.actor,
        call.command,
        call.path["call_off_id"],
        delivery_on=call.body.delivery_on,
    )


@route("POST", f"{SLOT}/pay", act="forwards.pay")
async def pay_stage(call: Call) -> Outcome:
    """Pay the deposit before the month."""
    return await staging.pay(call.market, call.actor, call.command, call.path["slot_id"])


@route("POST", f"{SLOT}/preview", act="forwards.amend", body=ChangeBody, is_keyed=False)
async def preview_change(call: Call) -> Answer:
    """Show what a change would do, to the fen; nothing is written."""
    return await proposing.preview(
        call.market, call.actor, call.path["slot_id"], call.body.change(), call.body.to or ""
    )


@route("POST", f"{SLOT}/proposals", act="forwards.amend", body=ChangeBody, status=201)
async def propose_change(call: Call) -> Outcome:
    """Propose a change of a slot to everybody it touches."""
    return await proposing.propose(
        call.market,
        call.actor,
        call.command,
        call.path["slot_id"],
        call.body.change(),
        call.body.to or "",
    )


@route("POST", f"{PROPOSAL}/preview", act="forwards.amend", body=AnswerBody, is_keyed=False)
async def preview_consent(call: Call) -> Answer:
    """Show what consenting to a proposal would do for one's own firm."""
    return await proposing.offered(
        call.market, call.actor, call.path["proposal_id"], call.body.slot_id
    )


@route("POST", f"{PROPOSAL}/consent", act="forwards.amend", body=ConsentBody)
async def consent_to_change(call: Call) -> Outcome:
    """Consent to the terms of that hash; the last consent carries them out."""
    return await proposing.consent(
        call.market,
        call.actor,
        call.command,
        call.path["proposal_id"],
        terms_sha256=call.body.terms_sha256,
        slot_id=call.body.slot_id,
    )


@route("DELETE", PROPOSAL, act="forwards.amend")
async def withdraw_proposal(call: Call) -> Outcome:
    """Withdraw one's own proposal, or refuse another's."""
    return await proposing.withdraw(call.market, call.actor, call.command, call.path["proposal_id"])


@route("GET", "/receiving-places", act="forwards.contracts")
async def receiving_places(call: Call) -> Answer:
    """List where one's organisation takes goods."""
    async with call.market.reading() as unit:
        found = await places.of_firm(unit, call.actor.organisation_id)
    return {
        "places": [
            {"place_id": one.place_id, "region": one.region, "name": one.name} for one in found
        ]
    }


@route("POST", "/receiving-places", act="forwards.receive", body=PlaceBody, status=201)
async def declare_place(call: Call) -> Outcome:
    """Declare where one's organisation takes goods."""
    return await places.declare(
        call.market, call.actor, call.command, region=call.body.region, name=call.body.name
    )


@route("DELETE", "/receiving-places/{place_id}", act="forwards.receive")
async def close_place(call: Call) -> Outcome:
    """Take a receiving place off the list."""
    return await places.close(call.market, call.actor, call.command, call.path["place_id"])


def _named(firm: OrganisationView, language: str) -> str:
    return firm.name_en if language == "en" and firm.name_en else firm.name


def _summary(found: dict[str, Any]) -> Answer:
    found["instrument"] = found.pop("instrument_id")
    return found
