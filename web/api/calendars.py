"""Trading days by region and year; the operator declares them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from aggregator.catalogue import calendars
from aggregator.catalogue.holidays import SpecialDay, Year
from aggregator.errors import InvalidField, NotFound
from aggregator.market import Answer, Outcome
from web.api.contracts import Day
from web.api.fields import Body, Name
from web.api.routing import PUBLIC, Call, route

ZoneName = Annotated[str, Field(min_length=1, max_length=60)]


class SpecialDayBody(Body):
    """A day that is open or closed against the week's rule."""

    day: Day
    is_open: bool
    name_zh: Name
    name_en: Name


class CalendarBody(Body):
    """The days of a year that differ from open Mondays to Fridays."""

    zone: ZoneName = "Asia/Shanghai"
    status: Literal["official", "provisional"]
    days: Annotated[list[SpecialDayBody], Field(max_length=366)]


@route("GET", "/calendars/{region}", act=PUBLIC)
async def trading_calendar(call: Call) -> Answer:
    """Show the declared years of a region, its own or those of the regions above it."""
    region = call.path["region"]
    async with call.market.reading() as unit:
        found = await calendars.calendar_of(unit, region)
    if not found.years:
        raise NotFound("calendar")
    return {
        "region": region,
        "years": [
            {
                "year": year,
                "zone": known.zone,
                "status": known.status,
                "days": [
                    {"day": d.day, "is_open": d.is_open, "name_zh": d.name_zh, "name_en": d.name_en}
                    for d in known.days
                ],
            }
            for year, known in sorted(found.years.items())
        ],
    }


@route("PUT", "/calendars/{region}/{year}", act="catalogue.define", body=CalendarBody)
async def declare_calendar(call: Call) -> Outcome:
    """Declare or replace the trading days of a region and year."""
    year = call.path["year"]
    if not (year.isascii() and year.isdigit() and len(year) == 4):
        raise InvalidField("/year", f"{calendars.FIRST_YEAR} to {calendars.LAST_YEAR}", year[:20])
    given = call.body
    declared = Year(
        given.zone,
        given.status,
        tuple(SpecialDay(d.day, d.is_open, d.name_zh, d.name_en) for d in given.days),
    )
    return await calendars.set_year(
        call.market, call.actor, call.command, call.path["region"], int(year), declared
    )
