"""What each audience may see of an auction, as a JSON document.

`full` shows every standing price, `best` the best one, `rank` each bidder his own rank,
`blind` nothing of others; under these two the owner sees bids from the close on, unless the
rules give him a word of his own. Observers may be told less than bidders. A rival's
act that the rules hide changes nothing in the view: not a count, not an order, not an
instant. Until its close a sealed format is blind to everyone, its owner too. The one
exception is stated in the rules: an extension of the close is public. Observers see what
the rules show to everyone and never a name.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from matching.auctions import package_bids
from matching.auctions.bidding import next_allowed
from matching.auctions.clock import Clock
from matching.auctions.dutch import clock_price, lots_left
from matching.auctions.engine import final_rank, ranking
from matching.auctions.events import Award, BidPlaced, PackagePlaced, Result
from matching.auctions.rules import Rules
from matching.auctions.state import State

View = dict[str, object]


@dataclass(frozen=True, slots=True)
class Observer:
    """Anyone who may look and takes no part."""


@dataclass(frozen=True, slots=True)
class Bidder:
    id: str


@dataclass(frozen=True, slots=True)
class Owner:
    """The organisation whose lots or volume it is."""


@dataclass(frozen=True, slots=True)
class Operator:
    """Who runs the market: he sees what the owner does, but nothing that bidders may not."""


Audience = Observer | Bidder | Owner | Operator


def view(state: State, audience: Audience, now: datetime) -> View:
    """Return what the audience may see at `now`."""
    shown = common(state, audience, now)
    if isinstance(audience, Bidder):
        shown.update(own(state, audience.id))
    return shown


def common(state: State, audience: Audience, now: datetime) -> View:
    """Return what every audience of this kind sees alike, whoever he is."""
    rules = state.rules
    word = rules.disclosure if isinstance(audience, Bidder) else rules.to_observers
    shown = _frame(state, now)
    if isinstance(audience, Owner | Operator):
        shown["reserve_minor"] = rules.reserve_minor
    if sees_all(state, audience):
        _show_announced(shown, state, now, rules.disclosure)
        _show_withdrawn(shown, state)
        _show_all(shown, state)
        return shown
    _show_announced(shown, state, now, word)
    _show_withdrawn(shown, state)
    _show_prices(shown, state, word)
    if isinstance(audience, Bidder) and rules.improve == "leader":
        # Who has to beat the leader has the same to beat as all others.
        shown["next_allowed_minor"] = _next_told(state, audience.id)
    return shown


def own(state: State, bidder: str) -> View:
    """Return what a bidder sees besides: his own bids and his place, nothing of the common part."""
    shown: View = {}
    _show_own(shown, state, bidder)
    if state.clock is not None:
        _show_demand(shown, state.clock, bidder)
    return shown


def sees_all(state: State, audience: Audience) -> bool:
    """Say whether the audience sees every bid and whose it is."""
    rules = state.rules
    match audience:
        case Owner():
            return state.result is not None or rules.to_owner == "full"
        case Operator():
            is_secret = rules.is_sealed or rules.disclosure in ("rank", "blind")
            return state.result is not None or not is_secret
    return False


@lru_cache(maxsize=4096)
def instant(at: datetime) -> str:
    """Return RFC 3339 in UTC with milliseconds."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _frame(state: State, now: datetime) -> View:
    rules = state.rules
    is_waiting = state.phase == "open" and now < rules.opens_at
    return {
        "phase": "scheduled" if is_waiting else state.phase,
        "reason": state.reason,
        "side": rules.side,
        "format": rules.format,
        "opens_at": instant(rules.opens_at),
        "closes_at": instant(state.closes_at),
        "hard_stop": instant(state.hard_stop),
        "extensions": state.extensions,
        "lots": rules.lots,
        "min_lots": rules.min_lots,
        "all_lots_or_none": rules.all_lots_or_none,
        "start_minor": rules.start_minor,
        "reserve_minor": rules.reserve_minor if rules.reserve_is_public else None,
        "step_minor": rules.step_minor,
        "steps": [list(band) for band in rules.steps],
        "tick_minor": rules.tick_minor,
        "pricing": rules.pricing,
        "improve": rules.improve,
        "interval_s": rules.interval_s,
        "criteria": [
            {
                "name": one.name,
                "unit_minor": one.unit_minor,
                "lowest": one.lowest,
                "highest": one.highest,
            }
            for one in rules.criteria
        ],
        "disclosure": rules.disclosure,
        "observer_disclosure": rules.observer_disclosure,
        "owner_disclosure": rules.owner_disclosure,
    }


