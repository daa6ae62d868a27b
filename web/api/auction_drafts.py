"""What an auction may be drafted from, by the category of its goods."""

from __future__ import annotations

from aggregator.auctions import drafting
from aggregator.auctions.drafting import Draft
from aggregator.market import Answer
from web.api.auctions import ScoredTerm
from web.api.fields import Answers, Instrument, Money, Query
from web.api.routing import Call, route


class DraftsQuery(Query):
    """The instrument to be auctioned."""

    instrument: Instrument


class AuctionDraft(Answers):
    """Terms to begin from; `minutes` is how long to take bids, `months` how many items."""

    name: str
    format: str
    minutes: int
    step: Money
    disclosure: str
    interval_s: int | None
    max_share: int | None
    months: int
    criteria: list[ScoredTerm]


class AuctionDrafts(Answers):
    category: str
    drafts: list[AuctionDraft]


@route("GET", "/auction-drafts", act="auctions.open", query=DraftsQuery, out=AuctionDrafts)
async def auction_drafts(call: Call) -> Answer:
    """Show what an auction of an instrument may be drafted from."""
    asked: DraftsQuery = call.query
    category, drafts = await drafting.drafts_for(asked.instrument)
    return {"category": category, "drafts": [_shown(draft) for draft in drafts]}


def _shown(draft: Draft) -> Answer:
    template = draft.template
    return {
        "name": template.name,
        "format": template.format,
        "minutes": template.minutes,
        "step_minor": draft.step_minor,
        "disclosure": template.disclosure,
        "interval_s": template.interval_s,
        "max_share": template.max_share,
        "months": template.months,
        "criteria": [
            {
                "name": one.name,
                "unit_minor": one.unit_minor,
                "lowest": one.lowest,
                "highest": one.highest,
            }
            for one in template.criteria
        ],
    }
