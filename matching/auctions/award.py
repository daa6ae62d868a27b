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

With `all_lots_or_none` what leaves a lot over awards nothing; who would have won is reported too.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from matching.auctions.events import Award, BidPlaced, Outcome, Result, Skipped, SkipReason
from matching.auctions.rules import Rules
from matching.auctions.ties import Draw, better_first, in_tie_order
from matching.money import split


@dataclass(slots=True)
class _Filling:
    """What is left to award, and what became of the bids so far, best first.

    `given` bids get `given_lots`: two lists, as a pair for each bid would cost a large book more
    than its awards. `rejected` are bids of which a wanted quantity was not given.
    """

    left: int
    given: list[BidPlaced] = field(default_factory=list)
    given_lots: list[int] = field(default_factory=list)
    skipped: list[tuple[BidPlaced, SkipReason]] = field(default_factory=list)
    rejected: list[BidPlaced] = field(default_factory=list)

    def give(self, bids: Sequence[BidPlaced], lots: Sequence[int]) -> None:
        self.given += bids
        self.given_lots += lots
        self.left -= sum(lots)


def award(rules: Rules, standing: Sequence[BidPlaced], draw: Draw | None = None) -> Result:
    """Award the lots among the standing bids, one a bidder.

    Only prices that are reached are put in order, so a large book costs little more than
    one pass over it.
    """
    filling = _Filling(rules.lots)
    if rules.format == "second_price" or rules.shares:
        _by_rank(rules, _groups(rules, standing, draw), filling)
    else:
        _fill(rules, _groups(rules, standing, draw), filling)
    if rules.all_lots_or_none and filling.left:
        _withhold(filling)
    price = _clearing_price(rules, filling)
    awards = tuple(
        [
            Award(bid.bidder, bid.bid_id, lots, bid.price_minor if price is None else price)
            for bid, lots in zip(filling.given, filling.given_lots, strict=True)
        ]
    )
    awarded = rules.lots - filling.left
    return Result(
        outcome=_outcome(rules, standing, awarded),
        awards=awards,
        clearing_price_minor=price,
        unawarded_lots=rules.lots - awarded,
        rejected_in_the_money=tuple(
            Skipped(bid.bid_id, bid.bidder, bid.lots, bid.price_minor, reason)
            for bid, reason in filling.skipped
        ),
        seed=None if draw is None else draw.seed.hex(),
        beacon=None if draw is None else draw.beacon.hex(),
    )


def reaches_reserve(rules: Rules, price_minor: int) -> bool:
    if rules.reserve_minor is None:
        return True
    if rules.side == "buy":
        return price_minor <= rules.reserve_minor
    return price_minor >= rules.reserve_minor


def _groups(
    rules: Rules, standing: Sequence[BidPlaced], draw: Draw | None
) -> Iterator[list[BidPlaced]]:
    """Yield bids of equal score in the order of the tie rule, the best score first."""
    by_score: defaultdict[int, list[BidPlaced]] = defaultdict(list)
    for bid in standing:
        by_score[bid.score_minor].append(bid)
    for score in sorted(by_score, reverse=rules.side == "sell"):
        yield in_tie_order(by_score[score], draw)


def _by_rank(rules: Rules, groups: Iterator[list[BidPlaced]], filling: _Filling) -> None:
    """Give the first share to the best bid and so on; one share if there is one winner."""
    able = [bid for group in groups for bid in group if reaches_reserve(rules, bid.price_minor)]
    shares = rules.shares or (100,)
    if rules.allow_single:
        shares = shares[: len(able)]
    parts = split(rules.max_award_lots, shares) if shares else []
    winners = able[: len(parts)]
    given = [min(part, bid.lots) for bid, part in zip(winners, parts, strict=False)]
    filling.give(winners, given)
    filling.rejected = able[len(parts) :]


