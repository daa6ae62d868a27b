"""A change of a contract as values: what is wanted, and what it would do to slots and money."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from aggregator.catalogue.calendars import TradingCalendar, calendar_of
from aggregator.catalogue.queries import InstrumentView, instrument
from aggregator.forwards import store
from aggregator.forwards.contracts import SlotTerms
from aggregator.forwards.slots import Slot
from aggregator.forwards.store import Strip
from aggregator.journal.facts import canonical
from aggregator.journal.reading import Reader, decoded

LOTS, MONTH, PLACE, PRICE = "lots", "month", "place", "price"
CANCEL, TRANSFER, SWAP = "cancel", "transfer", "swap"
KINDS = (LOTS, MONTH, PLACE, PRICE, CANCEL, TRANSFER, SWAP)
TOLERANCE_BPS = 1_000
PERCENT = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What a party wants changed; each kind reads its own fields."""

    kind: str
    lots: int | None = None
    tenor: str | None = None
    place_id: str | None = None
    freight_minor: int | None = None
    to_id: str | None = None


@dataclass(frozen=True, slots=True)
class Money:
    """What a firm's deposits change by: `refunded_minor` comes back, `taken_minor` goes in."""

    refunded_minor: int = 0
    taken_minor: int = 0

    @property
    def needed_minor(self) -> int:
        return max(0, self.taken_minor - self.refunded_minor)


@dataclass(frozen=True, slots=True)
class Plan:
    """Slots that end, what begins in their place, and each firm's money."""

    ended: tuple[Slot, ...]
    opened: tuple[SlotTerms, ...]
    totals_before: tuple[int, ...]
    totals_after: tuple[int, ...]
    money: Mapping[str, Money] = field(default_factory=dict)

    @property
    def sha256(self) -> str:
        """Return the hash of what is consented to: the slots as they stand, and what follows."""
        said = [
            [[s.id, s.called_lots, s.deposit_minor, s.stage] for s in self.ended],
            [asdict(terms) for terms in self.opened],
            list(self.totals_before),
            list(self.totals_after),
            {firm: asdict(money) for firm, money in sorted(self.money.items())},
        ]
        return hashlib.sha256(canonical(said)).hexdigest()

    def more_lots(self, buyer_id: str) -> dict[str, int]:
        """Return how many lots more than before, or fewer, a buyer has in each month."""
        found = Counter[str]()
        for terms in self.opened:
            if terms.buyer_id == buyer_id:
                found[terms.tenor] += terms.lots
        for slot in self.ended:
            if slot.buyer_id == buyer_id:
                found[slot.tenor] -= slot.open_lots
        return dict(sorted(found.items()))


@dataclass(frozen=True, slots=True)
class World:
    """What plans are made from, read in one transaction.

    A month in which nothing was awarded has no price among `prices_minor`.
    """

    strip: Strip
    traded: InstrumentView
    calendar: TradingCalendar
    prices_minor: Mapping[str, int]


async def world_of(reader: Reader, strip_id: str) -> World:
    strip = await store.load(reader, strip_id)
    [row] = await reader.rows("select result from strip_result where strip_id = $1", strip_id)
    result = decoded(row["result"])
    traded = {
        tenor
        for side in ("awards", "supplier")
        for lots in result[side].values()
        for tenor in lots
        if lots[tenor]
    }
    return World(
        strip,
        await instrument(strip.instrument_id, reader),
        await calendar_of(reader, strip.region),
        {t: price for t, price in result["prices_minor"].items() if t in traded},
    )
