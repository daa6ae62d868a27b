"""The days of mainland China that differ from the week's rule, for the years at hand.

2026 is the arrangement that the State Council published for that year, make-up workdays
included. For 2027 only the days that the regulation on public holidays fixes are known, so
that year is provisional: an operator replaces it once the arrangement is published. A year
that stands nowhere is undeclared, and nothing is promised for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

OFFICIAL, PROVISIONAL = "official", "provisional"


@dataclass(frozen=True, slots=True)
class SpecialDay:
    """A day that is open or closed against the week's rule, and why."""

    day: date
    is_open: bool
    name_zh: str
    name_en: str


@dataclass(frozen=True, slots=True)
class Year:
    """A declared year: which days differ from open Mondays to Fridays."""

    zone: str
    status: str
    days: tuple[SpecialDay, ...]


_CHINA_ZONE = "Asia/Shanghai"
_NEW_YEAR = ("元旦", "New Year")
_SPRING = ("春节", "Spring Festival")
_QINGMING = ("清明节", "Qingming Festival")
_LABOUR = ("劳动节", "Labour Day")
_DRAGON = ("端午节", "Dragon Boat Festival")
_AUTUMN = ("中秋节", "Mid-Autumn Festival")
_NATIONAL = ("国庆节", "National Day")


def _closed(name: tuple[str, str], first: date, last: date) -> Iterable[SpecialDay]:
    for number in range((last - first).days + 1):
        day = first + timedelta(days=number)
        yield SpecialDay(day, is_open=False, name_zh=name[0], name_en=name[1])


def _open(name: tuple[str, str], *days: date) -> Iterable[SpecialDay]:
    for day in days:
        yield SpecialDay(
            day,
            is_open=True,
            name_zh=f"{name[0]}调休上班",
            name_en=f"{name[1]}, make-up workday",
        )


_CHINA_2026 = (
    *_closed(_NEW_YEAR, date(2026, 1, 1), date(2026, 1, 3)),
    *_open(_NEW_YEAR, date(2026, 1, 4)),
    *_open(_SPRING, date(2026, 2, 14), date(2026, 2, 28)),
    *_closed(_SPRING, date(2026, 2, 15), date(2026, 2, 23)),
    *_closed(_QINGMING, date(2026, 4, 4), date(2026, 4, 6)),
    *_closed(_LABOUR, date(2026, 5, 1), date(2026, 5, 5)),
    *_open(_LABOUR, date(2026, 5, 9)),
    *_closed(_DRAGON, date(2026, 6, 19), date(2026, 6, 21)),
    *_open(_NATIONAL, date(2026, 9, 20), date(2026, 10, 10)),
    *_closed(_AUTUMN, date(2026, 9, 25), date(2026, 9, 27)),
    *_closed(_NATIONAL, date(2026, 10, 1), date(2026, 10, 7)),
)
_CHINA_2027 = (
    *_closed(_NEW_YEAR, date(2027, 1, 1), date(2027, 1, 1)),
    *_closed(_SPRING, date(2027, 2, 5), date(2027, 2, 10)),
    *_closed(_QINGMING, date(2027, 4, 5), date(2027, 4, 5)),
    *_closed(_LABOUR, date(2027, 5, 1), date(2027, 5, 4)),
    *_closed(_DRAGON, date(2027, 6, 9), date(2027, 6, 9)),
    *_closed(_AUTUMN, date(2027, 9, 15), date(2027, 9, 15)),
    *_closed(_NATIONAL, date(2027, 10, 1), date(2027, 10, 5)),
)

KNOWN: Mapping[tuple[str, int], Year] = {
    ("CN", 2026): Year(_CHINA_ZONE, OFFICIAL, _CHINA_2026),
    ("CN", 2027): Year(_CHINA_ZONE, PROVISIONAL, _CHINA_2027),
}
"""By region and year; a row of the database with the same key counts instead."""
