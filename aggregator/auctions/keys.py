"""The key of one auction: made at its opening, wrapped, and kept with its facts."""

from __future__ import annotations

import secrets
from collections.abc import Iterable

from aggregator.auctions.facts import AuctionKeyed
from aggregator.vault import KEY_BYTES, vault


def keyed(auction_id: str) -> AuctionKeyed:
    """Return the fact of a fresh key, which only this installation can read."""
    return AuctionKeyed(vault().wrap(secrets.token_bytes(KEY_BYTES), auction_id))


def key_of(auction_id: str, facts: Iterable[object]) -> bytes:
    """Return the auction's key, all zeros for one from before there were keys.

    Raises:
        KeyLost: another installation opened the auction.

    """
    for fact in facts:
        if isinstance(fact, AuctionKeyed):
            return vault().unwrap(fact.wrapped, auction_id)
    return bytes(KEY_BYTES)
