"""What an auditor reads: cleared instances with their results, as `aggregator check` takes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aggregator.auctions import evidence as auctions
from aggregator.forwards import queries as forwards
from aggregator.laboratory.clearing import canonical_json
from web.api.routing import Call, Download, route


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


def _document(name: str, found: Mapping[str, Any]) -> Download:
    content = canonical_json({"instance": found["instance"], "result": found["result"]})
    return Download(content.encode(), "application/json", f"{name}.json")
