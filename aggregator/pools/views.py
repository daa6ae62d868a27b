"""What each audience sees of a pool, money as decimal text.

Everybody: the rules, the deadlines, the breaks of the public offers, and how near the next
break is, as last stated (`progress`). No view is made from another's pledge as it stands: what
he does before the next statement changes nothing that anyone else sees. A member also sees his
own pledge and what it would cost at each break; after the award his own award, a supplier the
total of what he sold. Nobody sees names, volumes or limits of others, and nothing shown
depends on another's limit before the close.
"""

from __future__ import annotations

from typing import Any

from aggregator.amounts import decimal_text
from aggregator.journal.facts import stamp
from aggregator.market import Audience
from aggregator.pools import store
from aggregator.pools.facts import PoolOpened
from aggregator.pools.landed import Landed, deposit, landed
from aggregator.pools.state import Standing, State
from matching.pools.progress import Breaks, envelope, step_of

LARGE_SHARE_PERCENT = 38

View = dict[str, Any]


def view(state: State, audience: Audience) -> View:
    """Return the pool as the audience may see it."""
    opened = state.opened
    if opened is None:
        return {}
    assert state.firming_at is not None
    assert state.closes_at is not None
    breaks = envelope(state.offers.values())
    is_live = state.phase in (store.GATHERING, store.FIRMING)
    return {
        "pool_id": opened.pool_id,
        "cell": opened.cell,
        "instrument_id": opened.instrument_id,
        "region": opened.region,
        "tenor": opened.tenor,
        "currency": opened.currency,
        "mode": opened.mode,
        "phase": state.phase,
        "firming_at": stamp(state.firming_at),
        "closes_at": stamp(state.closes_at),
        "is_prolonged": state.is_prolonged,
        "prolong_minutes": opened.prolong_minutes,
        "auction_minutes": opened.auction_minutes,
        "max_share": opened.max_share,
        "min_members": opened.min_members,
        "sight": [{"tier": one.tier, "from_at": stamp(one.from_at)} for one in opened.sight],
        "stop": _stop(state, audience),
        "opened_by": _opened_by(opened, audience.organisation_id),
        "similarity": list(opened.similarity),
        "deposit_bps": opened.deposit_bps,
        "fee_bps": opened.fee_bps,
        "logistics_fee_bps": opened.logistics_fee_bps,
        "lot_fee": decimal_text(opened.lot_fee_minor, opened.currency),
        "breaks": [
            {"from_lots": lots, "price": decimal_text(price_minor, opened.currency)}
            for lots, price_minor in breaks
        ],
        "progress": _progress(state, breaks, opened) if is_live else None,
        "you": _you(state, opened, breaks, audience.organisation_id),
        "sold": _sold(state, opened, audience.organisation_id),
    }


def _opened_by(opened: PoolOpened, organisation_id: str | None) -> str:
    """Return whether the market opened it, the asker's firm, or another for itself."""
    if not opened.is_own:
        return "market"
    return "you" if opened.opened_by == organisation_id else "member"


def _stop(state: State, audience: Audience) -> View | None:
    """Return why the pool was stopped; to the operator what is proposed, too, and by whom."""
    is_ours = audience.kind == "operator"
    if state.stop is None or not (state.is_stopped or is_ours):
        return None
    return {
        "motion_id": state.stop.motion_id,
        "reason": state.stop.reason,
        "expires_at": stamp(state.stop.expires_at),
        "is_stopped": state.is_stopped,
        "proposed_by": state.stop.person_id if is_ours else None,
    }


def landed_at_breaks(
    breaks: Breaks, opened: PoolOpened, *, lots: int, limit_minor: int | None, freight_minor: int
) -> list[View]:
    """Return, for each break, the landed price of a pledge and its saving against going alone.

    `saving` is per lot, against what the pledge's own lots would earn of the public offers;
    None where they earn no price.
    """
    alone = [price_minor for from_lots, price_minor in breaks if from_lots <= lots]
    alone_minor = _landed(alone[-1], freight_minor, opened).landed_minor if alone else None
    shown = []
    for from_lots, price_minor in breaks:
        price = _landed(price_minor, freight_minor, opened)
        saving_minor = None if alone_minor is None else max(0, alone_minor - price.landed_minor)
        shown.append(
            {
                "from_lots": from_lots,
                **_lines(price, opened.currency),
                "is_within_limit": limit_minor is None or price.landed_minor <= limit_minor,
                "saving": None
                if saving_minor is None
                else decimal_text(saving_minor, opened.currency),
            }
        )
    return shown


def _progress(state: State, breaks: Breaks, opened: PoolOpened) -> View | None:
    """Return the share of the next break as last stated, and since when, or None."""
    stated = state.stated
    if stated is None or stated.least_lots is None:
        return None
    step = step_view(stated.least_lots, breaks, opened)
    return None if step is None else {**step, "since": stamp(stated.since)}


def step_view(least_lots: int, breaks: Breaks, opened: PoolOpened) -> View | None:
    """Return the step that so many lots make, or None where no public offer stands."""
    step = step_of(least_lots, breaks)
    if step is None:
        return None
    return {
        "from_lots": step.from_lots,
        "price": decimal_text(step.price_minor, opened.currency),
        "percent": step.percent,
        "reached_lots": max((lots for lots, _ in breaks if lots <= least_lots), default=0),
    }


def known_of_others(state: State, organisation_id: str) -> int | None:
    """Return the fewest lots that all others had in at the last statement, or None."""
    stated = state.stated
    if stated is None or stated.least_lots is None:
        return None
    return max(0, stated.least_lots - stated.counted.get(organisation_id, 0))


