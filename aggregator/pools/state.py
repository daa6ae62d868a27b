"""A pool as its journal tells it, for the eyes of each audience."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from aggregator.pools import store
from aggregator.pools.facts import (
    FirmingBegan,
    GroupAuctioned,
    GroupMember,
    LeftOut,
    MemberAward,
    OfferListed,
    OfferUnlisted,
    PledgeChanged,
    PledgeJoined,
    PledgesLeftOut,
    PledgeWithdrawn,
    PoolAwarded,
    PoolClosed,
    PoolExtended,
    PoolLapsed,
    PoolOpened,
    PoolProlonged,
    ProgressStated,
    ShareFreed,
    ShortfallDeclared,
    SubstituteAwarded,
    SubstituteDeclined,
    SubstituteExpired,
    SubstituteExtended,
    SubstituteOffered,
    Supplied,
)
from aggregator.pools.motions import PoolStopped, PoolStopProposed


@dataclass(frozen=True, slots=True)
class Standing:
    """A pledge, and what came of it."""

    pledge_id: str
    organisation_id: str
    owner_group: str
    lots: int
    tolerance_lots: int
    limit_minor: int
    freight_minor: int
    size_lots: int
    size_from: str
    agrees_to_prolong: bool
    deposit_minor: int
    tier: str = ""
    group: int | None = None
    group_lots: int | None = None
    award: MemberAward | None = None
    reason: str | None = None
    substitute: SubstituteOffered | None = None
    reduced_lots: int | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """A formed group, its auction, and who sold it what at which price: `sold`, by supplier."""

    goods_minor: int
    lots: int
    auction_id: str | None = None
    auction_closes_at: datetime | None = None
    by: str | None = None
    sold: Mapping[str, Sold] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sold:
    """What a supplier sold to a group, at which goods price.

    `lots` are less what a member left unpaid and nobody has taken yet.
    `reduced_lots` is what he will deliver in all where it is less than `lots`.
    """

    lots: int
    goods_minor: int
    reduced_lots: int | None = None


@dataclass(frozen=True, slots=True)
class Stated:
    """What is stated of the progress, since when, and the lots it counted by organisation.

    `least_lots` is None while too few groups are in.
    """

    least_lots: int | None
    since: datetime
    counted: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class State:
    """`offers` holds the public ones' breaks, `pledges` those that stand, by organisation.

    `moves` counts how often each organisation joined or changed; `stop` is what was proposed last.
    """

    opened: PoolOpened | None = None
    phase: str = store.GATHERING
    firming_at: datetime | None = None
    closes_at: datetime | None = None
    is_prolonged: bool = False
    offers: Mapping[str, tuple[tuple[int, int], ...]] = field(default_factory=dict)
    pledges: Mapping[str, Standing] = field(default_factory=dict)
    groups: Mapping[int, Group] = field(default_factory=dict)
    stated: Stated | None = None
    open_groups: int = 0
    moves: Mapping[str, int] = field(default_factory=dict)
    stop: PoolStopProposed | None = None
    is_stopped: bool = False


def evolve(state: State, fact: Any) -> State:
    """Return the state after a fact."""
    match fact:
        case PoolOpened():
            return replace(state, opened=fact, firming_at=fact.firming_at, closes_at=fact.closes_at)
        case OfferListed() if fact.is_public:
            return replace(state, offers={**state.offers, fact.offer_id: fact.breaks})
        case OfferUnlisted():
            left = {name: b for name, b in state.offers.items() if name != fact.offer_id}
            return replace(state, offers=left)
        case FirmingBegan():
            return replace(state, phase=store.FIRMING)
        case ProgressStated():
            return _stated(state, fact)
        case PoolStopProposed():
            return replace(state, stop=fact)
        case PoolStopped():
            return replace(state, is_stopped=True)
        case PoolExtended():
            return replace(state, firming_at=fact.firming_at, closes_at=fact.closes_at)
        case PoolProlonged():
            return replace(state, closes_at=fact.closes_at, is_prolonged=True)
        case PledgeJoined() | PledgeChanged() | PledgeWithdrawn():
            return _pledged(state, fact)
        case _:
            return _ended(state, fact)


def _stated(state: State, fact: ProgressStated) -> State:
    known = state.stated
    counted = known.counted if known else {}
    if fact.is_counted:
        counted = {name: own.lots for name, own in state.pledges.items()}
    is_same = known is not None and known.least_lots == fact.least_lots
    since = known.since if known is not None and is_same else fact.at
    return replace(state, stated=Stated(fact.least_lots, since, counted))


def _pledged(state: State, fact: PledgeJoined | PledgeChanged | PledgeWithdrawn) -> State:
    pledges = dict(state.pledges)
    match fact:
        case PledgeJoined():
            pledges[fact.organisation_id] = Standing(
                pledge_id=fact.pledge_id,
                organisation_id=fact.organisation_id,
                owner_group=fact.owner_group,
                lots=fact.lots,
                tolerance_lots=fact.tolerance_lots,
                limit_minor=fact.limit_minor,
                freight_minor=fact.freight_minor,
                size_lots=fact.size_lots,
                size_from=fact.size_from,
                agrees_to_prolong=fact.agrees_to_prolong,
                deposit_minor=fact.deposit_minor,
                tier=fact.tier,
            )
        case PledgeChanged():
            pledges[fact.organisation_id] = replace(
                pledges[fact.organisation_id],
                lots=fact.lots,
                tolerance_lots=fact.tolerance_lots,
                limit_minor=fact.limit_minor,
                freight_minor=fact.freight_minor,
                agrees_to_prolong=fact.agrees_to_prolong,
                deposit_minor=fact.deposit_minor,
            )
        case PledgeWithdrawn():
            del pledges[fact.organisation_id]
            return replace(state, pledges=pledges)
    moves = {**state.moves, fact.organisation_id: state.moves.get(fact.organisation_id, 0) + 1}
    return replace(state, pledges=pledges, moves=moves)


def _ended(state: State, fact: Any) -> State:
    match fact:
        case PoolClosed(groups=formed):
            groups = {group.number: Group(group.goods_minor, group.lots) for group in formed}
            pledges = dict(state.pledges)
            for group in formed:
                for member in group.members:
                    _put(pledges, member, group=group.number, group_lots=member.lots)
            return replace(
                state,
                phase=store.CLOSED,
                groups=groups,
                pledges=pledges,
                open_groups=len(formed),
            )
        case GroupAuctioned():
            after = replace(
                state.groups[fact.number],
                auction_id=fact.auction_id,
                auction_closes_at=fact.closes_at,
            )
            return replace(state, groups={**state.groups, fact.number: after})
        case PoolAwarded():
            pledges = dict(state.pledges)
            for award in fact.awards:
                _put(pledges, award, award=award)
            suppliers = fact.suppliers or (Supplied(fact.seller_id, fact.lots, fact.goods_minor),)
            sold = {one.seller_id: Sold(one.lots, one.goods_minor) for one in suppliers}
            bought = _with_group(state, fact.number, by=fact.by, sold=sold)
            return _decided(replace(bought, pledges=pledges))
        case PledgesLeftOut() | PoolLapsed():
            return _left(state, fact)
    return _after_award(state, fact)


def _after_award(state: State, fact: Any) -> State:
    pledges = dict(state.pledges)
    match fact:
        case SubstituteOffered():
            _put(pledges, fact, substitute=fact)
        case SubstituteExtended():
            offered = pledges[fact.organisation_id].substitute
            assert offered is not None
            _put(pledges, fact, substitute=replace(offered, until=fact.until))
        case SubstituteDeclined() | SubstituteExpired():
            _put(pledges, fact, substitute=None)
        case SubstituteAwarded(award=award):
            taken = {"group": fact.number, "group_lots": award.lots, "award": award}
            _put(pledges, award, substitute=None, reason=None, **taken)
            state = _resold(state, fact.number, fact.seller_id, award.lots)
        case ShareFreed():
            state = _resold(state, fact.number, fact.seller_id, -fact.lots)
        case ShortfallDeclared():
            for member in fact.members:
                _put(pledges, member, reduced_lots=member.lots)
            state = _with_sold(state, fact.number, fact.seller_id, reduced_lots=fact.lots)
        case _:
            return state
    return replace(state, pledges=pledges)


def _with_group(state: State, number: int, **changes: Any) -> State:
    group = replace(state.groups[number], **changes)
    return replace(state, groups={**state.groups, number: group})


def _resold(state: State, number: int, seller_id: str, lots: int) -> State:
    """Return the state with so many more lots sold; a fact that names no supplier has one."""
    sold = state.groups[number].sold
    named = seller_id or next(iter(sold))
    return _with_sold(state, number, named, lots=sold[named].lots + lots)


def _with_sold(state: State, number: int, seller_id: str, **changes: Any) -> State:
    sold = state.groups[number].sold
    after = {**sold, seller_id: replace(sold[seller_id], **changes)}
    return _with_group(state, number, sold=after)


def _left(state: State, fact: PledgesLeftOut | PoolLapsed) -> State:
    pledges = dict(state.pledges)
    grouped = {
        pledges[left.organisation_id].group
        for left in fact.left_out
        if pledges[left.organisation_id].group is not None
    }
    for left in fact.left_out:
        _put(pledges, left, reason=left.reason, group=None, group_lots=None)
    after = replace(state, pledges=pledges)
    if isinstance(fact, PoolLapsed):
        return replace(after, phase=store.LAPSED, open_groups=0)
    return _decided(after) if grouped else after


def _decided(state: State) -> State:
    left = state.open_groups - 1
    phase = store.AWARDED if left == 0 else state.phase
    return replace(state, open_groups=left, phase=phase)


_Substitute = SubstituteOffered | SubstituteExtended | SubstituteDeclined | SubstituteExpired


def _put(
    pledges: dict[str, Standing],
    of: GroupMember | MemberAward | LeftOut | _Substitute,
    **changes: Any,
) -> None:
    pledges[of.organisation_id] = replace(pledges[of.organisation_id], **changes)
