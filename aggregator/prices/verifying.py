"""The auditor's recomputation: every published value again, from the deals that made it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aggregator.catalogue.queries import InstrumentView, instruments
from aggregator.deals.claims import QUALITY
from aggregator.deals.store import stream_of
from aggregator.journal.reading import Pool, decoded, entries
from aggregator.prices.facts import PricePublished
from aggregator.prices.publication import STREAM, inputs_sha256
from matching.index.batch import METHOD, ActiveGroups, IndexRules, SettledDeal, price_paid
from matching.index.publish import band, value_of
from matching.index.screening import screen


@dataclass(frozen=True, slots=True)
class PriceDifference:
    """What of a publication does not follow from its deals, or was told otherwise."""

    publication_id: str
    field: str
    found: str
    expected: str


@dataclass(frozen=True, slots=True)
class PriceReport:
    publications: int
    deals: int
    differences: tuple[PriceDifference, ...]


async def verify() -> PriceReport:
    """Compare value, bands, hash, safety and journal of each publication with its deals.

    And each deal with what the journal says that was settled: one may have been changed while
    it waited.
    """
    by_id = {found.id: found for found in await instruments()}
    told = {
        entry.fact.publication_id: entry.fact
        for entry in await entries(None, STREAM)
        if isinstance(entry.fact, PricePublished)
    }
    differences: list[PriceDifference] = []
    publications = await Pool().rows(
        "select id, cell, instrument_id, number, value_minor, currency, volume_band, size_band,"
        " method, inputs_sha256, at from price_publication order by at, id"
    )
    counted = 0
    for row in publications:
        deals = await deals_of(row["id"])
        counted += len(deals)
        terms = by_id[row["instrument_id"]]
        differences += _compared(row["id"], row, _expected(deals, terms, row["method"]))
        differences += _unsafe(row["id"], deals, terms, await active_at(row["cell"], row["number"]))
        differences += await _not_as_settled(row["id"], deals)
        fact = told.pop(row["id"], None)
        journalled = {name: getattr(fact, name, None) for name in _TOLD}
        differences += _compared(row["id"], row, journalled)
    differences += [PriceDifference(name, "id", "nothing", "a publication") for name in told]
    return PriceReport(len(publications), counted, tuple(differences))


_TOLD = ("cell", "number", "value_minor", "currency", "volume_band", "size_band", "method",
         "inputs_sha256", "at")  # fmt: skip


async def deals_of(publication_id: str) -> list[SettledDeal]:
    """Return the deals behind a publication, in order of their ids."""
    found = await Pool().rows(
        "select deal_id, buyer_group, seller_group, price_minor, lots from price_deal"
        " where publication_id = $1 order by deal_id",
        publication_id,
    )
    return [
        SettledDeal(r["deal_id"], r["buyer_group"], r["seller_group"], r["price_minor"], r["lots"])
        for r in found
    ]


async def active_at(cell: str, number: int) -> ActiveGroups | None:
    """Return how many groups traded when a cell was published, None where it was not kept."""
    found = await Pool().rows(
        "select buyers, sellers from price_activity where cell = $1 and number = $2", cell, number
    )
    return ActiveGroups(found[0]["buyers"], found[0]["sellers"]) if found else None


async def _not_as_settled(publication_id: str, deals: list[SettledDeal]) -> list[PriceDifference]:
    """Return what of a publication's deals is not what was settled and paid.

    Lots may have gone back; what a seller conceded for quality came off the price.
    """
    found = await Pool().rows(
        "select kind, body from journal where kind in ('DealSettled', 'ClaimEnded')"
        " and stream = any($1::text[])",
        [stream_of(deal.id) for deal in deals],
    )
    settled: dict[str, Any] = {}
    conceded_minor: dict[str, int] = defaultdict(int)
    for row in found:
        body = decoded(row["body"])
        if row["kind"] == "DealSettled":
            settled[body["deal_id"]] = body
        elif body["cause"] == QUALITY:
            conceded_minor[body["deal_id"]] += body["compensation_minor"]
    differences = []
    for deal in deals:
        body = settled.get(deal.id)
        if body is None:
            differences.append(PriceDifference(publication_id, "deal", deal.id, "a settled deal"))
            continue
        then = SettledDeal(
            deal.id,
            body["buyer_group"],
            body["seller_group"],
            price_paid(body["price_minor"], body["lots"], conceded_minor=conceded_minor[deal.id]),
            min(deal.lots, body["lots"]),
        )
        if deal != then:
            differences.append(PriceDifference(publication_id, "deal", str(deal), str(then)))
    return differences


def _unsafe(
    publication_id: str,
    deals: list[SettledDeal],
    terms: InstrumentView,
    active: ActiveGroups | None,
) -> list[PriceDifference]:
    """Return the safety rule that a publication breaks, if any."""
    if active is None or not deals:
        return []
    found = screen(deals, IndexRules(step_minor=terms.step_minor), active)
    if found is None:
        return []
    return [PriceDifference(publication_id, "safety", "published", found.rule)]


def _expected(
    deals: list[SettledDeal], terms: InstrumentView, method: str
) -> Mapping[str, str | int | None]:
    if not deals or method != METHOD:
        return {"value_minor": None, "method": METHOD}
    return {
        "value_minor": value_of(deals, IndexRules(step_minor=terms.step_minor)),
        "volume_band": band(sum(deal.lots for deal in deals)),
        "size_band": band(len(deals)),
        "inputs_sha256": inputs_sha256(deals),
    }


def _compared(
    publication_id: str, row: Mapping[str, Any], expected: Mapping[str, Any]
) -> list[PriceDifference]:
    return [
        PriceDifference(publication_id, name, str(row[name]), str(value))
        for name, value in expected.items()
        if row[name] != value
    ]
