"""What each fact and each timer sets off. Calls go down; facts come up through here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from aggregator.auctions import closing as auction_closing
from aggregator.deals.facts import DealSettled
from aggregator.forwards import closing as forwards_closing
from aggregator.market import Market, Reactions
from aggregator.prices import publication

ON_FACT: Reactions = {
    DealSettled: [publication.on_deal_settled],
}

ON_TIMER: Mapping[str, Callable[[Market, str], Awaitable[None]]] = {
    "auctions.begin": auction_closing.begin,
    "auctions.close": auction_closing.close,
    "forwards.close": forwards_closing.close,
}
