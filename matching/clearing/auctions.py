"""Checks an auction by a slow and literal second reading of its commands.

What is checked, by name: `commands` (which were accepted, in order of time), `events` (one
for each accepted bid and each moved close, densely numbered), `close` (the closing instant,
the hard stop, the number of extensions), `ranking`, `awards` (who, how many lots, at what
price), `rejected` (skipped though in the money) and `sums`. Formats with announced prices
(dutch, japanese, clock) have no checker here and are refused by `format`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from matching.clearing.form import Document, exact_fields, member, require

BOOK_FORMATS = ("english", "sealed_first", "sealed_uniform", "second_price")
FIELDS = frozenset(
    {
        *("events", "state", "outcome", "awards", "price_minor", "revenue_minor"),
        *("unawarded_lots", "rejected_in_the_money", "refused", "refusals", "certificate"),
    }
)
_LARGEST = 10**15
_MOST_BIDS = 500


@dataclass(frozen=True)
class _Bid:
    index: int
    at: datetime
    id: str
    by: str
    price: int
    lots: int
    whole: bool


@dataclass
class _Play:
    """The auction as its commands are read one by one."""

    rules: Mapping[str, Any]
    buys: bool
    sealed: bool
    close: datetime
    stop: datetime
    phase: str = "open"
    paused_at: datetime | None = None
    bids: list[_Bid] = field(default_factory=list)
    accepted: list[int] = field(default_factory=list)
    moved: list[tuple[int, datetime]] = field(default_factory=list)

    def key(self, price: int) -> int:
        return price if self.buys else -price

    def last_of(self, bidder: str) -> _Bid | None:
        mine = [bid for bid in self.bids if bid.by == bidder]
        return mine[-1] if mine else None

    def standing(self) -> list[_Bid]:
        bidders = {bid.by for bid in self.bids}
        last = [bid for bidder in bidders if (bid := self.last_of(bidder)) is not None]
        return sorted(last, key=lambda bid: bid.index)


def check(instance: Document, result: Document) -> None:
    """Check an auction's result.

    Raises:
        GuaranteeBroken: the first guarantee found not to hold.

    """
    exact_fields({k: v for k, v in result.items() if k not in ("kind", "rules_version")}, FIELDS)
    require(instance["format"] in BOOK_FORMATS, "format", f"no checker for {instance['format']}")
    play = _played(instance)
    given = member(member(result, "certificate", dict), "accepted", list)
    require(given == play.accepted, "commands", f"accepted are {play.accepted}")
    refused = {str(i) for i in range(len(instance["commands"]))} - {str(i) for i in play.accepted}
    require(set(member(result, "refused", dict)) == refused, "commands", f"refused: {refused}")
    told = {str(r["command"]): r["code"] for r in member(result, "refusals", list)}
    require(told == result["refused"], "commands", "refusals and their codes differ")
    _check_events(play, member(result, "events", list))
    _check_state(play, member(result, "state", dict))
    _check_awards(instance, play, result)


def _played(instance: Document) -> _Play:
    rules, is_sealed = instance["rules"], instance["format"] != "english"
    close = datetime.fromisoformat(rules["closes_at"])
    stop = rules.get("hard_stop")
    play = _Play(
        rules,
        instance["side"] == "buy",
        is_sealed,
        close,
        datetime.fromisoformat(stop) if stop else close + timedelta(hours=1),
    )
    numbers: dict[str, int] = {}
    for index, command in enumerate(instance["commands"]):
        at = datetime.fromisoformat(command["at"])
        if command["cmd"] == "bid":
            numbers[command["by"]] = number = numbers.get(command["by"], 0) + 1
            name = command["by"] if number == 1 else f"{command['by']}/{number}"
            is_accepted = _bid(play, instance, index, at, command, name)
        else:
            is_accepted = _other(play, at, command)
        if is_accepted:
            play.accepted.append(index)
    return play


def _other(play: _Play, at: datetime, command: Mapping[str, Any]) -> bool:
    """Play a command of the market itself; return whether it did anything."""
    opens = datetime.fromisoformat(play.rules["opens_at"])
    match command["cmd"]:
        case "close" if play.phase == "open" and at >= play.close:
            play.phase = "closed"
        case "pause" if play.phase == "open" and opens <= at < play.close:
            play.phase, play.paused_at = "paused", at
        case "resume" if play.phase == "paused" and play.paused_at is not None:
            lost = at - play.paused_at
            play.phase, play.close, play.stop = "open", play.close + lost, play.stop + lost
        case "cancel" if play.phase in ("open", "paused"):
            play.phase = "cancelled"
        case "outage" if play.phase == "open":
            return _outage(play, at, command, opens)
        case _:
            return False
    return True


def _outage(play: _Play, at: datetime, command: Mapping[str, Any], opens: datetime) -> bool:
    heard = [bid.at for bid in play.bids]
    began = max([datetime.fromisoformat(command["began_at"]), opens, *heard[-1:]])
    if began >= play.close or at <= began:
        return False
    lost = at - began
    if lost > timedelta(minutes=15):
        play.phase, play.paused_at = "paused", began
        return True
    left = max(lost + timedelta(seconds=60), timedelta(minutes=2))
    close = max(play.close + lost, at + left)
    play.close, play.stop = close, play.stop + (close - play.close)
    return True


def _bid(
    play: _Play,
    instance: Document,
    index: int,
    at: datetime,
    command: Mapping[str, Any],
    name: str,
) -> bool:
    rules, everything = play.rules, play.rules["lots"]
    bid = _Bid(
        index,
        at,
        command.get("bid_id", name),
        command["by"],
        command["price_minor"],
        command.get("lots", everything),
        command.get("all_or_none", False),
    )
    least = everything if instance["format"] == "second_price" else rules.get("min_lots", 1)
    mine = [other for other in play.bids if other.by == bid.by]
    fits = (
        play.phase == "open"
        and datetime.fromisoformat(rules["opens_at"]) <= at < play.close
        and all(other.id != bid.id for other in mine)
        and len(mine) < _MOST_BIDS
        and least <= bid.lots <= everything
        and not (bid.whole and rules.get("shares"))
        and all(bid.lots >= other.lots for other in mine[-1:])
        and bid.price > 0
        and bid.price % rules.get("tick_minor", 1) == 0
        and bid.price * bid.lots <= _LARGEST
        and all(play.key(bid.price) <= play.key(bound) for bound in _bounds(rules))
        and _improves(play, bid)
    )
    if fits:
        _move_close(play, bid)
        play.bids.append(bid)
    return fits


def _bounds(rules: Mapping[str, Any]) -> list[int]:
    public = [rules.get("start_minor")]
    if rules.get("reserve_is_public"):
        public.append(rules.get("reserve_minor"))
    return [bound for bound in public if bound is not None]


def _improves(play: _Play, bid: _Bid) -> bool:
    rules = play.rules
    mode = rules.get("improve", "auto")
    if mode == "auto":
        shown = rules.get("disclosure", "auto")
        shown = ("blind" if play.sealed else "best") if shown == "auto" else shown
        mode = "leader" if shown in ("full", "best") and not play.sealed else "own"
    if mode == "own":
        beaten = play.last_of(bid.by)
    else:
        ordered = sorted(play.bids, key=lambda other: (play.key(other.price), other.index))
        beaten = ordered[0] if ordered else None
    if beaten is None:
        return True
    return play.key(bid.price) <= play.key(beaten.price) - _step(rules, beaten.price)


def _step(rules: Mapping[str, Any], price: int) -> int:
    tick: int = rules.get("tick_minor", 1)
    single = rules.get("step_minor")
    bands = single if isinstance(single, list) else rules.get("steps", [])
    step: int = tick if single is None or isinstance(single, list) else single
    for low, wide in bands:
        if price >= low:
            step = wide
    return step


def _move_close(play: _Play, bid: _Bid) -> None:
    rules = play.rules
    window = timedelta(seconds=rules.get("soft_close_s", 120))
    most = rules.get("max_extensions")
    if (
        play.sealed
        or play.close - bid.at > window
        or (most is not None and len(play.moved) >= most)
    ):
        return
    close = min(bid.at + window, play.stop)
    better = [
        other
        for other in play.standing()
        if other.by != bid.by and play.key(other.price) <= play.key(bid.price)
    ]
    shares = rules.get("shares")
    if shares:
        leads = len(better) < len(shares)
    else:
        leads = sum(min(other.lots, _cap(rules)) for other in better) < rules["lots"]
    if leads and close > play.close:
        play.close = close
        play.moved.append((len(play.bids) + 1, close))


def _cap(rules: Mapping[str, Any]) -> int:
    share = rules.get("max_share")
    lots: int = rules["lots"]
    return lots if share is None else lots * share // 100


def _check_events(play: _Play, events: Sequence[Mapping[str, Any]]) -> None:
    numbers = [event.get("seq") for event in events]
    require(numbers == list(range(1, len(events) + 1)), "events", "numbers are not dense")
    placed = [
        (e["bid_seq"], e["bid_id"], e["bidder"], e["price_minor"], e["lots"], _at(e["at"]))
        for e in events
        if e["event"] == "bid_placed"
    ]
    expected = [
        (seq, bid.id, bid.by, bid.price, bid.lots, bid.at)
        for seq, bid in enumerate(play.bids, start=1)
    ]
    require(placed == expected, "events", f"bids are {expected}")
    moved = [(e["bid_seq"], _at(e["closes_at"])) for e in events if e["event"] == "close_extended"]
    require(moved == play.moved, "events", f"the close moved {play.moved}")


def _check_state(play: _Play, state: Mapping[str, Any]) -> None:
    require(state["phase"] == play.phase, "close", f"the phase is {play.phase}")
    require(_at(state["closes_at"]) == play.close, "close", f"it closes at {play.close}")
    require(_at(state["hard_stop"]) == play.stop, "close", f"it stops at {play.stop}")
    require(state["extensions"] == len(play.moved), "close", f"{len(play.moved)} extensions")
    require(state["bids"] == len(play.bids), "ranking", f"{len(play.bids)} bids")


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _check_awards(instance: Document, play: _Play, result: Document) -> None:
    order = _ordered(play)
    ranking = [
        {"id": bid.id, "bidder": bid.by, "price_minor": bid.price, "lots": bid.lots}
        for bid in order
    ]
    require(result["state"]["ranking"] == ranking, "ranking", f"the order is {ranking}")
    rules = play.rules
    if play.phase != "closed":
        require(not result["awards"] and result["outcome"] is None, "awards", "it has not closed")
        return
    able = [bid for bid in order if _reaches(play, bid)]
    lots, skipped = _filled(instance, play, able)
    price = _price(instance, play, order, lots)
    awards: list[dict[str, Any]] = [
        {
            "bidder": bid.by,
            "id": bid.id,
            "lots": lots[bid.index],
            "price_minor": bid.price if price is None else price,
        }
        for bid in able
        if lots.get(bid.index)
    ]
    require(result["awards"] == awards, "awards", f"they are {awards}")
    require(result["price_minor"] == (price if awards else None), "awards", f"the price is {price}")
    given = sum(award["lots"] for award in awards)
    revenue = sum(award["lots"] * award["price_minor"] for award in awards)
    require(result["unawarded_lots"] == rules["lots"] - given, "sums", f"{given} lots awarded")
    require(result["revenue_minor"] == revenue, "sums", f"the revenue is {revenue}")
    rejected = [
        {
            "id": bid.id,
            "bidder": bid.by,
            "lots": bid.lots,
            "price_minor": bid.price,
            "reason": skipped[bid.index],
        }
        for bid in able
        if bid.index in skipped
    ]
    require(result["rejected_in_the_money"] == rejected, "rejected", f"they are {rejected}")


def _ordered(play: _Play) -> list[_Bid]:
    """Return the standing bids, best first, equals by time or by the drawn tickets."""
    draw = play.rules.get("draw") or {}
    tie = play.rules.get("tie", "auto")
    is_drawn = tie == "draw" or (tie == "auto" and play.sealed and "commitment" in draw)
    if not is_drawn or play.phase != "closed":
        return sorted(play.standing(), key=lambda bid: (play.key(bid.price), bid.index))
    seed = bytes.fromhex(draw.get("seed") or "")
    require(sha256(seed).hexdigest() == draw["commitment"], "ranking", "the seed was not committed")
    salt = seed + bytes.fromhex(draw.get("beacon") or "")
    return sorted(
        play.standing(),
        key=lambda bid: (play.key(bid.price), sha256(salt + bid.id.encode()).digest(), bid.index),
    )


def _reaches(play: _Play, bid: _Bid) -> bool:
    reserve = play.rules.get("reserve_minor")
    return reserve is None or play.key(bid.price) <= play.key(reserve)


def _filled(
    instance: Document, play: _Play, able: Sequence[_Bid]
) -> tuple[dict[int, int], dict[int, str]]:
    """Return lots by bid, and why a bid in the money was skipped."""
    rules, cap = play.rules, _cap(play.rules)
    if instance["format"] == "second_price":
        return {bid.index: cap for bid in able[:1]}, {}
    if shares := rules.get("shares"):
        counted = shares[: len(able)] if rules.get("allow_single") else shares
        parts = _hamilton(rules["lots"], counted) if counted else []
        return {b.index: min(b.lots, p) for b, p in zip(able, parts, strict=False)}, {}
    marginal = rules.get("marginal", "auto")
    is_shared = play.sealed if marginal == "auto" else marginal == "pro_rata"
    lots: dict[int, int] = {}
    skipped: dict[int, str] = {}
    left: int = rules["lots"]
    prices = sorted({bid.price for bid in able}, key=play.key)
    for price in prices:
        claims = [bid for bid in able if bid.price == price]
        while claims and left:
            now = claims if is_shared else claims[:1]
            wanted = [min(bid.lots, cap) for bid in now]
            parts = wanted if sum(wanted) <= left else _hamilton(left, wanted)
            unmet = [
                (bid.lots, -place, bid, reason)
                for place, (bid, part) in enumerate(zip(now, parts, strict=True))
                if (reason := _unmet(rules, bid, part))
            ]
            if unmet:
                _, _, dropped, reason = min(unmet, key=lambda found: found[:2])
                skipped[dropped.index] = reason
                claims = [bid for bid in claims if bid is not dropped]
                continue
            for bid, part in zip(now, parts, strict=True):
                lots[bid.index] = part
                left -= part
            claims = claims[len(now) :]
    return lots, skipped


def _unmet(rules: Mapping[str, Any], bid: _Bid, part: int) -> str:
    if bid.whole and part < bid.lots:
        return "all_or_none"
    return "below_minimum" if part < min(rules.get("min_lots", 1), bid.lots) else ""


def _hamilton(total: int, weights: Sequence[int]) -> list[int]:
    """Return whole parts by largest remainder, the earlier of equals first."""
    whole = sum(weights)
    parts = [total * weight // whole for weight in weights]
    by_remainder = sorted(
        range(len(weights)), key=lambda i: (parts[i] * whole - total * weights[i], i)
    )
    for i in by_remainder[: total - sum(parts)]:
        parts[i] += 1
    return parts


def _price(
    instance: Document, play: _Play, order: Sequence[_Bid], lots: Mapping[int, int]
) -> int | None:
    """Return the one price of all winners, or None where each pays his own bid."""
    first = {"sealed_uniform": "last_accepted", "second_price": "first_rejected"}
    pricing = play.rules.get("pricing", "auto")
    if pricing == "auto":
        pricing = first.get(instance["format"], "pay_as_bid")
    won = [bid for bid in order if lots.get(bid.index)]
    if pricing == "pay_as_bid" or not won:
        return None
    worst = play.key(won[-1].price)
    if pricing == "last_accepted":
        return won[-1].price
    cap = _cap(play.rules)
    rejected = [
        play.key(bid.price)
        for bid in order
        if lots.get(bid.index, 0) < min(bid.lots, cap) and play.key(bid.price) >= worst
    ]
    stand_in = play.rules.get("reserve_minor", play.rules.get("start_minor"))
    if stand_in is not None:
        rejected.append(max(worst, play.key(stand_in)))
    return play.key(min(rejected, default=worst))
