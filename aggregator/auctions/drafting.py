"""Templates that an owner drafts an auction from: what suits a category of goods.

A template only fills a form in; what opens is checked like any other terms.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from aggregator.catalogue.queries import InstrumentView, instrument
from matching.auctions.rules import Criterion, Disclosure, FormatName

HOUR, DAY = 60, 24 * 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """Terms by the instrument's own figures: `step` counts publication steps, in halves.

    `minutes` is how long bids are taken, `months` how many items it begins with.
    """

    name: str
    format: FormatName
    minutes: int
    step_halves: int = 1
    disclosure: Disclosure = "auto"
    interval_s: int | None = None
    max_share: int | None = None
    months: int = 0
    criteria: tuple[Criterion, ...] = ()


@dataclass(frozen=True, slots=True)
class Draft:
    """A template with an instrument's figures filled in."""

    template: Template
    step_minor: int


OPEN_SALE = Template(name="open_sale", format="english", minutes=HOUR)
ALLOTMENT = Template(
    name="allotment", format="sealed_uniform", minutes=DAY, disclosure="best", max_share=40
)
CLEARANCE = Template(name="clearance", format="dutch", minutes=HOUR, interval_s=60)
STRIP = Template(
    name="strip", format="clock", minutes=4 * HOUR, step_halves=2, interval_s=300, months=3
)
BUNDLES = Template(name="bundles", format="packages", minutes=DAY, months=3)
EARLY_TAKERS = Template(
    name="early_takers",
    format="sealed_first",
    minutes=DAY,
    disclosure="best",
    criteria=(Criterion("days early", 100, 0, 30),),
)
SOLE_TAKER = Template(name="sole_taker", format="second_price", minutes=DAY)
STAYERS = Template(name="stayers", format="japanese", minutes=2 * HOUR, interval_s=120)

# A harvest is sold by the month and stored in between; other goods are sold as they come.
BY_CATEGORY: Mapping[str, tuple[Template, ...]] = {
    "SUGAR": (OPEN_SALE, ALLOTMENT, STRIP, BUNDLES, EARLY_TAKERS, CLEARANCE, STAYERS, SOLE_TAKER),
    "ETHANOL": (OPEN_SALE, STRIP, ALLOTMENT, CLEARANCE),
    "MOLASSES": (OPEN_SALE, CLEARANCE, SOLE_TAKER, ALLOTMENT),
}
OTHERS = (OPEN_SALE, ALLOTMENT, CLEARANCE)


def category_of(instrument_id: str) -> str:
    """Return the category that an instrument's id begins with."""
    return instrument_id.partition("-")[0]


async def drafts_for(instrument_id: str) -> tuple[str, list[Draft]]:
    """Return an instrument's category and what an auction of it may begin from.

    Raises:
        NotFound: there is no such instrument.

    """
    traded = await instrument(instrument_id)
    category = category_of(traded.id)
    return category, [
        Draft(template, _step(template, traded)) for template in BY_CATEGORY.get(category, OTHERS)
    ]


def _step(template: Template, traded: InstrumentView) -> int:
    """Return half publication steps as minor units, on tick and at least one tick."""
    tick = traded.tick_minor
    return max(tick, traded.step_minor * template.step_halves // 2 // tick * tick)
