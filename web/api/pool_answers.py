"""What answers about pools look like."""

from __future__ import annotations

from typing import Literal

from web.api.fields import Answers, Money

SizeSource = Literal["settled", "declared", "registered", "request"]


class Break(Answers):
    from_lots: int
    price: Money


class Step(Answers):
    """How near the next break is, in steps of 10 %, and the last break that is surely reached."""

    from_lots: int
    price: Money
    percent: int
    reached_lots: int


class Progress(Step):
    """The step as last stated, and since when it has been the same.

    It is stated on a beat of 15 minutes once three owner groups' lots have moved, and when
    firming begins; never on one pledge.
    """

    since: str


class Landed(Answers):
    """Per lot, before tax: goods + own freight + the market's fee."""

    goods: Money
    freight: Money
    fee: Money
    landed: Money


class LandedAtBreak(Landed):
    from_lots: int
    is_within_limit: bool
    saving: Money | None


class Leaving(Answers):
    is_allowed: bool
    until: str
    releases: Money
    progress_without_you: Step | None


class OwnGroup(Answers):
    """The formed group that one is in, and the auction that may better its price."""

    lots: int
    at_most: Landed
    auction_id: str | None
    auction_closes_at: str | None


class OwnPart(Answers):
    """What one buys of one of several suppliers, at that one's goods price."""

    deal_id: str
    lots: int
    goods: Money


class OwnAward(Landed):
    """One's award; `reduced_lots` are what the supplier will deliver of it, if fewer.

    Of several suppliers there is a deal with each, `parts`, and `goods` is the one price of all
    members; `levelled` is what one paid beside the deals (below zero: got) for it to hold.
    """

    lots: int
    reduced_lots: int | None
    by: Literal["offer", "auction"]
    deal_id: str
    parts: list[OwnPart]
    levelled: Money


class OwnSubstitute(Landed):
    """Lots that another's default set free, for oneself alone until an instant."""

    lots: int
    deposit: Money
    until: str


class PledgeMade(Answers):
    pledge_id: str
    lots: int
    tolerance: int
    limit: Money
    freight: Money
    size: int
    size_from: SizeSource
    agrees_to_prolong: bool
    deposit: Money


class OwnPledge(PledgeMade):
    """One's pledge; among equals it goes before those of tiers below `tier`.

    `full_deposit` is what the pool's rules ask for, before one's tier lowers it to `deposit`.
    """

    full_deposit: Money
    tier: str | None
    landed: list[LandedAtBreak]
    changes_left: int | None
    is_large_share: bool | None
    leaving: Leaving | None
    group: OwnGroup | None
    award: OwnAward | None
    left_out: str | None
    substitute: OwnSubstitute | None


class OwnSale(Answers):
    """A group that one supplies; `reduced_lots` after a shortfall was declared."""

    number: int
    lots: int
    reduced_lots: int | None
    goods: Money
    by: Literal["offer", "auction"]


class Sight(Answers):
    """From when on a tier, and all above it, see the pool."""

    tier: str
    from_at: str


class Stop(Answers):
    """What one person of the operator proposed, and whether another one has approved it.

    Who proposed it, the operator alone is told.
    """

    motion_id: str
    reason: str
    expires_at: str
    is_stopped: bool
    proposed_by: str | None


class StopProposed(Answers):
    pool_id: str
    motion_id: str
    reason: str
    expires_at: str


class PoolStopped(Answers):
    pool_id: str
    phase: str
    reason: str


class PoolView(Answers):
    """The pool for the eyes of whoever asks; `you` is one's own pledge, `sold` what one sold.

    `sight` has the steps of its early sight, if it opened with one.
    """

    pool_id: str
    cell: str
    instrument_id: str
    region: str
    tenor: str
    currency: str
    mode: str
    phase: str
    firming_at: str
    closes_at: str
    is_prolonged: bool
    prolong_minutes: int
    auction_minutes: int
    max_share: int | None
    min_members: int
    sight: list[Sight]
    stop: Stop | None
    opened_by: Literal["market", "member", "you"]
    similarity: list[int]
    deposit_bps: int
    fee_bps: int
    logistics_fee_bps: int
    lot_fee: Money
    breaks: list[Break]
    progress: Progress | None
    you: OwnPledge | None
    sold: list[OwnSale]


class Pools(Answers):
    pools: list[PoolView]


class PoolOpened(Answers):
    pool_id: str
    cell: str
    phase: str
    firming_at: str
    closes_at: str


class Pledged(PledgeMade):
    pool_id: str
    phase: str
    firming_at: str
    closes_at: str


class PledgeEnded(Answers):
    pool_id: str
    pledge_id: str
    state: str


class Shortfall(Answers):
    pool_id: str
    number: int
    lots: int
    sold_lots: int


class Substituted(Landed):
    """The deal that freed lots became."""

    pool_id: str
    pledge_id: str
    deal_id: str
    lots: int


class Preview(Answers):
    """What a pledge would cost and hold; `full_deposit` is what a firm of no tier would hold."""

    pool_id: str
    currency: str
    deposit: Money | None
    full_deposit: Money | None
    landed: list[LandedAtBreak]
    progress_with_you: Step | None


class OwnPrice(Answers):
    """One's own last settled landed price in the instrument and region."""

    deal_id: str
    cell: str
    landed: Money
    settled_at: str


class PublishedPrice(Answers):
    """The last published goods price of the month or the nearest, and landed for oneself."""

    tenor: str
    is_same_month: bool
    price: Money
    landed: Money
    at: str


class Saving(Answers):
    """Per lot, before tax; None where there is nothing to compare with."""

    goods: Money
    landed: Money
    saving_own: Money | None
    saving_published: Money | None


class SavingAtBreak(Saving):
    from_lots: int


class Savings(Answers):
    """`missing` names the comparators that are not there."""

    pool_id: str
    currency: str
    freight: Money
    own_price: OwnPrice | None
    published_price: PublishedPrice | None
    missing: list[Literal["own_price", "published_price"]]
    breaks: list[SavingAtBreak]
    award: Saving | None
