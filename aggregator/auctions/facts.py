"""What the journal keeps of an auction, and what others may learn of it.

The events of the engine are stored as they are; the facts here say what the engine need
not know: whose auction it is, who may come, and what became of it.
"""

from __future__ import annotations

from datetime import datetime

from aggregator.journal.facts import fact, register
from matching.auctions.events import EVENT_TYPES, Award

for _event in EVENT_TYPES.values():
    register(_event)


@fact
class AuctionListed:
    """What stands in the window. Empty `kinds` and `invited` let everyone in.

    Firms of `barred_groups` belong to the owner, or to who stands behind the volume.
    Basis points are those of the instrument at the opening; `reference` is opaque here. `beacon`
    names what orders drawn ties beside the seed, empty where the seed alone does.
    """

    auction_id: str
    reference: str
    owner_id: str | None
    owner_name: str
    title: str
    instrument_id: str
    instrument_name_zh: str
    instrument_name_en: str
    lot_text: str
    region: str
    region_name_zh: str
    region_name_en: str
    tenor: str
    cell: str
    currency: str
    deposit_bps: int
    tax_bps: int
    fee_bps: int
    service_tax_bps: int
    kinds: tuple[str, ...]
    invited: tuple[str, ...]
    barred_groups: tuple[str, ...]
    owner_name_en: str = ""
    lot_fee_minor: int = 0
    beacon: str = ""


@fact
class AuctionKeyed:
    """The auction's key, wrapped by the installation's: salts, marks and seeds follow from it."""

    wrapped: str


@fact
class ActSealed:
    """A bid or a standing limit that nobody may read yet; `sealing` makes and opens the box."""

    box: str


@fact
class SealsOpened:
    """The close opened the boxes: the key, for whoever reads the journal later."""

    key: str


@fact
class StopProposed:
    """A person of the operator wants to `pause`, `resume` or `cancel`, for a reason."""

    motion_id: str
    act: str
    reason: str
    person_id: str
    expires_at: datetime


@fact
class WithdrawalProposed:
    """A person of the operator wants a bid to be taken out, for a public reason."""

    motion_id: str
    bid_id: str
    reason: str
    person_id: str
    expires_at: datetime

    @property
    def act(self) -> str:
        return "withdraw"


Motion = StopProposed | WithdrawalProposed


@fact
class StopApproved:
    """Another person of the operator agreed; what it sets off follows."""

    motion_id: str
    person_id: str


@fact
class BiddingBegan:
    """A scheduled auction opened its window."""

    auction_id: str


@fact
class BidderEntered:
    """A firm's first bid; no other firm of its owner group may follow."""

    organisation_id: str
    owner_group: str
    name: str
    name_en: str = ""


@fact
class AuctionAwarded:
    """Lots were won. Each award has the price per lot that its winner pays or is paid."""

    auction_id: str
    reference: str
    side: str
    cell: str
    owner_id: str | None
    awards: tuple[Award, ...]
    unawarded_lots: int


@fact
class AuctionFailed:
    """Nothing was won: `no_bids`, `reserve_not_met`, `unawarded` or `cancelled`."""

    auction_id: str
    reference: str
    side: str
    cell: str
    owner_id: str | None
    lots: int
    outcome: str
