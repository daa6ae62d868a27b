"""The owner's report on his own firm."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from aggregator.market import Answer
from aggregator.reports import exporting, queries
from web.api.fields import Answers, Query
from web.api.routing import Call, Download, route


class ReportQuery(Query):
    """Over how many days."""

    days: Annotated[int, Field(ge=1, le=queries.MAX_DAYS)] = 30


class ExportQuery(ReportQuery):
    """Which of its tables."""

    part: exporting.Part = "deals"


class Person(Answers):
    person_id: str
    person: str
    roles: list[str]
    log_ins: int
    last_seen_at: str | None
    done: int
    refused: int
    answers_in_minutes: int | None


class Act(Answers):
    act: str
    done: int
    refused: int


class MandateUse(Answers):
    mandate_id: str
    person: str
    acts: list[str]
    state: str
    currency: str
    total: str
    used: str
    left: str
    ends_at: str


class Trade(Answers):
    side: str
    currency: str
    deals: int
    lots: int
    goods: str
    deals_before: int
    gain_own: str
    deals_published: int
    gain_published: str


class Report(Answers):
    since: str
    people: list[Person]
    acts: list[Act]
    pays_in_minutes: int | None
    mandates: list[MandateUse]
    trade: list[Trade]


@route("GET", "/reports", act="reports.read", query=ReportQuery, out=Report)
async def report(call: Call) -> Answer:
    """Show activity, response times, mandates used, and savings over the last days."""
    asked: ReportQuery = call.query
    found = await queries.report(call.actor, call.market.clock.now(), days=asked.days)
    return dict(found)


@route("GET", "/reports.csv", act="reports.read", query=ExportQuery, gives=("text/csv",))
async def report_csv(call: Call) -> Download:
    """Export a table of the report; deals come one by one, each with its comparators."""
    asked: ExportQuery = call.query
    now = call.market.clock.now()
    content = await exporting.report_csv(call.actor, now, days=asked.days, part=asked.part)
    name = f"report-{asked.part}-{now:%Y%m%d}.csv"
    return Download(content, "text/csv; charset=utf-8", name)
