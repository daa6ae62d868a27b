"""Random auctions as laboratory instances, near the limits of their rules, and their journals."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from hypothesis import reject
from hypothesis import strategies as st

from aggregator.auctions import keys
from aggregator.auctions.facts import AuctionListed
from aggregator.journal.reading import Entry
from aggregator.laboratory import auction as laboratory
from aggregator.laboratory.reading import Node
from matching.auctions.engine import decide, evolve, initial, open_auction
from matching.errors import RuleViolation

OPENS = datetime(2027, 1, 5, 11, tzinfo=UTC)
CLOSES = OPENS + timedelta(minutes=10)
SEED, BEACON = "11" * 32, "22" * 32
NAMES = "abcd"
_NUMBERS = itertools.count(1)


def written(at: datetime) -> str:
    return at.isoformat(timespec="microseconds").replace("+00:00", "Z")


def maybe(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(st.none(), values)


def within(side: str, start_minor: int, reserve_minor: int) -> int:
    """Return the reserve as far as it is no worse than the start price."""
    return (min if side == "buy" else max)(start_minor, reserve_minor)


@st.composite
def times(draw: st.DrawFn, count: int) -> list[datetime]:
    """Instants in order: many in the last minutes, some outside the window."""
    seconds = st.one_of(
        st.integers(-30, 700), st.integers(470, 600), st.sampled_from([0, 480, 599, 600])
    )
    moments = sorted(draw(st.lists(seconds, min_size=count, max_size=count)))
    return [OPENS + timedelta(seconds=second) for second in moments]


@st.composite
def book_rules(draw: st.DrawFn, form: str, side: str) -> dict[str, Any]:
    lots = draw(st.integers(1, 12))
    rules: dict[str, Any] = {
        "opens_at": written(OPENS),
        "closes_at": written(CLOSES),
        "lots": lots,
        "tick_minor": 10,
        "soft_close_s": draw(st.sampled_from([0, 60, 120])),
    }
    choices: dict[str, st.SearchStrategy[Any]] = {
        "hard_stop": st.sampled_from([0, 90, 600]).map(
            lambda s: written(CLOSES + timedelta(seconds=s))
        ),
        "max_extensions": st.integers(0, 2),
        "min_lots": st.integers(1, min(3, lots)) if form != "second_price" else st.just(1),
        "step_minor": st.sampled_from([10, 20, 50, [[0, 10], [1000, 30]]]),
        "start_minor": st.sampled_from([900, 1000, 1100]),
        "reserve_minor": st.sampled_from([950, 1000, 1050].copy()).map(lambda p: p // 10 * 10),
        "marginal": st.sampled_from(["pro_rata", "time"]),
        "disclosure": st.sampled_from(["full", "best", "rank", "blind"]),
        "observer_disclosure": st.just("blind"),
    }
    if form == "english":
        choices["improve"] = st.sampled_from(["leader", "own"])
        choices["owner_disclosure"] = st.sampled_from(["full", "blind"])
    pricings = {"english": ["pay_as_bid", "last_accepted", "first_rejected"]}
    pricings["sealed_uniform"] = ["last_accepted", "first_rejected"]
    if form in pricings:
        choices["pricing"] = st.sampled_from(pricings[form])
    for name, values in choices.items():
        value = draw(maybe(values))
        if value is not None:
            rules[name] = value
    if rules.keys() >= {"start_minor", "reserve_minor"}:
        rules["reserve_minor"] = within(side, rules["start_minor"], rules["reserve_minor"])
    if draw(st.booleans()):
        rules["tie"] = draw(st.sampled_from(["time", "draw"]))
        if rules["tie"] == "draw":
            commitment = sha256(bytes.fromhex(SEED)).hexdigest()
            rules["draw"] = {"commitment": commitment, "seed": SEED}
            if draw(st.booleans()):
                rules["draw"]["beacon"] = BEACON
    _divide(draw, form, lots, rules)
    if rules.get("reserve_minor") is not None and draw(st.booleans()):
        rules["reserve_is_public"] = True
    return rules


def _divide(draw: st.DrawFn, form: str, lots: int, rules: dict[str, Any]) -> None:
    """Add shares by rank, a cap on one winner, or scored terms; no two of them together."""
    kind = draw(st.sampled_from(["none", "none", "share", "shares", "score"]))
    if kind == "share" and lots >= 4 and form != "second_price":
        rules["max_share"] = draw(st.sampled_from([50, 75, 100]))
        rules["min_lots"] = 1
    pays_own = form == "sealed_first" or (form == "english" and "pricing" not in rules)
    if kind == "shares" and pays_own and lots >= 4:
        rules["shares"] = draw(st.sampled_from([[70, 30], [50, 25, 25], [100]]))
        rules["min_lots"] = 1
        rules["allow_single"] = draw(st.booleans())
    if form in ("english", "sealed_first", "sealed_uniform") and draw(st.integers(0, 3)) == 0:
        rules["all_lots_or_none"] = True
    if kind == "score" and pays_own:
        rules["criteria"] = [{"name": "days", "unit_minor": 10, "lowest": 0, "highest": 3}]


@st.composite
def book_commands(draw: st.DrawFn, form: str, rules: dict[str, Any]) -> list[dict[str, Any]]:
    kinds = ["bid"] * 12 + ["pause", "resume", "outage", "close", "begin", "cancel", "withdraw"]
    if form == "english":
        kinds += ["standing"] * 3
    moments = draw(times(draw(st.integers(1, 16))))
    found: list[dict[str, Any]] = []
    for at in moments:
        kind = draw(st.sampled_from(kinds))
        command: dict[str, Any] = {"at": written(at), "cmd": kind}
        if kind == "bid":
            command |= {
                "by": draw(st.sampled_from(NAMES)),
                "price_minor": draw(st.integers(84, 116)) * 10,
            }
            if draw(st.booleans()):
                command["lots"] = draw(st.integers(1, rules["lots"]))
            if draw(st.integers(0, 3)) == 0:
                command["all_or_none"] = True
            if "criteria" in rules:
                command["attributes"] = {"days": draw(st.integers(0, 3))}
        elif kind == "standing":
            command["by"] = draw(st.sampled_from(NAMES))
            limit = draw(maybe(st.integers(84, 116)))
            if limit is not None:
                command["limit_minor"] = limit * 10
        elif kind == "withdraw":
            command |= {"bid_seq": draw(st.integers(1, 8)), "reason": "as told"}
        elif kind in ("pause", "cancel"):
            command["reason"] = "as told"
        elif kind == "outage":
            command["began_at"] = written(at - timedelta(seconds=draw(st.integers(1, 1000))))
        found.append(command)
    found.append({"at": written(CLOSES + timedelta(hours=1)), "cmd": "close"})
    return found


@st.composite
def book_auctions(draw: st.DrawFn) -> dict[str, Any]:
    form = draw(st.sampled_from(["english", "sealed_first", "sealed_uniform", "second_price"]))
    side = draw(st.sampled_from(["buy", "sell"]))
    rules = draw(book_rules(form, side))
    commands = draw(book_commands(form, rules))
    return _instance(side, form, rules, commands)


@st.composite
def announced_auctions(draw: st.DrawFn) -> dict[str, Any]:
    form = draw(st.sampled_from(["dutch", "japanese", "clock"]))
    side = draw(st.sampled_from(["buy", "sell"]))
    rules: dict[str, Any] = {
        "opens_at": written(OPENS),
        "closes_at": written(CLOSES),
        "tick_minor": 10,
        "interval_s": draw(st.sampled_from([30, 60, 400])),
        "step_minor": draw(st.sampled_from([10, 50])),
        "marginal": draw(st.sampled_from(["time", "pro_rata"])),
        "min_lots": draw(st.sampled_from([1, 1, 2])),
        "disclosure": draw(st.sampled_from(["full", "best", "rank", "blind"])),
    }
    if form == "clock":
        lots = [draw(st.integers(2, 8)) for _ in range(draw(st.integers(1, 3)))]
        rules["items"] = [
            {"id": f"i{i}", "lots": count, "start_minor": 1000} for i, count in enumerate(lots)
        ]
        reserve = draw(maybe(st.sampled_from([900, 950, 1000, 1050])))
        if reserve is not None:
            rules["reserve_minor"] = within(side, 1000, reserve)
    else:
        rules |= {"lots": draw(st.integers(2, 8)), "start_minor": 1000}
        reserve = draw(maybe(st.sampled_from([900, 950, 1000, 1050])))
        towards = {"buy": "sell", "sell": "buy"}[side] if form == "dutch" else side
        if reserve is not None:
            rules["reserve_minor"] = within(towards, 1000, reserve)
    if form == "dutch":
        rules["pricing"] = draw(st.sampled_from(["pay_as_bid", "last_accepted"]))
    elif draw(st.integers(0, 2)) == 0:
        commitment = sha256(bytes.fromhex(SEED)).hexdigest()
        rules |= {"tie": "draw", "draw": {"commitment": commitment, "seed": SEED}}
    commands = draw(announced_commands(form, side, rules))
    return _instance(side, form, rules, commands)


@st.composite
def announced_commands(
    draw: st.DrawFn, form: str, side: str, rules: dict[str, Any]
) -> list[dict[str, Any]]:
    kinds = ["bid"] * 9 + ["round"] * (0 if form == "dutch" else 4)
    kinds += ["pause", "resume", "outage", "close"]
    sign, found = (1 if side == "sell" else -1) * (-1 if form == "dutch" else 1), []
    for at in draw(times(draw(st.integers(1, 24)))):
        kind = draw(st.sampled_from(kinds))
        command: dict[str, Any] = {"at": written(at), "cmd": kind}
        if kind == "bid":
            command["by"] = draw(st.sampled_from(NAMES))
            if form == "clock":
                asked = {item["id"]: draw(st.integers(0, 5)) for item in rules["items"]}
                command["demand"] = asked
            else:
                price = 1000 + sign * rules["step_minor"] * draw(st.integers(0, 3))
                command |= {"price_minor": price, "lots": draw(st.integers(1, 4))}
        elif kind == "pause":
            command["reason"] = "as told"
        elif kind == "outage":
            command["began_at"] = written(at - timedelta(seconds=draw(st.integers(1, 1000))))
        found.append(command)
    end = CLOSES + timedelta(hours=1)
    found.append({"at": written(end), "cmd": "round" if form == "clock" else "close"})
    return [*found, {"at": written(end), "cmd": "close"}]


@st.composite
def package_auctions(draw: st.DrawFn) -> dict[str, Any]:
    """Few items and packages, at prices that make ties and overlaps likely."""
    side = draw(st.sampled_from(["buy", "sell"]))
    items = [f"i{number}" for number in range(draw(st.integers(1, 5)))]
    rules: dict[str, Any] = {
        "opens_at": written(OPENS),
        "closes_at": written(CLOSES),
        "tick_minor": 10,
        "disclosure": draw(st.sampled_from(["full", "best", "rank", "blind"])),
        "items": [
            {"id": item, "lots": draw(st.integers(1, 9)), "start_minor": 1000} for item in items
        ],
    }
    reserve = draw(maybe(st.sampled_from([950, 1000, 1050])))
    if reserve is not None:
        reserve = within(side, 1000, reserve)
        rules |= {"reserve_minor": reserve, "reserve_is_public": draw(st.booleans())}
    if draw(st.integers(0, 2)) == 0:
        worth = draw(st.sampled_from([10, -10, -600]))
        rules["criteria"] = [{"name": "days", "unit_minor": worth, "lowest": 0, "highest": 3}]
    kinds = ["bid"] * 12 + ["pause", "resume", "outage", "cancel"]
    found: list[dict[str, Any]] = []
    for at in draw(times(draw(st.integers(1, 14)))):
        kind = draw(st.sampled_from(kinds))
        command: dict[str, Any] = {"at": written(at), "cmd": kind}
        if kind == "bid":
            asked = draw(st.lists(st.sampled_from(items), min_size=1, unique=True))
            price = draw(st.integers(95, 110)) * 10
            command |= {"by": draw(st.sampled_from(NAMES)), "items": asked, "price_minor": price}
            if draw(st.booleans()):
                command["xor"] = draw(st.sampled_from("xy"))
            if "criteria" in rules:
                command["attributes"] = {"days": draw(st.integers(0, 3))}
        elif kind in ("pause", "cancel"):
            command["reason"] = "as told"
        elif kind == "outage":
            command["began_at"] = written(at - timedelta(seconds=draw(st.integers(1, 1000))))
        found.append(command)
    found.append({"at": written(CLOSES + timedelta(hours=1)), "cmd": "close"})
    return _instance(side, "packages", rules, found)


def _instance(
    side: str, form: str, rules: dict[str, Any], commands: list[dict[str, Any]]
) -> dict[str, Any]:
    return {"kind": "auction", "side": side, "format": form, "rules": rules, "commands": commands}


def listing(auction_id: str, beacon: str = "") -> AuctionListed:
    words = (
        "reference owner_name title instrument_id instrument_name_zh instrument_name_en lot_text"
        " region region_name_zh region_name_en tenor cell"
    )
    return AuctionListed(
        auction_id=auction_id,
        owner_id="org_mill",
        currency="CNY",
        deposit_bps=1000,
        tax_bps=1300,
        fee_bps=20,
        service_tax_bps=600,
        kinds=(),
        invited=(),
        barred_groups=("mill",),
        beacon=beacon,
        **dict.fromkeys(words.split(), "x"),
    )


def history(instance: dict[str, Any]) -> list[Entry]:
    """Return the journal that the market would have kept of a world's commands."""
    if instance["format"] == "dutch":
        # The market shows such a reserve, because the price stops there for all to see.
        instance["rules"].pop("reserve_minor", None)
    name = f"auc_{next(_NUMBERS)}"
    for number, given_command in enumerate(instance["commands"], start=1):
        if given_command["cmd"] in ("bid", "standing"):
            given_command["bid_id"] = f"b{number}"
    read = laboratory.read(Node(instance, ""))
    opened = open_auction(read.rules, read.rules.opens_at - timedelta(hours=1))
    state = initial(opened)
    beacon = "drand of the test" if instance["rules"].get("draw", {}).get("beacon") else ""
    facts: list[tuple[object, datetime]] = [
        (fact, opened.at) for fact in (keys.new_key(name), listing(name, beacon), opened)
    ]
    for at, command in read.commands:
        try:
            told = decide(state, command, at)
        except RuleViolation:
            continue
        for event in told:
            state = evolve(state, event)
            facts.append((event, at))
    if state.phase not in ("closed", "cancelled"):
        reject()
    return [
        Entry(f"auction:{name}", seq, at, fact, "somebody", bytes(32))
        for seq, (fact, at) in enumerate(facts, start=1)
    ]
