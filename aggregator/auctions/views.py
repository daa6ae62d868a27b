"""What each audience sees of an auction: the rules' disclosure, with names and amounts.

Keys and values are those of the feed and the pages: `price_minor: 500000` is shown as
`"price": "5000.00"`.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from aggregator.amounts import decimal_text
from aggregator.auctions.facts import Motion, WithdrawalProposed
from aggregator.auctions.store import Room
from aggregator.auctions.terms import ROLE_OF_BIDDER
from aggregator.market import Actor, Audience
from aggregator.parties.queries import organisations_of
from matching.auctions import disclosure
from matching.auctions.events import Result
from matching.auctions.state import State

MEMBER, OWNER, OPERATOR = "member", "owner", "operator"

_MINOR = "_minor"


async def audience_of(room: Room, actor: Actor | None) -> Audience | None:
    """Return whose eyes the actor has here; None where the auction is not for them.

    Where observers are told less, whoever could not bid is one of them, signed in or not.
    """
    listing, state = room.opened
    if actor is None:
        return None if listing.invited else Audience("public")
    if actor.organisation_id == listing.owner_id:
        return Audience(OWNER, actor.organisation_id)
    if "operator" in actor.roles:
        return Audience(OPERATOR, actor.organisation_id)
    if listing.invited and actor.organisation_id not in listing.invited:
        return None
    if state.rules.to_observers != state.rules.disclosure and not await _may_bid(room, actor):
        return Audience("public")
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
    if room.listing is None or room.state is None:
        return {}
    listing, state = room.opened
    # Facts alone tell that the window is open: a clock here would make a hidden bid show.
    opens_at = state.rules.opens_at
    now = opens_at if room.has_begun else opens_at - timedelta(milliseconds=1)
    eyes = _eyes(audience)
    seen = dict(disclosure.view(state, eyes, now))
    _tell_the_clock(seen, state)
    steps = [{"from_minor": low, "step_minor": step} for low, step in state.rules.steps]
    seen["steps"] = steps
    if disclosure.sees_all(state, eyes):
        known = _in_order(room)
        seen["bidders"] = {one.organisation_id: one.name for one in known}
        seen["bidders_en"] = {one.organisation_id: one.name_en for one in known}
    if audience.kind in (OWNER, OPERATOR):
        seen["motions"] = [_motion(motion, audience) for motion in room.motions]
    if audience.kind == OPERATOR and not state.rules.reserve_is_public:
        seen["reserve_minor"] = None
    seen.update(_of_the_result(state, audience))
    named = {
        "auction_id": listing.auction_id,
        "audience": audience.kind,
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
        "tie": state.rules.tie,
        "draw_commitment": state.rules.draw_commitment,
        "draw_beacon": listing.beacon,
        "soft_close_s": state.rules.soft_close_s,
        "max_extensions": state.rules.max_extensions,
        "max_share": state.rules.max_share,
        "shares": list(state.rules.shares),
    }
    shown: dict[str, Any] = _worded({**named, **seen}, listing.currency)
    return shown


def _tell_the_clock(seen: dict[str, Any], state: State) -> None:
    """Show a Dutch clock by the facts that move it; a price in their place would be an old one."""
    if state.rules.format != "dutch":
        return
    del seen["clock_minor"]
    is_stopped = state.phase == "paused"
    seen["clock_from"] = disclosure.instant(state.rules.opens_at + state.lost)
    seen["clock_stopped_at"] = disclosure.instant(state.since) if is_stopped else None


def _motion(motion: Motion, audience: Audience) -> dict[str, Any]:
    shown = {
        "motion_id": motion.motion_id,
        "act": motion.act,
        "reason": motion.reason,
        "expires_at": disclosure.instant(motion.expires_at),
    }
    if audience.kind == OPERATOR:
        shown["proposed_by"] = motion.person_id
        # Who approves must know which bid goes; the owner might learn a bidder's by its id.
        if isinstance(motion, WithdrawalProposed):
            shown["bid_id"] = motion.bid_id
    return shown


def _of_the_result(state: State, audience: Audience) -> dict[str, Any]:
    """Return what a close adds: the draw for everybody, his own outcome for each bidder."""
    result, added = state.result, dict[str, Any]()
    if result is not None and result.seed is not None:
        added["draw"] = {"seed": result.seed, "beacon": result.beacon or None}
    if result is not None and audience.kind == MEMBER:
        bidder = str(audience.organisation_id)
        added["my_outcome"] = _outcome_of(state, result, bidder)
        if added["my_outcome"] is not None:
            added["my_explanation"] = _explained(state, result, bidder)
    return added


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
        stands = state.clock.standing().get(bidder)
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


def _eyes(audience: Audience) -> disclosure.Audience:
    if audience.kind == OWNER:
        return disclosure.Owner()
    if audience.kind == OPERATOR:
        return disclosure.Operator()
    if audience.kind == MEMBER and audience.organisation_id is not None:
        return disclosure.Bidder(audience.organisation_id)
    return disclosure.Observer()


def _worded(value: Any, currency: str) -> Any:
    if isinstance(value, list | tuple):
        return [_worded(member, currency) for member in value]
    if not isinstance(value, dict):
        return value
    return {
        key.removesuffix(_MINOR): _amount(member, currency)
        if key.endswith(_MINOR)
        else _worded(member, currency)
        for key, member in value.items()
    }


def _amount(minor: int | None, currency: str) -> str | None:
    return None if minor is None else decimal_text(minor, currency)