def _you(
    state: State, opened: PoolOpened, breaks: Breaks, organisation_id: str | None
) -> View | None:
    own = state.pledges.get(organisation_id) if organisation_id else None
    if own is None:
        return None
    is_live = state.phase in (store.GATHERING, store.FIRMING)
    return {
        "pledge_id": own.pledge_id,
        "lots": own.lots,
        "tolerance": own.tolerance_lots,
        "limit": decimal_text(own.limit_minor, opened.currency),
        "freight": decimal_text(own.freight_minor, opened.currency),
        "size": own.size_lots,
        "size_from": own.size_from,
        "agrees_to_prolong": own.agrees_to_prolong,
        "deposit": decimal_text(own.deposit_minor, opened.currency),
        "full_deposit": decimal_text(_full_deposit(own, opened), opened.currency),
        "tier": own.tier or None,
        "landed": landed_at_breaks(
            breaks,
            opened,
            lots=own.lots,
            limit_minor=own.limit_minor,
            freight_minor=own.freight_minor,
        ),
        "changes_left": _changes_left(state, own) if is_live else None,
        "is_large_share": _is_large_share(state, own) if is_live else None,
        "leaving": _leaving(state, opened, breaks, own) if is_live else None,
        "group": _group(state, opened, own),
        "award": _award(state, opened, own),
        "left_out": own.reason,
        "substitute": _substitute(opened, own),
    }


def _full_deposit(own: Standing, opened: PoolOpened) -> int:
    """Return the deposit that the rules ask of a pledge, before any tier lowers it."""
    return deposit(own.limit_minor, own.lots + own.tolerance_lots, opened.deposit_bps)


def _changes_left(state: State, own: Standing) -> int:
    return max(0, store.most_changes(state.phase) + 1 - state.moves[own.organisation_id])


def _is_large_share(state: State, own: Standing) -> bool | None:
    """Warn a member whom an equal price starts to punish; None while nothing is stated.

    The share is that of the volume which the statement tells everybody: the exact total would
    let a member find the others' lots by changing his own.
    """
    others = known_of_others(state, own.organisation_id)
    if not others:
        return None
    return own.lots * 100 > LARGE_SHARE_PERCENT * (others + own.lots)


def _leaving(state: State, opened: PoolOpened, breaks: Breaks, own: Standing) -> View:
    """Return whether the member may leave, until when, and what it would do."""
    assert state.firming_at is not None
    is_allowed = state.phase == store.GATHERING
    others = known_of_others(state, own.organisation_id) if is_allowed else None
    return {
        "is_allowed": is_allowed,
        "until": stamp(state.firming_at),
        "releases": decimal_text(own.deposit_minor, opened.currency),
        "progress_without_you": None if others is None else step_view(others, breaks, opened),
    }


def _group(state: State, opened: PoolOpened, own: Standing) -> View | None:
    if own.group is None:
        return None
    found = state.groups[own.group]
    closes_at = found.auction_closes_at
    return {
        "lots": own.group_lots,
        "at_most": _lines(_landed(found.goods_minor, own.freight_minor, opened), opened.currency),
        "auction_id": found.auction_id,
        "auction_closes_at": None if closes_at is None else stamp(closes_at),
    }


def _award(state: State, opened: PoolOpened, own: Standing) -> View | None:
    if own.award is None or own.group is None:
        return None
    won = own.award
    price = Landed(won.goods_minor, won.freight_minor, won.fee_minor)
    return {
        "lots": won.lots,
        "reduced_lots": own.reduced_lots,
        **_lines(price, opened.currency),
        "by": state.groups[own.group].by,
        "deal_id": won.deal_id,
        "parts": [
            {
                "deal_id": part.deal_id,
                "lots": part.lots,
                "goods": decimal_text(part.goods_minor, opened.currency),
            }
            for part in won.parts
        ],
        "levelled": decimal_text(won.levelled_minor, opened.currency),
    }


def _sold(state: State, opened: PoolOpened, organisation_id: str | None) -> list[View]:
    """Return what the asker supplies: its groups as totals, without names or shares."""
    if organisation_id is None:
        return []
    return [
        {
            "number": number,
            "lots": group.sold[organisation_id].lots,
            "reduced_lots": group.sold[organisation_id].reduced_lots,
            "goods": decimal_text(group.sold[organisation_id].goods_minor, opened.currency),
            "by": group.by,
        }
        for number, group in sorted(state.groups.items())
        if organisation_id in group.sold
    ]


def _substitute(opened: PoolOpened, own: Standing) -> View | None:
    """Return the freed lots that one may take, and until when."""
    offered = own.substitute
    if offered is None:
        return None
    price = Landed(offered.goods_minor, offered.freight_minor, offered.fee_minor)
    held_minor = offered.deposit_minor
    if held_minor is None:
        held_minor = deposit(own.limit_minor, offered.lots, opened.deposit_bps)
    return {
        "lots": offered.lots,
        **_lines(price, opened.currency),
        "deposit": decimal_text(held_minor, opened.currency),
        "until": stamp(offered.until),
    }


def _landed(goods_minor: int, freight_minor: int, opened: PoolOpened) -> Landed:
    return landed(goods_minor, freight_minor, opened.fees)


def _lines(price: Landed, currency: str) -> View:
    return {
        "goods": decimal_text(price.goods_minor, currency),
        "freight": decimal_text(price.freight_minor, currency),
        "fee": decimal_text(price.fee_minor, currency),
        "landed": decimal_text(price.landed_minor, currency),
    }
