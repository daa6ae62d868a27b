"""Prices: the board, a cell's history, a forward curve."""

from __future__ import annotations

from dataclasses import asdict

from aggregator.amounts import decimal_text
from aggregator.catalogue.queries import instrument
from aggregator.catalogue.tenors import Cell, parse_cell
from aggregator.journal.facts import stamp
from aggregator.market import Answer
from aggregator.prices import queries
from aggregator.prices.queries import PriceView
from aggregator.spreadsheets.separated import write_as_it_is
from web.api.routing import PUBLIC, Call, Download, route

_COLUMNS = ("cell", "number", "at", "price", "currency", "volume_band", "size_band", "method",
            "inputs_sha256")  # fmt: skip


@route("GET", "/prices", act=PUBLIC)
async def board(_: Call) -> Answer:
    """List every cell: its last price, or the rule that keeps it unpublished."""
    return {"cells": [_board_row(row) for row in await queries.board()]}


@route("GET", "/prices/{instrument}/{region}/{tenor}", act=PUBLIC)
async def price_history(call: Call) -> Answer:
    """List a cell's publications, oldest first."""
    found = await queries.history(_cell(call))
    return {"cell": str(_cell(call)), "prices": [_price(view) for view in found]}


@route("GET", "/prices/{instrument}/{region}/{tenor}/history.csv", act=PUBLIC, gives=("text/csv",))
async def price_history_csv(call: Call) -> Download:
    """Export a cell's publications as CSV."""
    found = await queries.history(_cell(call))
    rows = [
        (
            view.cell,
            view.number,
            stamp(view.at),
            decimal_text(view.value_minor, view.currency),
            view.currency,
            _band(view.volume_band),
            _band(view.size_band),
            view.method,
            view.inputs_sha256,
        )
        for view in found
    ]
    name = str(_cell(call)).replace("/", "_")
    content = write_as_it_is([_COLUMNS, *rows])
    return Download(content, "text/csv; charset=utf-8", f"{name}.csv")


def _band(text: str) -> str:
    """A spreadsheet would take 3-9 for a day in September."""
    return text.replace("-", "–")


@route("GET", "/curves/{instrument}/{region}", act=PUBLIC)
async def forward_curve(call: Call) -> Answer:
    """List the last published price of each delivery month; nothing is interpolated here."""
    found = await queries.curve(call.path["instrument"], call.path["region"])
    return {
        "instrument": call.path["instrument"],
        "region": call.path["region"],
        "points": [{"tenor": view.cell.rsplit("/", 1)[1], **_price(view)} for view in found],
    }


@route("GET", "/indices/{instrument}", act=PUBLIC)
async def chained_index(call: Call) -> Answer:
    """List an instrument's chained index by month: 10,000 is the first month with a price."""
    terms = await instrument(call.path["instrument"])
    return {
        "instrument": terms.id,
        "links": [asdict(link) for link in await queries.index(terms.id)],
    }


def _cell(call: Call) -> Cell:
    path = call.path
    return parse_cell(f"{path['instrument']}/{path['region']}/{path['tenor']}")


def _board_row(row: queries.BoardRow) -> Answer:
    return {
        "cell": row.cell,
        "instrument": row.instrument_id,
        "region": row.region,
        "tenor": row.tenor,
        "price": _price(row.price) if row.price else None,
        "recent_minor": list(row.recent_minor),
        "suppressed_by": row.suppressed_by,
    }


def _price(view: PriceView) -> Answer:
    found = asdict(view)
    del found["cell"]
    return found