def _show_withdrawn(shown: View, state: State) -> None:
    """Show everybody why bids were taken out; whose is not told.

    Which, by its number alone, the record tells, so that the result can be computed again.
    """
    if state.withdrawn:
        shown["withdrawn"] = [
            {"at": instant(one.at), "reason": one.reason} for one in state.withdrawn
        ]


def _show_announced(shown: View, state: State, now: datetime, word: str) -> None:
    """Show what is announced to everyone; how much was asked for only under `full`."""
    rules, clock = state.rules, state.clock
    if rules.format == "dutch":
        shown["clock_minor"] = clock_price(state, now)
        shown["lots_left"] = lots_left(state)
    if rules.format == "packages":
        shown["items"] = [
            {"id": item.id, "lots": item.lots, "start_minor": item.start_minor}
            for item in rules.items
        ]
    if clock is None:
        return
    shown["round"] = clock.round
    shown["round_ends_at"] = instant(clock.ends_at)
    shown["items"] = [
        {"id": item.id, "lots": item.lots, "price_minor": price}
        for item, price in zip(rules.announced, clock.prices, strict=True)
    ]
    if word == "full":
        shown["demand_before"] = [
            sum(demand.lots[place] for demand in clock.before.values())
            for place in range(len(clock.items))
        ]


def _show_demand(shown: View, clock: Clock, bidder: str) -> None:
    mine = clock.standing_of(bidder)
    lots = mine.lots if mine else (0,) * len(clock.items)
    shown["my_demand"] = dict(zip(clock.items, lots, strict=True))
    shown["my_eligible_lots"] = clock.eligible(bidder)


def _show_prices(shown: View, state: State, disclosure: str) -> None:
    if state.rules.is_sealed and state.result is None:
        return
    is_book = state.rules.format != "packages"
    if not is_book and disclosure == "full":
        shown["packages"] = [_package(state, bid) for bid in _packages(state)]
    if is_book and disclosure in ("full", "best"):
        leader = state.book.leader
        shown["best_minor"] = None if leader is None else leader.price_minor
        if state.rules.criteria:
            shown["best_score_minor"] = None if leader is None else leader.score_minor
    if is_book and disclosure == "full":
        shown["bids"] = state.book.count
        shown["standing"] = [
            {"rank": rank, "price_minor": bid.price_minor, "lots": bid.lots, **_scored(state, bid)}
            for rank, bid in enumerate(ranking(state), start=1)
        ]
    if state.result is not None:
        shown["result"] = _public_result(state, state.result, disclosure)


def _public_result(state: State, result: Result, disclosure: str) -> View:
    """What everyone learns: that it was awarded, and the price where prices were open."""
    shown: View = {"is_awarded": bool(result.awards)}
    if disclosure in ("full", "best"):
        shown["clearing_price_minor"] = result.clearing_price_minor
        shown["awarded_lots"] = state.rules.lots - result.unawarded_lots
        if state.proof is not None:
            shown["value_minor"] = state.proof.value_minor
    if state.proof is not None:
        shown["is_proved"] = state.proof.proved
    if result.item_prices:
        shown["item_prices"] = dict(result.item_prices)
    return shown


def _show_own(shown: View, state: State, bidder: str) -> None:
    mine = state.book.of(bidder)
    shown["my_best_minor"] = None if mine is None else mine.price_minor
    shown["my_lots"] = None if mine is None else mine.lots
    shown["my_bids"] = state.book.count_of(bidder)
    limits = [order.limit_minor for order in state.orders if order.bidder == bidder]
    shown["my_limit_minor"] = limits[0] if limits else None
    if mine is not None and state.rules.criteria:
        shown["my_score_minor"] = mine.score_minor
        shown["my_score_parts"] = score_parts(state.rules, mine)
    if state.rules.format == "packages":
        mine_all = [bid for bid in state.packages if bid.bidder == bidder]
        shown["my_bids"] = len(mine_all)
        standing = package_bids.standing(mine_all)
        shown["my_packages"] = [{**_package(state, bid), "xor": bid.xor} for bid in standing]
    shown["is_leading"], shown["my_rank"], next_minor = own_place(state, bidder)
    if state.rules.improve == "own":
        shown["next_allowed_minor"] = next_minor
    if state.result is not None:
        won = [award for award in state.result.awards if award.bidder == bidder]
        shown["my_award"] = _award(won[0]) if won else None
        shown["my_awards"] = [_award(award) for award in won]


