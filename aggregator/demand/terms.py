"""What a request asks for, and the rules it keeps before it is sent anywhere."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from aggregator.catalogue.queries import InstrumentView, check_cell
from aggregator.catalogue.tenors import Cell, after_month, checked_tenor
from aggregator.errors import InvalidField
from aggregator.market import Unit
from aggregator.parties.names import checked_name

PREPAY, ON_DELIVERY, CREDIT = "prepay", "on_delivery", "credit"
PAYMENTS = (PREPAY, ON_DELIVERY, CREDIT)
MAX_CREDIT_DAYS = 365
MAX_MONTHS = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestTerms:
    """A buyer's need in a window of delivery months, both ends included.

    `lots` are needed, `tolerance_lots` would be taken besides; `limit_minor` is the highest
    landed price per lot before tax, secret, and may stay open in a draft; `freight_minor` is
    the buyer's own freight in it. Place and payment are wishes.
    """

    instrument_id: str
    region: str
    first_tenor: str
    last_tenor: str
    lots: int
    tolerance_lots: int = 0
    limit_minor: int | None = None
    freight_minor: int = 0
    place: str = ""
    payment: str = PREPAY
    credit_days: int = 0

    def covers(self, cell: Cell) -> bool:
        """Tell whether a cell answers the need."""
        return (self.instrument_id, self.region) == (
            cell.instrument_id,
            cell.region,
        ) and self.first_tenor <= cell.tenor <= self.last_tenor


async def check_terms(unit: Unit, terms: RequestTerms, *, is_template: bool = False) -> None:
    """Refuse terms that no pool could take; a template's own months may be over.

    Raises:
        NotFound: there is no such instrument.
        InvalidField: a term breaks its rule.

    """
    first = Cell(terms.instrument_id, terms.region, terms.first_tenor)
    traded = await check_cell(first, unit)
    check_against(traded, terms, None if is_template else unit.now)


def check_against(traded: InstrumentView, terms: RequestTerms, now: datetime | None) -> None:
    """Refuse terms that break a rule of their instrument, or whose months are over by `now`."""
    check_months(terms.first_tenor, terms.last_tenor, now)
    _check_quantities(traded, terms)
    checked_name(terms.place, "/place", at_least=0)
    if terms.payment not in PAYMENTS:
        raise InvalidField("/payment", f"one of {', '.join(PAYMENTS)}", terms.payment[:20])
    if (terms.payment == CREDIT) != (terms.credit_days > 0):
        raise InvalidField("/credit_days", "days of credit, with credit only", terms.credit_days)
    if not 0 <= terms.credit_days <= MAX_CREDIT_DAYS:
        raise InvalidField("/credit_days", f"0 to {MAX_CREDIT_DAYS}", terms.credit_days)


def check_months(first: str, last: str, now: datetime | None) -> None:
    """Refuse a window that runs backwards, is over by `now`, or is too long."""
    checked_tenor(first, "/first_tenor")
    checked_tenor(last, "/last_tenor")
    if last < first:
        raise InvalidField("/last_tenor", "a month not before the first", last)
    if now is not None and after_month(last) <= now:
        raise InvalidField("/last_tenor", "a delivery month that is not over", last)
    if months_between(first, last) >= MAX_MONTHS:
        raise InvalidField("/last_tenor", f"a window of at most {MAX_MONTHS} months", last)


def months_between(first: str, last: str) -> int:
    """Return how many months `last` lies behind `first`."""
    (year, month), (later_year, later_month) = (map(int, t.split("-")) for t in (first, last))
    return (later_year - year) * 12 + later_month - month


def months_later(tenor: str, months: int) -> str:
    """Return the delivery month so many months behind another."""
    year, month = (int(part) for part in tenor.split("-"))
    years, place = divmod(year * 12 + month - 1 + months, 12)
    return f"{years:04d}-{place + 1:02d}"


def _check_quantities(traded: InstrumentView, terms: RequestTerms) -> None:
    traded.check_lots(terms.lots, "/lots")
    if not 0 <= terms.tolerance_lots <= traded.max_lots:
        raise InvalidField("/tolerance", f"0 to {traded.max_lots} lots", terms.tolerance_lots)
    if terms.freight_minor < 0:
        raise InvalidField("/freight", "0 or more", terms.freight_minor)
    if terms.limit_minor is None:
        return
    traded.check_price(terms.limit_minor, "/limit")
    if terms.freight_minor >= terms.limit_minor:
        raise InvalidField(
            "/freight", f"leaves nothing of the limit {terms.limit_minor}", terms.freight_minor
        )
