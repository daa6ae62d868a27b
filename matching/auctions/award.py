"""Who wins what at the close, when lots are interchangeable.

Rule: bids fill from the best price. No bid gets more than `max_share` of the lots. The
marginal bid is cut to what is left; several at the marginal price share it pro rata
(largest remainders, the better-placed first), or in the order of the tie rule (`time`). A bid
that cannot be cut (all or none, or below the least quantity) is skipped and reported; it
never pushes a worse bid out. With `shares`, the best bid gets the first share, and so on.

Prices: `pay_as_bid`; `last_accepted`, the price of the worst accepted bid for all; or
`first_rejected`, the price of the best rejected quantity, where the unfilled part of the
marginal bid counts, bids skipped in the money do not, and the reserve (else the start
price) stands in for a missing one.

Guarantees: awards never exceed the lots; nobody pays worse than his bid; no bid beyond
the reserve wins; no bid worse than a rejected divisible one wins.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from matching.auctions.events import Award, BidPlaced, Outcome, Result, Skipped, SkipReason
from matching.auctions.rules import Rules
from matching.auctions.ties import Draw, better_first, ranked
from matching.money import split


@dataclass(slots=True)
class _Filling:
    """Lots by place in the ranking, as they fill."""

    left: int
    lots: dict[int, int]
    skipped: dict[int, SkipReason]


def award(rules: Rules, standing: Sequence[BidPlaced], draw: Draw | None = None) -> Result:
    """Award the lots among the standing bids, one a bidder."""
    order = ranked(rules, standing, draw)
    able = [bid for bid in order if reaches_reserve(rules, bid.price_minor)]
    if rules.format == "second_price":
        able_lots = [min(rules.lots, rules.max_award_lots)] * min(1, len(able))
        filling = _Filling(0, dict(enumerate(able_lots)), {})
    elif rules.shares:
        filling = _by_rank(rules, able)
    else:
        filling = _fill(rules, able)
    price = _clearing_price(rules, order, filling)
    awards = tuple(
        Award(able[i].bidder, able[i].bid_id, lots, able[i].price_minor if price is None else price)
        for i, lots in sorted(filling.lots.items())
        if lots
    )
    awarded = sum(award.lots for award in awards)
    return Result(
        outcome=_outcome(rules, order, able, awarded),
        awards=awards,
        clearing_price_minor=price if awards else None,
        unawarded_lots=rules.lots - awarded,
        rejected_in_the_money=_rejected(able, filling),
        seed=None if draw is None else draw.seed.hex(),
        beacon=None if draw is None else draw.beacon.hex(),
    )


def reaches_reserve(rules: Rules, price_minor: int) -> bool:
    if rules.reserve_minor is None:
        return True
    if rules.side == "buy":
        return price_minor <= rules.reserve_minor
    return price_minor >= rules.reserve_minor


def _by_rank(rules: Rules, able: list[BidPlaced]) -> _Filling:
    shares = rules.shares[: len(able)] if rules.allow_single else rules.shares
    parts = split(rules.lots, shares) if shares else []
    lots = {i: min(part, able[i].lots) for i, part in enumerate(parts) if i < len(able)}
    return _Filling(rules.lots - sum(lots.values()), lots, {})


def _fill(rules: Rules, able: list[BidPlaced]) -> _Filling:
    filling = _Filling(rules.lots, {}, {})
    places = groupby(range(len(able)), key=lambda i: able[i].score_minor)
    for _, group in places:
        if not filling.left:
            break
        if rules.marginal == "pro_rata":
            _fill_pro_rata(rules, able, list(group), filling)
        else:
            _fill_in_order(rules, able, list(group), filling)
    return filling


def _fill_in_order(
    rules: Rules, able: list[BidPlaced], group: list[int], filling: _Filling
) -> None:
    for i in group:
        if not filling.left:
            return
        lots = min(_wanted(rules, able[i]), filling.left)
        reason = _cannot_take(rules, able[i], lots)
        if reason:
            filling.skipped[i] = reason
            continue
        filling.lots[i] = lots
        filling.left -= lots


def _fill_pro_rata(
    rules: Rules, able: list[BidPlaced], group: list[int], filling: _Filling
) -> None:
    claims = list(group)
    while claims:
        wanted = [_wanted(rules, able[i]) for i in claims]
        parts = wanted if sum(wanted) <= filling.left else split(filling.left, wanted)
        unmet = [
            (able[i].lots, -place, i)
            for place, (i, lots) in enumerate(zip(claims, parts, strict=True))
            if _cannot_take(rules, able[i], lots)
        ]
        if not unmet:
            filling.lots.update(zip(claims, parts, strict=True))
            filling.left -= sum(parts)
            return
        # The smallest claim whose least quantity is not met goes, the last placed of
        # equals first; what it leaves may meet the others.
        dropped = min(unmet)[2]
        reason = _cannot_take(rules, able[dropped], parts[claims.index(dropped)])
        filling.skipped[dropped] = reason or "below_minimum"
        claims.remove(dropped)


def _wanted(rules: Rules, bid: BidPlaced) -> int:
    return min(bid.lots, rules.max_award_lots)


def _cannot_take(rules: Rules, bid: BidPlaced, lots: int) -> SkipReason | None:
    if bid.all_or_none and lots < bid.lots:
        return "all_or_none"
    if lots < min(rules.min_lots, bid.lots):
        return "below_minimum"
    return None


def _clearing_price(rules: Rules, order: list[BidPlaced], filling: _Filling) -> int | None:
    accepted = [i for i, lots in filling.lots.items() if lots]
    if rules.pricing == "pay_as_bid" or not accepted:
        return None
    worst = max(accepted)
    if rules.pricing == "last_accepted":
        return order[worst].price_minor
    return _first_rejected(rules, order, filling, worst)


def _first_rejected(rules: Rules, order: list[BidPlaced], filling: _Filling, worst: int) -> int:
    """Return the best rejected price that is no better than the worst accepted one."""
    floor = better_first(rules, order[worst].price_minor)
    rejected = [
        better_first(rules, bid.price_minor)
        for i, bid in enumerate(order)
        if filling.lots.get(i, 0) < _wanted(rules, bid)
        and better_first(rules, bid.price_minor) >= floor
    ]
    reserve = rules.reserve_minor if rules.reserve_minor is not None else rules.start_minor
    if reserve is not None:
        rejected.append(max(floor, better_first(rules, reserve)))
    best = min(rejected, default=floor)
    return best if rules.side == "buy" else -best


def _outcome(rules: Rules, order: list[BidPlaced], able: list[BidPlaced], awarded: int) -> Outcome:
    if awarded:
        return "awarded" if awarded == rules.lots else "partly_awarded"
    if not order:
        return "no_bids"
    return "unawarded" if able else "reserve_not_met"


def _rejected(able: list[BidPlaced], filling: _Filling) -> tuple[Skipped, ...]:
    return tuple(
        Skipped(able[i].bid_id, able[i].bidder, able[i].lots, able[i].price_minor, reason)
        for i, reason in sorted(filling.skipped.items())
    )
