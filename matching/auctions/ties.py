"""The order of bids: better price, then the declared tie rule, then earlier sequence.

With `time` the earlier accepted bid goes first. With `draw`, bids of equal price go by
SHA-256(seed ‖ beacon ‖ bid id) in ascending order: the seed (32 bytes) was committed to
by its SHA-256 before the opening, the beacon (32 bytes) came from outside at the close,
so neither the operator nor a bidder could choose the order. Without a beacon the seed
counts alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from operator import attrgetter

from matching.auctions.events import BidPlaced
from matching.auctions.refusals import SeedMismatch
from matching.auctions.rules import Rules


@dataclass(frozen=True, slots=True)
class Draw:
    seed: bytes
    beacon: bytes

    def ticket(self, bid_id: str) -> bytes:
        return sha256(self.seed + self.beacon + bid_id.encode()).digest()


def drawn(rules: Rules, seed: str | None, beacon: str | None) -> Draw | None:
    """Return the draw that settles ties, or None where time does.

    Raises:
        SeedMismatch: the seed is missing, malformed or not the committed one.

    """
    if rules.tie != "draw" or rules.draw_commitment is None:
        return None
    revealed = _bytes(seed)
    if sha256(revealed).hexdigest() != rules.draw_commitment or len(revealed) != 32:
        raise SeedMismatch(rules.draw_commitment)
    return Draw(revealed, _bytes(beacon))


def better_first(rules: Rules, score_minor: int) -> int:
    """Return the sort key of a score: lower is better where suppliers undercut."""
    return score_minor if rules.side == "buy" else -score_minor


def ranked(rules: Rules, bids: Iterable[BidPlaced], draw: Draw | None = None) -> list[BidPlaced]:
    """Return the bids from best to worst."""
    if draw is None:
        return sorted(bids, key=lambda bid: (better_first(rules, bid.score_minor), bid.seq))
    return sorted(
        bids,
        key=lambda bid: (better_first(rules, bid.score_minor), draw.ticket(bid.bid_id), bid.seq),
    )


def in_tie_order(equals: list[BidPlaced], draw: Draw | None) -> list[BidPlaced]:
    """Return bids of one score in the order in which they are served."""
    if draw is None:
        return sorted(equals, key=attrgetter("seq"))
    return sorted(equals, key=lambda bid: (draw.ticket(bid.bid_id), bid.seq))


def _bytes(text: str | None) -> bytes:
    try:
        return bytes.fromhex(text or "")
    except ValueError:
        return b""
