"""What may be asked of an auction. Who may ask is settled before a command gets here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from matching.values import value


@value
class PlaceBid:
    """A binding bid: `price_minor` per lot for `lots`, which stand for all when absent.

    `bid_id` is unique among the bids of its bidder. `attributes` are the values of the
    rules' scored criteria, by name.
    """

    bid_id: str
    bidder: str
    price_minor: int
    lots: int | None = None
    all_or_none: bool = False
    attributes: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class PlaceDemand:
    """What a bidder takes at the announced prices of this round: lots by item.

    His last demand of a round counts. Items not named are wanted not at all.
    """

    bid_id: str
    bidder: str
    demand: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class PlacePackage:
    """A binding bid on all of `items` or none, at `price_minor` per lot.

    `bid_id` is unique in the auction. Of one bidder's packages in one `xor` group at most
    one wins; those without a group may all win. `attributes` are as of `PlaceBid`.
    """

    bid_id: str
    bidder: str
    items: tuple[str, ...]
    price_minor: int
    xor: str | None = None
    attributes: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class EndRound:
    """Told by the timer when a round's time is up."""


@dataclass(frozen=True, slots=True)
class SetStanding:
    """Bid for me up to a limit, for all lots; a limit of None takes the order back.

    The last one of a bidder counts. What was bid for him already stays binding.
    """

    standing_id: str
    bidder: str
    limit_minor: int | None


@dataclass(frozen=True, slots=True)
class WithdrawBid:
    """Take the accepted bid `seq` out, of the formats whose bids name their own price."""

    seq: int
    reason: str


@dataclass(frozen=True, slots=True)
class Begin:
    """Let the standing orders set before the opening bid, as of the opening.

    The first act of the window does the same; the timer sends this to show it at once.
    """


@dataclass(frozen=True, slots=True)
class Close:
    """Close and award. A draw of ties needs the committed seed; the beacon may be missing.

    Both are lower-case hexadecimal, 32 bytes.
    """

    seed: str | None = None
    beacon: str | None = None


@dataclass(frozen=True, slots=True)
class Pause:
    reason: str


@dataclass(frozen=True, slots=True)
class Resume:
    pass


@dataclass(frozen=True, slots=True)
class RecordOutage:
    """The market was down in [began_at, now): told by whoever finds the heartbeat missing."""

    began_at: datetime


@dataclass(frozen=True, slots=True)
class Cancel:
    reason: str


Command = (
    PlaceBid
    | PlaceDemand
    | PlacePackage
    | EndRound
    | SetStanding
    | WithdrawBid
    | Begin
    | Close
    | Pause
    | Resume
    | RecordOutage
    | Cancel
)
