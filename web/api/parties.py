"""Organisations and the people in them; instruments and regions."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from pydantic import Field

from aggregator.catalogue import defining
from aggregator.catalogue import queries as catalogue
from aggregator.catalogue.terms import InstrumentTerms
from aggregator.market import Answer, Outcome
from aggregator.parties import hiring, queries, registering
from web.api.fields import Body, Id, Instrument, Minor, Name, Note, Region
from web.api.routing import PUBLIC, Call, route

Bps = Annotated[int, Field(ge=0, le=10_000)]


class OrganisationBody(Body):
    """A firm, as the operator registers it."""

    name: Name
    name_en: Annotated[str, Field(max_length=120)] = ""
    kind: Annotated[str, Field(pattern="^(factory|mill|trader|refiner|auditor)$")]
    owner_group: Name
    region: Region
    monthly_lots: Annotated[int, Field(ge=0, le=1_000_000_000)] = 0
    uscc: Annotated[str, Field(min_length=1, max_length=40)] | None = None
    vat: Annotated[str, Field(min_length=1, max_length=40)] | None = None


class PersonBody(Body):
    """A person with a log-in and roles in one organisation."""

    login: Annotated[str, Field(min_length=3, max_length=120)]
    name: Name
    password: Annotated[str, Field(min_length=10, max_length=200)]
    roles: Annotated[list[str], Field(min_length=1, max_length=12)]
    language: Annotated[str, Field(pattern="^(zh|en)$")] = "zh"


class RegionBody(Body):
    """A region, after its parent."""

    code: Region
    name_zh: Name
    name_en: Name
    parent: Region | None = None


class InstrumentBody(Body):
    """What a price is for; its terms never change.

    The market's fee is `fee_bps` of the goods, a share of freight and capital, `lot_fee` per lot.
    """

    id: Instrument
    name_zh: Name
    name_en: Name
    standard: Name
    packaging: Name
    currency: Annotated[str, Field(pattern="^CNY$")] = "CNY"
    lot_text: Name
    tick: Minor
    step: Minor
    max_lots: Annotated[int, Field(ge=1, le=1_000_000_000)]
    tax_bps: Bps
    service_tax_bps: Bps
    fee_bps: Bps
    deposit_bps: Bps
    tolerance_bps: Bps
    return_policy: Note
    return_days: Annotated[int, Field(ge=0, le=365)]
    logistics_fee_bps: Bps = 0
    capital_fee_bps: Bps = 0
    lot_fee: Minor = 0


@route("GET", "/organisations", act="parties.register")
async def organisations(_: Call) -> Answer:
    """List every organisation, for the operator."""
    return {"organisations": [asdict(view) for view in await queries.organisations()]}


@route("POST", "/organisations", act="parties.register", body=OrganisationBody, status=201)
async def register_organisation(call: Call) -> Outcome:
    """Register a firm."""
    new = registering.NewOrganisation(**call.body.model_dump())
    return await registering.register_organisation(call.market, call.actor, call.command, new)


@route(
    "POST",
    "/organisations/{organisation_id}/people",
    act="parties.register",
    body=PersonBody,
    status=201,
)
async def add_person(call: Call) -> Outcome:
    """Add a person to an organisation; into a desk of the market once `consent_id` is agreed to."""
    given = call.body.model_dump()
    new = registering.NewPerson(**{**given, "roles": tuple(given["roles"])})
    organisation_id: Id = call.path["organisation_id"]
    return await hiring.add_person(call.market, call.actor, call.command, organisation_id, new)


@route("GET", "/instruments", act=PUBLIC)
async def instruments(_: Call) -> Answer:
    """List what is traded, with its terms."""
    return {"instruments": [asdict(view) for view in await catalogue.instruments()]}


@route("POST", "/instruments", act="catalogue.define", body=InstrumentBody, status=201)
async def define_instrument(call: Call) -> Outcome:
    """Define an instrument."""
    given = call.body.model_dump()
    for name in ("tick", "step", "lot_fee"):
        given[f"{name}_minor"] = given.pop(name)
    new = InstrumentTerms(**given)
    return await defining.define_instrument(call.market, call.actor, call.command, new)


@route("GET", "/regions", act=PUBLIC)
async def regions(_: Call) -> Answer:
    """List the regions of the catalogue."""
    return {"regions": [asdict(view) for view in await catalogue.regions()]}


@route("POST", "/regions", act="catalogue.define", body=RegionBody, status=201)
async def define_region(call: Call) -> Outcome:
    """Define a region."""
    return await defining.define_region(
        call.market, call.actor, call.command, **call.body.model_dump()
    )