def _fill(rules: Rules, groups: Iterator[list[BidPlaced]], filling: _Filling) -> None:
    for group in groups:
        able = [bid for bid in group if reaches_reserve(rules, bid.price_minor)]
        if not filling.left:
            filling.rejected += able[:1]
            return
        wanted = [bid.lots for bid in able]
        if rules.max_share is None and sum(wanted) <= filling.left:
            filling.give(able, wanted)
        elif rules.marginal == "pro_rata":
            _fill_pro_rata(rules, able, filling)
        else:
            _fill_in_order(rules, able, filling)


def _fill_in_order(rules: Rules, group: list[BidPlaced], filling: _Filling) -> None:
    for bid in group:
        wanted = min(bid.lots, rules.max_award_lots)
        lots = min(wanted, filling.left)
        if lots < wanted:
            filling.rejected.append(bid)
        if not lots:
            return
        reason = _cannot_take(rules, bid, lots)
        if reason:
            filling.skipped.append((bid, reason))
            filling.rejected.append(bid)
            continue
        filling.give([bid], [lots])


def _fill_pro_rata(rules: Rules, group: list[BidPlaced], filling: _Filling) -> None:
    """Share among equal prices; who could not take his part gives way, and it starts again.

    The smallest claim goes first, the last placed of equals: what it leaves may meet the
    others.
    """
    claims = list(group)
    skipped: dict[int, SkipReason] = {}
    while claims:
        wanted = [min(bid.lots, rules.max_award_lots) for bid in claims]
        parts = wanted if sum(wanted) <= filling.left else split(filling.left, wanted)
        unmet = [
            (bid.lots, -place)
            for place, (bid, lots) in enumerate(zip(claims, parts, strict=True))
            if _cannot_take(rules, bid, lots)
        ]
        if not unmet:
            filling.rejected += [
                bid for bid, lots, all_ in zip(claims, parts, wanted, strict=True) if lots < all_
            ]
            served = [place for place, lots in enumerate(parts) if lots]
            filling.give([claims[place] for place in served], [parts[place] for place in served])
            break
        place = -min(unmet)[1]
        reason = _cannot_take(rules, claims[place], parts[place])
        skipped[claims.pop(place).seq] = reason or "below_minimum"
    out = [(bid, skipped[bid.seq]) for bid in group if bid.seq in skipped]
    filling.skipped += out
    filling.rejected += [bid for bid, _ in out]


def _withhold(filling: _Filling) -> None:
    """Take back every award, because together they leave lots over."""
    filling.skipped += [(bid, "lots_missing") for bid in filling.given]
    filling.left += sum(filling.given_lots)
    filling.given, filling.given_lots = [], []


def _cannot_take(rules: Rules, bid: BidPlaced, lots: int) -> SkipReason | None:
    if bid.all_or_none and lots < bid.lots:
        return "all_or_none"
    if lots < min(rules.min_lots, bid.lots):
        return "below_minimum"
    return None


def _clearing_price(rules: Rules, filling: _Filling) -> int | None:
    if rules.pricing == "pay_as_bid" or not filling.given:
        return None
    worst = filling.given[-1].price_minor
    if rules.pricing == "last_accepted":
        return worst
    return _first_rejected(rules, filling, worst)


def _first_rejected(rules: Rules, filling: _Filling, worst_minor: int) -> int:
    """Return the best rejected price that is no better than the worst accepted one.

    Bids that do not reach the reserve need not be looked at: the reserve stands for them.
    """
    worst = better_first(rules, worst_minor)
    prices = [better_first(rules, bid.price_minor) for bid in filling.rejected]
    reserve = rules.reserve_minor if rules.reserve_minor is not None else rules.start_minor
    if reserve is not None:
        prices.append(max(worst, better_first(rules, reserve)))
    best = min([price for price in prices if price >= worst], default=worst)
    return best if rules.side == "buy" else -best


def _outcome(rules: Rules, standing: Sequence[BidPlaced], awarded: int) -> Outcome:
    if awarded:
        return "awarded" if awarded == rules.lots else "partly_awarded"
    if not standing:
        return "no_bids"
    able = any(reaches_reserve(rules, bid.price_minor) for bid in standing)
    return "unawarded" if able else "reserve_not_met"
