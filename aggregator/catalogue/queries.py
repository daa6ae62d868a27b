"""Reading instruments and regions."""

from __future__ import annotations

from dataclasses import dataclass

from aggregator.catalogue.fees import Fees
from aggregator.catalogue.tenors import Cell, checked_tenor
from aggregator.catalogue.terms import COLUMNS, InstrumentTerms
from aggregator.errors import InvalidField, NotFound
from aggregator.journal.reading import Pool, Reader


@dataclass(frozen=True, slots=True)
class InstrumentView(InstrumentTerms):
    """An instrument, with what its terms allow."""

    @property
    def fees(self) -> Fees:
        return Fees(self.fee_bps, self.logistics_fee_bps, self.capital_fee_bps, self.lot_fee_minor)

    def check_price(self, price_minor: int, pointer: str) -> int:
        """Return a price per lot that is positive and on tick, or raise InvalidField."""
        if price_minor <= 0:
            raise InvalidField(pointer, "more than 0", price_minor)
        if price_minor % self.tick_minor:
            raise InvalidField(pointer, f"a multiple of the tick {self.tick_minor}", price_minor)
        return price_minor

    def check_lots(self, lots: int, pointer: str) -> int:
        """Return a quantity of 1 to `max_lots` lots, or raise InvalidField."""
        if not 1 <= lots <= self.max_lots:
            raise InvalidField(pointer, f"1 to {self.max_lots} lots", lots)
        return lots


@dataclass(frozen=True, slots=True)
class RegionView:
    code: str
    name_zh: str
    name_en: str
    parent: str | None


async def instrument(instrument_id: str, reader: Reader | None = None) -> InstrumentView:
    """Return one instrument, or raise NotFound."""
    found = await (reader or Pool()).rows(
        f"select {COLUMNS} from instrument where id = $1", instrument_id
    )
    if not found:
        raise NotFound("instrument")
    return InstrumentView(**dict(found[0]))


async def instruments(reader: Reader | None = None) -> list[InstrumentView]:
    found = await (reader or Pool()).rows(f"select {COLUMNS} from instrument order by id")
    return [InstrumentView(**dict(row)) for row in found]


async def regions(reader: Reader | None = None) -> list[RegionView]:
    found = await (reader or Pool()).rows(
        "select code, name_zh, name_en, parent from region order by code"
    )
    return [RegionView(**dict(row)) for row in found]


async def parent(region: str, reader: Reader) -> str | None:
    """Return the code of the region above, or None for the top one."""
    found = await reader.rows("select parent from region where code = $1", region)
    return found[0]["parent"] if found else None


async def check_cell(cell: Cell, reader: Reader | None = None) -> InstrumentView:
    """Return the instrument of a cell whose three parts exist, or raise.

    Raises:
        NotFound: there is no such instrument.
        InvalidField: the region or the month does not exist.

    """
    source = reader or Pool()
    found = await instrument(cell.instrument_id, source)
    checked_tenor(cell.tenor)
    if not await source.rows("select code from region where code = $1", cell.region):
        raise InvalidField("/region", "a region of the catalogue", cell.region[:20])
    return found
