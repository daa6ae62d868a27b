"""The key of one auction: made at its opening, wrapped, and kept with its facts."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from functools import lru_cache

from aggregator.auctions.facts import AuctionKeyed
from aggregator.vault import KEY_BYTES, derived, vault


def new_key(auction_id: str) -> AuctionKeyed:
    """Return the fact of a fresh key, which only this installation can read."""
    return AuctionKeyed(vault().wrap(secrets.token_bytes(KEY_BYTES), auction_id))


@lru_cache(maxsize=4096)
def unwrapped(wrapped: str, auction_id: str) -> bytes:
    """Return the key of an auction, all zeros for one from before there were keys.

    Raises:
        KeyLost: another installation opened the auction.

    """
    return vault().unwrap(wrapped, auction_id) if wrapped else bytes(KEY_BYTES)


def key_of(auction_id: str, facts: Iterable[object]) -> bytes:
    """Return the key that an auction's facts hold."""
    found = (fact.wrapped for fact in facts if isinstance(fact, AuctionKeyed))
    return unwrapped(next(found, ""), auction_id)


def seed_of(key: bytes) -> bytes:
    """Return the seed of the auction's draw: 32 bytes, fixed before the opening."""
    return derived(key, "seed")


def sealing_key(key: bytes) -> bytes:
    """Return the key of the boxes, which tells neither the seed nor a salt."""
    return derived(key, "seal")
