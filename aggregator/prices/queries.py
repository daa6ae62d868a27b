"""Reading prices: the board, a cell's history, a forward curve. All of it is public."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aggregator.catalogue.queries import instruments
from aggregator.catalogue.tenors import Cell, parse_cell
from aggregator.errors import NotFound
from aggregator.journal.reading import Mechanism, Pool, Reader
from aggregator.prices.publication import suppression
from matching.index.chained import Link, chained

MAX_HISTORY = 2_000


@dataclass(frozen=True, slots=True)
class PriceView:
    """One publication of a cell. `change_minor` is against the one before it."""

    cell: str
    number: int
    value_minor: int
    change_minor: int | None
    currency: str
    volume_band: str
    size_band: str
    method: str
    inputs_sha256: str
    at: datetime


@dataclass(frozen=True, slots=True)
class BoardRow:
    """A cell on the market board: its last price, or the rule that keeps it unpublished."""

    cell: str
    instrument_id: str
    region: str
    tenor: str
    price: PriceView | None
    recent_minor: tuple[int, ...]
    suppressed_by: str | None


async def board() -> list[BoardRow]:
    """Return every cell with a price or with settled deals that wait, in order of the cell."""
    by_id = {found.id: found for found in await instruments()}
    history = await _last_publications()
    waiting = await Mechanism().rows(
        "select distinct cell from price_deal where state = 'waiting' order by cell"
    )
    cells = sorted({*history, *(row["cell"] for row in waiting)})
    waits = {row["cell"] for row in waiting}
    rows = []
    for text in cells:
        cell = parse_cell(text)
        found = None
        if text in waits:
            found = await suppression(Mechanism(), cell, by_id[cell.instrument_id])
        views = history.get(text, [])
        rows.append(
            BoardRow(
                text,
                cell.instrument_id,
                cell.region,
                cell.tenor,
                views[-1] if views else None,
                tuple(view.value_minor for view in views),
                found.rule if found else None,
            )
        )
    return rows


async def history(cell: Cell) -> list[PriceView]:
    """Return a cell's publications, oldest first.

    Raises:
        NotFound: the cell has none.

    """
    found = await Pool().rows(
        f"{_SELECT} where cell = $1 order by number desc limit $2", str(cell), MAX_HISTORY
    )
    if not found:
        raise NotFound("cell")
    return [_view(row) for row in reversed(found)]


async def last_value(cell: Cell, reader: Reader) -> int | None:
    """Return a cell's last published value, or None where nothing is published."""
    found = await reader.rows(
        "select value_minor from price_publication where cell = $1 order by number desc limit 1",
        str(cell),
    )
    return found[0]["value_minor"] if found else None


async def curve(instrument_id: str, region: str) -> list[PriceView]:
    """Return the last price of each tenor of an instrument and region, by tenor."""
    found = await Pool().rows(
        f"select distinct on (tenor) * from ({_SELECT}) p"
        " where instrument_id = $1 and region = $2 order by tenor, number desc",
        instrument_id,
        region,
    )
    return [_view(row) for row in found]


async def index(instrument_id: str) -> list[Link]:
    """Return an instrument's chained index by calendar month (UTC) of publication.

    A cell's value in a month is its last publication of that month.
    """
    found = await Pool().rows(
        "select distinct on (period, cell) period, cell, value_minor from"
        " (select to_char(at at time zone 'UTC', 'YYYY-MM') as period, cell, number, value_minor"
        " from price_publication where instrument_id = $1) p order by period, cell, number desc",
        instrument_id,
    )
    periods: dict[str, dict[str, int]] = {}
    for row in found:
        periods.setdefault(row["period"], {})[row["cell"]] = row["value_minor"]
    return chained(list(periods.items()))


_SELECT = (
    "select cell, instrument_id, region, tenor, number, value_minor, currency, volume_band,"
    " size_band, method, inputs_sha256, at,"
    " value_minor - lag(value_minor) over (partition by cell order by number) as change_minor"
    " from price_publication"
)


async def _last_publications() -> dict[str, list[PriceView]]:
    """Return the last 24 publications of each cell, oldest first."""
    found = await Pool().rows(
        "select * from (select p.*, row_number() over"
        f" (partition by cell order by number desc) as back from ({_SELECT}) p) q"
        " where back <= 24 order by cell, number"
    )
    views: dict[str, list[PriceView]] = {}
    for row in found:
        views.setdefault(row["cell"], []).append(_view(row))
    return views


def _view(row: Mapping[str, Any]) -> PriceView:
    return PriceView(
        cell=row["cell"],
        number=row["number"],
        value_minor=row["value_minor"],
        change_minor=row["change_minor"],
        currency=row["currency"],
        volume_band=row["volume_band"],
        size_band=row["size_band"],
        method=row["method"],
        inputs_sha256=row["inputs_sha256"],
        at=row["at"],
    )


async def is_parked_for_a_circle(reader: Reader, deal_id: str) -> bool:
    """Tell whether the circular-trade screen keeps a settled deal from feeding anything."""
    found = await reader.rows(
        "select from price_deal where deal_id = $1 and parked_for in ('closed_cycle',"
        " 'same_owner')",
        deal_id,
    )
    return bool(found)


async def lots_left(reader: Reader, deal_id: str) -> int:
    """Return how many lots of a settled deal did not go back."""
    found = await reader.rows("select lots from price_deal where deal_id = $1", deal_id)
    return int(found[0]["lots"])
