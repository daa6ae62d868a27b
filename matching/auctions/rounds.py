"""Auctions with announced prices in rounds: the simultaneous clock, and Japanese.

Rule: in each round every bidder says how many lots of each item (a lot type, a delivery
month) he takes at the announced prices. Where more is wanted than there is, the price
moves by the step (up for buyers, down for suppliers); the auction ends after the first
round in which nothing is over-demanded, or at the close. `japanese` is the clock over one
item, where a bid names the announced price. Demands are hidden until a round ends.

Activity rule: total demand may move between items, never grow from round to round.

Award: everyone who stands gets what he asked for, at one price an item. Where the last
step left lots over, they go, at the price before it and with everyone paying that, to who
left at the step, as far as he did not move on to other items. Where the close came first,
lots are rationed among all who stand.

Guarantees: prices only move one way; nobody pays a price that he did not accept; awards
never exceed the lots of an item or a bidder's accepted total.
Ties (who is served first when lots are rationed): `time` by the act's sequence, `draw` by
its ticket, or `pro_rata`. Source: Ausubel and Cramton 2004; the rules of Global Dairy Trade.
"""

from __future__ import annotations

from datetime import datetime

from matching.auctions.award import reaches_reserve
from matching.auctions.bidding import check_amount, require_open, require_running
from matching.auctions.clock import Clock, Demand, round_end
from matching.auctions.commands import PlaceBid, PlaceDemand
from matching.auctions.events import (
    Award,
    Closed,
    DemandPlaced,
    Event,
    Outcome,
    Result,
    RoundOpened,
)
from matching.auctions.refusals import (
    DuplicateBid,
    OffClock,
    OffLots,
    RoundNotDue,
    RoundOver,
    TooActive,
    TooManyBids,
    TotalTooLarge,
    UnknownItem,
    WrongCommand,
)
from matching.auctions.rules import MAX_BIDS_A_BIDDER, Item, Rules
from matching.auctions.state import State
from matching.auctions.ties import Draw
from matching.money import MAX_TOTAL_MINOR, split


def accept_price(state: State, command: PlaceBid, now: datetime) -> list[Event]:
    """Decide a Japanese bid: it names the announced price and the lots taken at it."""
    require_open(state, now)
    clock = _clock(state)
    lots = state.rules.lots if command.lots is None else command.lots
    check_amount(state.rules, command.price_minor, lots)
    if command.price_minor != clock.prices[0]:
        raise OffClock(command.price_minor, clock.prices[0])
    demand = PlaceDemand(command.bid_id, command.bidder, (("", lots),))
    return place_demand(state, demand, now)


def place_demand(state: State, command: PlaceDemand, now: datetime) -> list[Event]:
    """Decide what a bidder takes in this round.

    Raises:
        RuleViolation: the round is over, an item or quantity is bad, or demand grew.

    """
    require_open(state, now)
    rules, clock = state.rules, _clock(state)
    if now >= clock.ends_at:
        raise RoundOver(clock.ends_at)
    if (command.bidder, command.bid_id) in clock.ids:
        raise DuplicateBid(command.bid_id)
    if sum(bidder == command.bidder for bidder, _ in clock.ids) >= MAX_BIDS_A_BIDDER:
        raise TooManyBids(MAX_BIDS_A_BIDDER)
    total = _checked_total(rules, clock, command)
    eligible = clock.eligible(command.bidder)
    most = rules.max_award_lots if eligible is None else eligible
    if total > most:
        raise TooActive(total, most)
    placed = DemandPlaced(
        at=now,
        seq=clock.acts + 1,
        bid_id=command.bid_id,
        bidder=command.bidder,
        round=clock.round,
        demand=command.demand,
    )
    return [placed]


def end_round(state: State, now: datetime) -> list[Event]:
    """Move the prices of what is over-demanded, or close.

    Where ties are drawn, only `Close` brings the beacon: nothing happens until it comes.

    Raises:
        RuleViolation: the auction does not run, or the round has time left.

    """
    clock = state.clock
    if clock is None:
        raise WrongCommand(state.rules.format)
    require_running(state)
    if now < clock.ends_at:
        raise RoundNotDue(clock.ends_at)
    rules = state.rules
    if stands_still(state) or now >= state.closes_at:
        if rules.tie == "draw":
            return []
        return [Closed(at=now, result=clear_rounds(state, None))]
    ends_at = round_end(rules, now, state.closes_at)
    prices = tuple(zip(clock.items, _next_prices(state), strict=True))
    return [RoundOpened(at=now, round=clock.round + 1, ends_at=ends_at, prices=prices)]


def stands_still(state: State) -> bool:
    """Say whether no price moves any more: nothing is over-demanded that has a step left."""
    return _next_prices(state) == _clock(state).prices


def _next_prices(state: State) -> tuple[int, ...]:
    clock, rules = _clock(state), state.rules
    wanted = zip(rules.announced, clock.totals(), clock.prices, strict=True)
    return tuple(
        moved_price(rules, price) if total > item.lots else price for item, total, price in wanted
    )


