"""What the journal keeps of a group buy. Prices are minor units per lot, quantities lots.

Every pledge that stood at the close ends in exactly one of `PoolAwarded.awards`,
`PledgesLeftOut.left_out` and `PoolLapsed.left_out`. Views decide who sees what of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from aggregator.catalogue.fees import Fees
from aggregator.journal.facts import fact


@dataclass(frozen=True, slots=True)
class GroupMember:
    """A pledge in a formed group, with the lots it takes there."""

    pledge_id: str
    organisation_id: str
    lots: int


@dataclass(frozen=True, slots=True)
class FormedGroup:
    """One window of similar sizes at one goods price, the one its lots earn of the offer."""

    number: int
    offer_id: str
    goods_minor: int
    lots: int
    members: tuple[GroupMember, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """What a member buys of one of several suppliers, at that supplier's price per lot."""

    seller_id: str
    lots: int
    goods_minor: int
    deal_id: str


@dataclass(frozen=True, slots=True)
class Supplied:
    """What one of several suppliers sold to a group, at his own price per lot."""

    seller_id: str
    lots: int
    goods_minor: int


@dataclass(frozen=True, slots=True)
class MemberAward:
    """What a member got: his landed price per lot before tax, and the deal it became.

    Of several suppliers he has a deal with each, `parts`, at their prices: `goods_minor` is then
    the one price of all members, rounded up, and `levelled_minor` what he paid (negative: got)
    beside the deals so that it holds for him.
    """

    pledge_id: str
    organisation_id: str
    lots: int
    goods_minor: int
    freight_minor: int
    fee_minor: int
    landed_minor: int
    deal_id: str
    parts: tuple[Part, ...] = ()
    levelled_minor: int = 0


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A pledge that got nothing, and why; its deposit is free again."""

    pledge_id: str
    organisation_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Sight:
    """From when on a tier, and all above it, see a pool."""

    tier: str
    from_at: datetime


@fact
class PoolOpened:
    """A gathering for a cell; every rule is frozen here, and shown to all.

    `sight` has the steps of its early sight; `is_own` when a firm opened it for itself.
    """

    pool_id: str
    instrument_id: str
    region: str
    tenor: str
    cell: str
    currency: str
    mode: str
    opened_by: str
    firming_at: datetime
    closes_at: datetime
    auction_minutes: int
    prolong_minutes: int
    similarity: tuple[int, int]
    min_members: int
    deposit_bps: int
    fee_bps: int
    logistics_fee_bps: int = 0
    lot_fee_minor: int = 0
    max_share: int | None = None
    sight: tuple[Sight, ...] = ()
    is_own: bool = False

    @property
    def fees(self) -> Fees:
        return Fees(self.fee_bps, self.logistics_fee_bps, lot_minor=self.lot_fee_minor)


@fact
class PoolShown:
    """From now on the tier of this number, and all above it, see the pool."""

    pool_id: str
    seen_from_tier: int


@fact
class OfferListed:
    """An offer stands in the pool's cell."""

    pool_id: str
    offer_id: str
    breaks: tuple[tuple[int, int], ...]
    is_public: bool


@fact
class OfferUnlisted:
    """An offer was withdrawn or is over."""

    pool_id: str
    offer_id: str


@fact
class PledgeJoined:
    """A member came in. His limit is read by the mechanism and by himself only."""

    pool_id: str
    pledge_id: str
    organisation_id: str
    owner_group: str
    lots: int
    tolerance_lots: int
    limit_minor: int
    freight_minor: int
    size_lots: int
    agrees_to_prolong: bool
    deposit_minor: int
    size_from: str = "declared"
    tier: str = ""


@fact
class PledgeChanged:
    """The pledge as it stands from now on."""

    pool_id: str
    pledge_id: str
    organisation_id: str
    lots: int
    tolerance_lots: int
    limit_minor: int
    freight_minor: int
    agrees_to_prolong: bool
    deposit_minor: int


