"""What an auditor reads: cleared instances with their results, as `aggregator check` takes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aggregator.auctions import evidence as auctions
from aggregator.catalogue.tenors import parse_cell
from aggregator.errors import NotFound
from aggregator.forwards import queries as forwards
from aggregator.laboratory.clearing import canonical_json
from aggregator.prices import evidence as prices
from web.api.routing import Call, Download, route

MAX_DIGITS = 9


@route("GET", "/auctions/{auction_id}/evidence", act="audit.read")
async def auction_evidence(call: Call) -> Download:
    """Give an auditor an ended auction: rules, bids, events and awards."""
    auction_id = call.path["auction_id"]
    return _document(auction_id, await auctions.evidence(auction_id))


@route("GET", "/strips/{strip_id}/evidence", act="audit.read")
async def strip_evidence(call: Call) -> Download:
    """Give an auditor a cleared strip: orders, offers and what came of them."""
    strip_id = call.path["strip_id"]
    return _document(strip_id, await forwards.evidence(strip_id))


@route(
    "GET", "/prices/{instrument}/{region}/{tenor}/publications/{number}/evidence", act="audit.read"
)
async def price_evidence(call: Call) -> Download:
    """Give an auditor a published price: the deals of its batch, and what comes of them."""
    path = call.path
    cell = parse_cell(f"{path['instrument']}/{path['region']}/{path['tenor']}")
    number = path["number"]
    if not (number.isascii() and number.isdigit() and len(number) <= MAX_DIGITS):
        raise NotFound("publication")
    name = f"{cell}/{number}".replace("/", "_")
    return _document(name, await prices.evidence(cell, int(number)))


def _document(name: str, found: Mapping[str, Any]) -> Download:
    content = canonical_json({"instance": found["instance"], "result": found["result"]})
    return Download(content.encode(), "application/json", f"{name}.json")
