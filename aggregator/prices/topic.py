"""The feed's view of prices: `prices:*`, `prices:INSTRUMENT/*`, `prices:<cell>`, and curves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aggregator.amounts import decimal_text
from aggregator.catalogue.queries import check_cell, instrument
from aggregator.catalogue.tenors import parse_cell
from aggregator.errors import InvalidField, NotFound
from aggregator.journal.facts import stamp
from aggregator.journal.reading import Entry
from aggregator.market import PUBLIC, Actor, Audience
from aggregator.prices.facts import PricePublished
from aggregator.prices.publication import STREAM

_ANY_MONTH = "2027-01"


@dataclass(frozen=True, slots=True)
class State:
    """Which cells the topic covers, and the last price of each."""

    wanted: str
    prices: Mapping[str, Mapping[str, Any]]


class PriceTopic:
    """Published prices, for everybody. Suppressed cells leave no trace here."""

    is_state = True

    async def allow(self, _: Actor | None, topic_id: str) -> Audience:
        if topic_id == "*":
            return PUBLIC
        try:
            if topic_id.endswith("/*"):
                await instrument(topic_id.removesuffix("/*"))
            else:
                await check_cell(parse_cell(topic_id))
        except InvalidField as error:
            raise NotFound("topic") from error
        return PUBLIC

    def stream(self, _: str, __: Actor | None) -> str:
        return STREAM

    def initial(self, topic_id: str) -> State:
        return State(topic_id, {})

    def evolve(self, state: State, entry: Entry) -> State:
        published = entry.fact
        if not isinstance(published, PricePublished) or not _covers(state.wanted, published.cell):
            return state
        before = state.prices.get(published.cell)
        shown = {
            "price": decimal_text(published.value_minor, published.currency),
            "previous": before["price"] if before else None,
            "currency": published.currency,
            "number": published.number,
            "volume_band": published.volume_band,
            "size_band": published.size_band,
            "method": published.method,
            "at": stamp(published.at),
        }
        return State(state.wanted, {**state.prices, published.cell: shown})

    def view(self, state: State, _: Audience) -> dict[str, Any]:
        return {"prices": dict(state.prices)}


class CurveTopic(PriceTopic):
    """`curve:INSTRUMENT/REGION`: the last price of each month, for whoever has a session."""

    async def allow(self, actor: Actor | None, topic_id: str) -> Audience:
        # A curve is all the months of a place, so any month tells whether there is one.
        return await super().allow(actor, f"{topic_id}/{_ANY_MONTH}")

    def initial(self, topic_id: str) -> State:
        return super().initial(f"{topic_id}/*")


def _covers(wanted: str, cell: str) -> bool:
    if wanted == "*":
        return True
    return cell.startswith(wanted[:-1]) if wanted.endswith("/*") else cell == wanted