@fact
class PledgeWithdrawn:
    pool_id: str
    pledge_id: str
    organisation_id: str


@fact
class FirmingBegan:
    """From now on members join and raise, but neither leave nor lower; `members` hear of it."""

    pool_id: str
    members: tuple[str, ...] = ()


@fact
class ProgressStated:
    """How near the next break is, for all to see: at least so many lots are in, or nothing.

    `is_counted` when it counted the pledges as they then stood, and did not repeat itself.
    """

    pool_id: str
    at: datetime
    least_lots: int | None
    is_counted: bool


@fact
class PoolExtended:
    """Time that the market lost was given back."""

    pool_id: str
    firming_at: datetime
    closes_at: datetime


@fact
class PoolProlonged:
    """Nothing was reached, and every one of the members had agreed to one more time."""

    pool_id: str
    cell: str
    closes_at: datetime
    members: tuple[str, ...] = ()


@fact
class PoolClosed:
    """Computed once on the pledges and offers then standing, and checked."""

    pool_id: str
    cell: str
    groups: tuple[FormedGroup, ...]
    inputs_sha256: str


@fact
class PoolNotCertified:
    """The checker refused what was computed, so nothing may be awarded; `operators` hear of it."""

    pool_id: str
    cell: str
    broken: str
    operators: tuple[str, ...]


@fact
class GroupAuctioned:
    """Suppliers may undercut the group's price until the auction closes."""

    pool_id: str
    number: int
    auction_id: str
    ceiling_minor: int
    closes_at: datetime


@fact
class PledgesLeftOut:
    """Members who got nothing while others did, or still may."""

    pool_id: str
    cell: str
    left_out: tuple[LeftOut, ...]


@fact
class PoolAwarded:
    """One group was bought: `by` the standing `offer` or the `auction`, whichever was better.

    Of several `suppliers` the best ranked one is `seller_id`.
    """

    pool_id: str
    cell: str
    number: int
    by: str
    seller_id: str
    goods_minor: int
    lots: int
    awards: tuple[MemberAward, ...]
    suppliers: tuple[Supplied, ...] = ()


@fact
class PoolLapsed:
    """Nothing was bought."""

    pool_id: str
    cell: str
    left_out: tuple[LeftOut, ...]


@fact
class ShortfallDeclared:
    """The supplier delivers fewer lots; `members` get these instead, at the same price."""

    pool_id: str
    number: int
    seller_id: str
    lots: int
    sold_lots: int
    members: tuple[GroupMember, ...]


@fact
class ShareFreed:
    """A member's deal lapsed unpaid: its lots are offered to who was left out."""

    pool_id: str
    number: int
    deal_id: str
    lots: int
    seller_id: str = ""


@fact
class SubstituteOffered:
    """Freed lots at the group's goods price, for one pledge alone, until an instant."""

    pool_id: str
    number: int
    substitute_id: str
    pledge_id: str
    organisation_id: str
    lots: int
    goods_minor: int
    freight_minor: int
    fee_minor: int
    landed_minor: int
    until: datetime
    deposit_minor: int | None = None


@fact
class SubstituteExtended:
    """Time that the market lost was given back."""

    pool_id: str
    substitute_id: str
    organisation_id: str
    until: datetime


@fact
class SubstituteDeclined:
    pool_id: str
    substitute_id: str
    pledge_id: str
    organisation_id: str
    lots: int


@fact
class SubstituteExpired:
    """Nobody answered in time; nothing was owed."""

    pool_id: str
    substitute_id: str
    pledge_id: str
    organisation_id: str
    lots: int


@fact
class SubstituteAwarded:
    """A pledge that was left out took freed lots; nobody else's price changed."""

    pool_id: str
    cell: str
    number: int
    substitute_id: str
    seller_id: str
    award: MemberAward


@fact
class SubstitutionEnded:
    """No more is offered of a freed share; `left_lots` nobody took are the supplier's again."""

    pool_id: str
    number: int
    deal_id: str
    seller_id: str
    left_lots: int