def own_place(state: State, bidder: str) -> tuple[bool | None, int | None, int | None]:
    """Return whether the bidder leads, his rank, and the worst price he may name next.

    What the rules hide from him is None.
    """
    rules = state.rules
    is_blind = rules.disclosure == "blind" or (rules.is_sealed and state.result is None)
    may_rank = rules.disclosure in ("full", "rank") and not is_blind
    return (
        None if is_blind or rules.format == "packages" else _leads(state, bidder),
        _rank(state, bidder) if may_rank else None,
        _next_told(state, bidder),
    )


def _next_told(state: State, bidder: str) -> int | None:
    rules = state.rules
    is_told = not rules.interval_s and (
        rules.improve == "own" or rules.disclosure in ("full", "best")
    )
    return next_allowed(state, bidder) if is_told else None


def _award(won: Award) -> View:
    shown: View = {"lots": won.lots, "price_minor": won.price_minor}
    return {**shown, "item": won.item} if won.item else shown


def score_parts(rules: Rules, bid: BidPlaced) -> list[View]:
    """Return what a bid's score is made of, beside its price: each term with its worth."""
    values = dict(bid.attributes)
    return [
        {
            "name": one.name,
            "value": values[one.name],
            "unit_minor": one.unit_minor,
            "worth_minor": values[one.name] * one.unit_minor,
        }
        for one in rules.criteria
    ]


def _scored(state: State, bid: BidPlaced) -> View:
    if not state.rules.criteria:
        return {}
    return {"score_minor": bid.score_minor, "attributes": dict(bid.attributes)}


def _packages(state: State) -> list[PackagePlaced]:
    """Return the packages that stand, in an order that tells nobody who bid when."""
    standing = package_bids.standing(state.packages)
    return sorted(standing, key=lambda bid: (bid.items, bid.price_minor, bid.bid_id))


def _package(state: State, bid: PackagePlaced) -> View:
    shown: View = {"bid_id": bid.bid_id, "items": list(bid.items), "lots": bid.lots}
    shown["price_minor"] = bid.price_minor
    if state.rules.criteria:
        shown["score_minor"] = package_bids.score_of(state.rules, bid)
        shown["attributes"] = dict(bid.attributes)
    if state.proof is not None:
        shown["is_won"] = bid.bid_id in state.proof.winners
    return shown


def _rank(state: State, bidder: str) -> int | None:
    if state.result is None:
        return state.book.rank(bidder)
    return final_rank(state, bidder)


def _leads(state: State, bidder: str) -> bool:
    first = next(iter(ranking(state)), None) if state.result else state.book.leader
    return first is not None and first.bidder == bidder


def _show_all(shown: View, state: State) -> None:
    if state.rules.format == "packages":
        shown["packages"] = [
            {**_package(state, bid), "bidder": bid.bidder, "xor": bid.xor}
            for bid in _packages(state)
        ]
        if state.result is not None:
            shown["result"] = {**_whole_result(state.result), **_proved(state)}
        return
    leader = state.book.leader
    shown["best_minor"] = None if leader is None else leader.price_minor
    shown["bids"] = state.book.count
    shown["standing"] = [
        {**_named(rank, bid), **_scored(state, bid)}
        for rank, bid in enumerate(ranking(state), start=1)
    ]
    if state.result is not None:
        shown["result"] = _whole_result(state.result)


def _proved(state: State) -> View:
    proof = state.proof
    if proof is None:
        return {}
    return {
        "is_proved": proof.proved,
        "value_minor": proof.value_minor,
        "bound_minor": proof.bound_minor,
    }


def _named(rank: int, bid: BidPlaced) -> View:
    return {
        "rank": rank,
        "bid_id": bid.bid_id,
        "bidder": bid.bidder,
        "price_minor": bid.price_minor,
        "lots": bid.lots,
        "at": instant(bid.at),
        "seq": bid.seq,
    }


def _whole_result(result: Result) -> View:
    return {
        "is_awarded": bool(result.awards),
        "outcome": result.outcome,
        "clearing_price_minor": result.clearing_price_minor,
        "unawarded_lots": result.unawarded_lots,
        "awards": [{"bidder": won.bidder, **_award(won)} for won in result.awards],
        "rejected_in_the_money": [
            {"bidder": bid.bidder, "lots": bid.lots, "reason": bid.reason}
            for bid in result.rejected_in_the_money
        ],
    }
