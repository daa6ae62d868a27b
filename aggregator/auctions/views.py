"""What each audience sees of an auction: the rules' disclosure, with names and amounts.

Keys and values are those of the feed and the pages: `price_minor: 500000` is shown as
`"price": "5000.00"`.
"""

from __future__ import annotations

from datetime import timedelta
from functools import lru_cache
from types import NoneType
from typing import Any

from aggregator.amounts import decimal_text
from aggregator.auctions.facts import AuctionListed, BidderEntered, Motion, WithdrawalProposed
from aggregator.auctions.store import Room
from aggregator.auctions.terms import ROLE_OF_BIDDER
from aggregator.market import PUBLIC, Actor, Audience, MaySee, Seen
from aggregator.parties.queries import organisations_of
from matching.auctions import disclosure
from matching.auctions.events import Result
from matching.auctions.rules import Rules
from matching.auctions.sight import Kind, seeing_all, sight
from matching.auctions.state import State

MEMBER, OWNER, OPERATOR = "member", "owner", "operator"

_MINOR = "_minor"
_PLAIN = frozenset({str, int, bool, NoneType})
_KINDS: dict[Kind, str] = {
    disclosure.Observer: PUBLIC.kind,
    disclosure.Bidder: MEMBER,
    disclosure.Owner: OWNER,
    disclosure.Operator: OPERATOR,
}
KINDS = tuple(_KINDS.values())


async def audience_of(room: Room, actor: Actor | None) -> Audience | None:
    """Return whose eyes the actor has here; None where the auction is not for them.

    Where observers are told less, whoever could not bid is one of them, signed in or not.
    """
    listing, state = room.opened
    if actor is None:
        return None if listing.invited else PUBLIC
    if actor.organisation_id == listing.owner_id:
        return Audience(OWNER, actor.organisation_id)
    if "operator" in actor.roles:
        return Audience(OPERATOR, actor.organisation_id)
    if listing.invited and actor.organisation_id not in listing.invited:
        return None
    if state.rules.to_observers != state.rules.disclosure and not await _may_bid(room, actor):
        return PUBLIC
    return Audience(MEMBER, actor.organisation_id)


async def _may_bid(room: Room, actor: Actor) -> bool:
    """Say whether the actor's firm bids here, or could by the actor's word."""
    listing, state = room.opened
    if actor.organisation_id in room.bidders:
        return True
    if ROLE_OF_BIDDER[state.rules.side] not in actor.roles:
        return False
    if actor.owner_group in listing.barred_groups:
        return False
    if not listing.kinds:
        return True
    firms = await organisations_of([actor.organisation_id])
    return any(firm.kind in listing.kinds for firm in firms)


def view(room: Room, audience: Audience) -> dict[str, Any]:
    """Return what the audience may see; an auction shows nothing before it has opened."""
    shown = common(room, audience.kind)
    if audience.kind == MEMBER and audience.organisation_id is not None:
        shown.update(own(room, audience.organisation_id))
    return shown


def common(room: Room, kind: str) -> dict[str, Any]:
    """Return what all audiences of a kind see alike."""
    if room.listing is None or room.state is None:
        return {}
    listing, state = room.opened
    # Facts alone tell that the window is open: a clock here would make a hidden bid show.
    opens_at = state.rules.opens_at
    now = opens_at if room.has_begun else opens_at - timedelta(milliseconds=1)
    eyes = _eyes(kind)
    seen = dict(disclosure.common(state, eyes, now))
    _tell_the_clock(seen, state)
    steps = [{"from_minor": low, "step_minor": step} for low, step in state.rules.steps]
    seen["steps"] = steps
    if kind in (OWNER, OPERATOR):
        seen["motions"] = [_motion(motion, kind) for motion in room.motions]
    if kind == OPERATOR and not state.rules.reserve_is_public:
        seen["reserve_minor"] = None
    if state.result is not None and state.result.seed is not None:
        seen["draw"] = {"seed": state.result.seed, "beacon": state.result.beacon or None}
    shown: dict[str, Any] = _worded(
        {**_terms(listing, state.rules, kind), **seen}, listing.currency
    )
    if disclosure.sees_all(state, eyes):
        known = _in_order(room)
        shown["bidders"] = {one.organisation_id: one.name for one in known}
        shown["bidders_en"] = {one.organisation_id: one.name_en for one in known}
    return shown


def _terms(listing: AuctionListed, rules: Rules, kind: str) -> dict[str, Any]:
    """Return what stands in the window from the first: what it is, whose, and by which rules."""
    return {
        "auction_id": listing.auction_id,
        "audience": kind,
        "reference": listing.reference,
        "owner_id": listing.owner_id,
        "owner_name": listing.owner_name,
        "owner_name_en": listing.owner_name_en,
        "title": listing.title,
        "instrument_id": listing.instrument_id,
        "instrument_name_zh": listing.instrument_name_zh,
        "instrument_name_en": listing.instrument_name_en,
        "lot_text": listing.lot_text,
        "region": listing.region,
        "region_name_zh": listing.region_name_zh,
        "region_name_en": listing.region_name_en,
        "tenor": listing.tenor,
        "cell": listing.cell,
        "currency": listing.currency,
        "deposit_bps": listing.deposit_bps,
        "kinds": list(listing.kinds),
        "tie": rules.tie,
        "draw_commitment": rules.draw_commitment,
        "draw_beacon": listing.beacon,
        "soft_close_s": rules.soft_close_s,
        "max_extensions": rules.max_extensions,
        "max_share": rules.max_share,
        "shares": list(rules.shares),
    }