def clear_rounds(state: State, draw: Draw | None) -> Result:
    """Award each item at its one price. See the module."""
    rules, clock = state.rules, _clock(state)
    stands = clock.standing()
    granted: dict[str, int] = {}
    awards: list[Award] = []
    prices: list[tuple[str, int]] = []
    for place, item in enumerate(rules.announced):
        price, lots = _item(state, place, item, stands, granted, draw)
        if not reaches_reserve(rules, price):
            lots = {}
        prices.append((item.id, price))
        awards += [
            Award(bidder, _bid_id(clock, place, bidder, stands), count, price, item.id)
            for bidder, count in lots.items()
            if count
        ]
    awarded = sum(award.lots for award in awards)
    is_single = rules.format == "japanese"
    return Result(
        outcome=_outcome(rules, clock, awarded),
        awards=tuple(awards),
        clearing_price_minor=prices[0][1] if is_single and awards else None,
        unawarded_lots=rules.lots - awarded,
        seed=None if draw is None else draw.seed.hex(),
        beacon=None if draw is None else draw.beacon.hex(),
        item_prices=() if is_single else tuple(prices),
    )


def _item(
    state: State,
    place: int,
    item: Item,
    stands: dict[str, Demand],
    granted: dict[str, int],
    draw: Draw | None,
) -> tuple[int, dict[str, int]]:
    """Return an item's price and lots by bidder; `granted` counts what came back to whom."""
    clock = _clock(state)
    wanted = {bidder: demand.lots[place] for bidder, demand in stands.items()}
    left = item.lots - sum(wanted.values())
    if left < 0:
        return clock.prices[place], _rationed(state.rules, item.lots, wanted, stands, draw)
    excess = clock.excess[place]
    if left == 0 or excess is None:
        return clock.prices[place], wanted
    price, then = excess
    if not reaches_reserve(state.rules, price):
        return clock.prices[place], wanted
    claims = {
        bidder: min(
            demand.lots[place] - wanted.get(bidder, 0),
            demand.total - _total(stands, bidder) - granted.get(bidder, 0),
        )
        for bidder, demand in then.items()
    }
    claims = {bidder: lots for bidder, lots in claims.items() if lots > 0}
    back = _rationed(state.rules, min(left, sum(claims.values())), claims, then, draw)
    if not any(back.values()):
        return clock.prices[place], wanted
    for bidder, lots in back.items():
        granted[bidder] = granted.get(bidder, 0) + lots
    bidders = sorted({*wanted, *back})
    return price, {name: wanted.get(name, 0) + back.get(name, 0) for name in bidders}


def _rationed(
    rules: Rules,
    lots: int,
    claims: dict[str, int],
    demands: dict[str, Demand],
    draw: Draw | None,
) -> dict[str, int]:
    def place(bidder: str) -> tuple[bytes, int]:
        demand = demands[bidder]
        ticket = b"" if draw is None else draw.ticket(demand.bid_id)
        return ticket, demand.seq

    order = sorted((bidder for bidder, wanted in claims.items() if wanted), key=place)
    if rules.marginal == "pro_rata" and order:
        parts = split(lots, [claims[bidder] for bidder in order])
        return dict(sorted(zip(order, parts, strict=True)))
    found: dict[str, int] = {}
    for bidder in order:
        found[bidder] = min(lots, claims[bidder])
        lots -= found[bidder]
    return dict(sorted(found.items()))


def _checked_total(rules: Rules, clock: Clock, command: PlaceDemand) -> int:
    wanted: dict[str, int] = {}
    for name, lots in command.demand:
        if name not in clock.items or name in wanted:
            raise UnknownItem(name)
        item = rules.announced[clock.items.index(name)]
        if lots < 0 or lots > item.lots or 0 < lots < min(rules.min_lots, item.lots):
            raise OffLots(lots, min(rules.min_lots, item.lots), item.lots)
        wanted[name] = lots
    worth = sum(
        wanted.get(name, 0) * price for name, price in zip(clock.items, clock.prices, strict=True)
    )
    if worth > MAX_TOTAL_MINOR:
        raise TotalTooLarge(worth, MAX_TOTAL_MINOR)
    return sum(wanted.values())


def moved_price(rules: Rules, price_minor: int) -> int:
    """Return the price after a step; one too low for a step stays."""
    step = rules.step_at(price_minor)
    if rules.side == "sell":
        return price_minor + step
    return price_minor - step if price_minor > step else price_minor


def _clock(state: State) -> Clock:
    if state.clock is None:
        raise WrongCommand(state.rules.format)
    return state.clock


def _total(stands: dict[str, Demand], bidder: str) -> int:
    return stands[bidder].total if bidder in stands else 0


def _bid_id(clock: Clock, place: int, bidder: str, stands: dict[str, Demand]) -> str:
    if bidder in stands:
        return stands[bidder].bid_id
    excess = clock.excess[place]
    assert excess is not None
    return excess[1][bidder].bid_id


def _outcome(rules: Rules, clock: Clock, awarded: int) -> Outcome:
    if awarded:
        return "awarded" if awarded == rules.lots else "partly_awarded"
    return "unawarded" if clock.acts else "no_bids"
