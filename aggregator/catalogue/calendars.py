"""Trading days: Mondays to Fridays, holidays closed, make-up workdays open, by region and year.

A region without a year of its own has that of the region above it. A year that nobody has
declared has no trading days at all: it is refused, never guessed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from aggregator.catalogue.facts import CalendarSet
from aggregator.catalogue.holidays import KNOWN, OFFICIAL, PROVISIONAL, SpecialDay, Year
from aggregator.catalogue.tenors import checked_tenor
from aggregator.errors import InvalidField, MarketError
from aggregator.journal.reading import Reader, decoded
from aggregator.market import Actor, Answer, Command, Market, Outcome, Unit
from aggregator.parties.names import checked_name

ACT = "catalogue.define"
FIRST_YEAR, LAST_YEAR = 2020, 2099
_SATURDAY = 5
_ONE = timedelta(days=1)


@dataclass
class NoCalendar(MarketError):
    """Nobody has declared the trading days of this region and year."""

    code = "no_calendar"
    region: str
    year: int


@dataclass(frozen=True, slots=True)
class TradingCalendar:
    """The declared years of one region, its own or inherited."""

    region: str
    years: Mapping[int, Year]

    def has(self, tenor: str) -> bool:
        """Tell whether a month has trading days, and those before it are declared."""
        first = _first(tenor)
        is_declared = first.year in self.years and (first - _ONE).year in self.years
        return is_declared and bool(self.days_of(tenor))

    def is_open(self, day: date) -> bool:
        """Tell whether a day is a trading day.

        Raises:
            NoCalendar: its year is undeclared.

        """
        for special in self._year(day).days:
            if special.day == day:
                return special.is_open
        return day.weekday() < _SATURDAY

    def days_of(self, tenor: str) -> tuple[date, ...]:
        """Return the trading days of a month, in order."""
        first = _first(tenor)
        found, day = [], first
        while day.month == first.month:
            if self.is_open(day):
                found.append(day)
            day += _ONE
        return tuple(found)

    def shifted(self, day: date, days: int) -> date:
        """Return the trading day that lies so many trading days after `day`, before if negative."""
        step = _ONE if days > 0 else -_ONE
        left = abs(days)
        while left:
            day += step
            left -= self.is_open(day)
        return day

    def day_of(self, instant: datetime) -> date:
        """Return the local day of an instant."""
        return instant.astimezone(ZoneInfo(self._year(instant.date()).zone)).date()

    def begins(self, day: date) -> datetime:
        """Return the first instant of a local day."""
        zone = ZoneInfo(self._year(day).zone)
        return datetime.combine(day, time(), zone).astimezone(UTC)

    def ends(self, day: date) -> datetime:
        """Return the first instant after a local day."""
        zone = ZoneInfo(self._year(day).zone)
        return datetime.combine(day + _ONE, time(), zone).astimezone(UTC)

    def zone_of(self, tenor: str) -> str:
        """Return the time zone in which the days of a month begin."""
        return self._year(_first(tenor)).zone

    def _year(self, day: date) -> Year:
        if day.year not in self.years:
            raise NoCalendar(self.region, day.year)
        return self.years[day.year]


async def calendar_of(reader: Reader, region: str) -> TradingCalendar:
    """Return the trading days of a region, its own years before those of the regions above."""
    rows = await reader.rows(
        "with recursive above (code, parent, depth) as ("
        "  select code, parent, 0 from region where code = $1"
        "  union all select r.code, r.parent, a.depth + 1 from region r"
        "  join above a on r.code = a.parent where a.depth < 10)"
        " select a.code, a.depth, c.year, c.zone, c.status, c.days from above a"
        " left join trading_calendar c on c.region = a.code order by a.depth desc, c.year",
        region,
    )
    years: dict[int, Year] = {}
    for code in dict.fromkeys(row["code"] for row in rows):
        years |= {year: known for (place, year), known in KNOWN.items() if place == code}
        years |= {r["year"]: _read(r) for r in rows if r["code"] == code and r["year"] is not None}
    return TradingCalendar(region, years)


async def set_year(
    market: Market, actor: Actor, command: Command, region: str, year: int, declared: Year
) -> Outcome:
    """Declare or replace the trading days of a region and year; dates agreed before stay.

    Raises:
        InvalidField: no such region, year, zone or day, or a day that stands twice.

    """

    async def step(unit: Unit) -> Answer:
        if not await unit.row("select code from region where code = $1", region):
            raise InvalidField("/region", "a region of the catalogue", region[:20])
        days = _checked(year, declared)
        await unit.execute(
            "insert into trading_calendar (region, year, zone, status, days, set_at)"
            " values ($1, $2, $3, $4, $5::jsonb, $6) on conflict (region, year) do update"
            " set zone = excluded.zone, status = excluded.status, days = excluded.days,"
            " set_at = excluded.set_at",
            region,
            year,
            declared.zone,
            declared.status,
            json.dumps([_written(day) for day in days], ensure_ascii=False),
            unit.now,
        )
        await unit.record(
            f"calendar:{region}", CalendarSet(region, year, declared.status, len(days))
        )
        return {"region": region, "year": year, "days": len(days)}

    return await market.perform(actor, ACT, step, command=command)


def _checked(year: int, declared: Year) -> Sequence[SpecialDay]:
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise InvalidField("/year", f"{FIRST_YEAR} to {LAST_YEAR}", year)
    if declared.zone not in available_timezones():
        raise InvalidField("/zone", "a time zone such as Asia/Shanghai", declared.zone[:40])
    if declared.status not in (OFFICIAL, PROVISIONAL):
        raise InvalidField("/status", "one of official, provisional", declared.status[:20])
    seen: set[date] = set()
    for i, special in enumerate(declared.days):
        if special.day.year != year or special.day in seen:
            raise InvalidField(
                f"/days/{i}/day", "a day of that year, once", special.day.isoformat()
            )
        seen.add(special.day)
        checked_name(special.name_zh, f"/days/{i}/name_zh")
        checked_name(special.name_en, f"/days/{i}/name_en")
    return sorted(declared.days, key=lambda special: special.day)


def _written(special: SpecialDay) -> dict[str, Any]:
    return {
        "day": special.day.isoformat(),
        "is_open": special.is_open,
        "name_zh": special.name_zh,
        "name_en": special.name_en,
    }


def _read(row: Mapping[str, Any]) -> Year:
    days = (
        SpecialDay(date.fromisoformat(d["day"]), d["is_open"], d["name_zh"], d["name_en"])
        for d in decoded(row["days"])
    )
    return Year(row["zone"], row["status"], tuple(days))


def _first(tenor: str) -> date:
    return date.fromisoformat(f"{checked_tenor(tenor)}-01")