def own(room: Room, bidder: str) -> dict[str, Any]:
    """Return what a bidder sees besides, under names that are in nothing common."""
    if room.listing is None or room.state is None:
        return {}
    listing, state = room.opened
    seen = disclosure.own(state, bidder)
    if state.result is not None:
        seen["my_outcome"] = _outcome_of(state, state.result, bidder)
        if seen["my_outcome"] is not None:
            seen["my_explanation"] = _explained(state, state.result, bidder)
    shown: dict[str, Any] = _worded(seen, listing.currency)
    return shown


def seen_by(room: Room, fact: object) -> Seen | MaySee:
    """Return who sees a difference once a fact is taken, or who may see one."""
    state = room.state
    if room.listing is None or state is None:
        return MaySee()
    if isinstance(fact, BidderEntered) and fact.organisation_id not in room.bidders:
        return Seen(tuple(_KINDS[kind] for kind in seeing_all(state)))
    found = sight(state, fact)
    if found is None:
        return MaySee()
    return Seen(tuple(_KINDS[kind] for kind in found.kinds), found.bidders)


def _tell_the_clock(seen: dict[str, Any], state: State) -> None:
    """Show a Dutch clock by the facts that move it; a price in their place would be an old one."""
    if state.rules.format != "dutch":
        return
    del seen["clock_minor"]
    is_stopped = state.phase == "paused"
    seen["clock_from"] = disclosure.instant(state.rules.opens_at + state.lost)
    seen["clock_stopped_at"] = disclosure.instant(state.since) if is_stopped else None


def _motion(motion: Motion, kind: str) -> dict[str, Any]:
    shown = {
        "motion_id": motion.motion_id,
        "act": motion.act,
        "reason": motion.reason,
        "expires_at": disclosure.instant(motion.expires_at),
    }
    if kind == OPERATOR:
        shown["proposed_by"] = motion.person_id
        # Who approves must know which bid goes; the owner might learn a bidder's by its id.
        if isinstance(motion, WithdrawalProposed):
            shown["bid_id"] = motion.bid_id
    return shown


def _explained(state: State, result: Result, bidder: str) -> dict[str, Any]:
    """Say what counted for a bidder: nothing of another's but what the disclosure shows.

    `worst_winning` is the price, or score, that still won lots, where all prices are shown.
    """
    rules = state.rules
    won = sum(award.lots for award in result.awards if award.bidder == bidder)
    told: dict[str, Any] = {
        "counted": _counted(state),
        "tie": rules.tie,
        "rank": disclosure.own_place(state, bidder)[1],
        "asked_lots": _asked_lots(state, bidder),
        "won_lots": won,
    }
    scores = [
        bid.score_minor
        for award in result.awards
        if (bid := state.book.of(award.bidder)) is not None
    ]
    if rules.disclosure == "full" and scores:
        told["worst_winning_minor"] = max(scores) if rules.side == "buy" else min(scores)
    return told


def _counted(state: State) -> str:
    """Say in a word what decided between bidders."""
    form = state.rules.format
    if form in ("packages", "dutch"):
        return form
    if state.clock is not None:
        return "rounds"
    return "score" if state.rules.criteria else "price"


def _asked_lots(state: State, bidder: str) -> int | None:
    """Return what a bidder asked for at the end: nothing, if he left in an earlier round."""
    if state.clock is not None:
        stands = state.clock.standing_of(bidder)
        return 0 if stands is None else stands.total
    mine = state.book.of(bidder)
    return None if mine is None else mine.lots


def _outcome_of(state: State, result: Result, bidder: str) -> str | None:
    """Say in a word what became of a bidder: what he may know in every disclosure."""
    if any(won.bidder == bidder for won in result.awards):
        return "won"
    left = [one.reason for one in result.rejected_in_the_money if one.bidder == bidder]
    if left:
        return left[0]
    asked = {one for one, _ in state.clock.ids} if state.clock is not None else set()
    asked |= {bid.bidder for bid in state.packages}
    if state.book.of(bidder) is None and bidder not in asked:
        return None
    return "outbid" if result.awards else "not_awarded"


def _in_order(room: Room) -> list[Any]:
    return [room.bidders[key] for key in sorted(room.bidders)]


def _eyes(kind: str) -> disclosure.Audience:
    """Return an audience of the kind; which of them plays no part in what is common."""
    if kind == OWNER:
        return disclosure.Owner()
    if kind == OPERATOR:
        return disclosure.Operator()
    return disclosure.Bidder("") if kind == MEMBER else disclosure.Observer()


def _worded(value: Any, currency: str) -> Any:
    kind = value.__class__
    if kind in _PLAIN:
        return value
    if kind in (list, tuple):
        return [_worded(member, currency) for member in value]
    return {
        name: _amount(member, currency)
        if is_amount
        else (member if member.__class__ in _PLAIN else _worded(member, currency))
        for (name, is_amount), member in zip(_names(tuple(value)), value.values(), strict=True)
    }


@lru_cache(maxsize=256)
def _names(keys: tuple[str, ...]) -> tuple[tuple[str, bool], ...]:
    """Return each member's name as it is shown, and whether it is an amount."""
    return tuple((key.removesuffix(_MINOR), key.endswith(_MINOR)) for key in keys)


# Of what is shown after a bid nearly all was shown before it.
@lru_cache(maxsize=16_384)
def _amount(minor: int | None, currency: str) -> str | None:
    return None if minor is None else decimal_text(minor, currency)
