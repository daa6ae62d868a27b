"""Why an auction turns a firm away before its rules are asked."""

from __future__ import annotations

from dataclasses import dataclass

from aggregator.errors import MarketError


@dataclass
class RelatedToOwner(MarketError):
    """The firm's owner group stands behind the auction."""

    code = "related_to_owner"
    auction_id: str


@dataclass
class GroupAlreadyBids(MarketError):
    """Another firm of the same owner group bids in this auction."""

    code = "group_already_bids"
    auction_id: str


@dataclass
class KindNotAdmitted(MarketError):
    """The auction admits other kinds of firm; `admitted` lists them."""

    code = "kind_not_admitted"
    kind: str
    admitted: str
