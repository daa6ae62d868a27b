"""`"kind": "auction"`: rules and commands in order → events, state, awards, refusals.

A bid without a `bid_id` is named after its bidder: `u`, then `u/2`, `u/3` and so on. The
seed and beacon of a draw stand in the rules and are revealed by the `close`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast, get_args

from aggregator.laboratory import plain
from aggregator.laboratory.reading import BadInput, Node
from matching.auctions.commands import (
    Cancel,
    Close,
    Command,
    Pause,
    PlaceBid,
    RecordOutage,
    Resume,
)
from matching.auctions.engine import decide, evolve, initial, open_auction, ranking
from matching.auctions.events import Event, Result
from matching.auctions.refusals import BadRule
from matching.auctions.rules import (
    MAX_BANDS,
    MAX_SHARES,
    Disclosure,
    FormatName,
    Improve,
    Marginal,
    Pricing,
    Rules,
    Side,
    Tie,
)
from matching.auctions.state import State
from matching.errors import RuleViolation

MAX_COMMANDS = 100_000


@dataclass(frozen=True, slots=True)
class Instance:
    rules: Rules
    commands: tuple[tuple[datetime, Command], ...]


def read(node: Node) -> Instance:
    """Take an instance apart.

    Raises:
        BadInput: it breaks a rule of its format, or the rules may not open.

    """
    parts = node.fields("kind side format rules commands")
    rules, seed, beacon = _rules(parts)
    commands: list[tuple[datetime, Command]] = []
    bids: dict[str, int] = {}
    for entry in parts["commands"].items(max_items=MAX_COMMANDS):
        at, command = _command(entry, Close(seed, beacon), bids)
        if commands and at < commands[-1][0]:
            raise BadInput(f"{entry.pointer}/at", "must not be before the command above it")
        commands.append((at, command))
    return Instance(rules, tuple(commands))


def clear(instance: Instance) -> dict[str, Any]:
    """Run the commands in order; a refused one changes nothing."""
    opened = open_auction(instance.rules, instance.rules.opens_at)
    state = initial(opened)
    events: list[Event] = [opened]
    refusals: list[dict[str, Any]] = []
    accepted: list[int] = []
    for index, (at, command) in enumerate(instance.commands):
        try:
            found = decide(state, command, at)
        except RuleViolation as violation:
            figures = {name: plain.value(figure) for name, figure in violation.figures().items()}
            refusals.append({"command": index, "code": violation.code, "figures": figures})
            continue
        accepted.append(index)
        for event in found:
            state = evolve(state, event)
        events += found
    return _result(state, events, refusals, accepted)


def explain(instance: Instance, result: Mapping[str, Any]) -> str:
    """Tell the result in words."""
    rules = instance.rules
    lines = [
        f"{rules.format} auction, side {rules.side}, {rules.lots} lots; "
        f"closes at {result['state']['closes_at']} ({result['state']['phase']})."
    ]
    lines += [
        f"{award['bidder']} wins {award['lots']} lots at {award['price_minor']}."
        for award in result["awards"]
    ]
    if result["unawarded_lots"]:
        lines.append(f"{result['unawarded_lots']} lots are not awarded.")
    lines += [
        f"{bid['bidder']} is in the money and left out: {bid['reason']}."
        for bid in result["rejected_in_the_money"]
    ]
    lines += [f"Command {index} is refused: {code}." for index, code in result["refused"].items()]
    return "\n".join(lines)


def _result(
    state: State,
    events: list[Event],
    refusals: list[dict[str, Any]],
    accepted: list[int],
) -> dict[str, Any]:
    outcome = state.result or Result("unawarded", unawarded_lots=state.rules.lots)
    return {
        "events": [plain.event(seq, event) for seq, event in enumerate(events, start=1)],
        "state": {
            "phase": state.phase,
            "closes_at": plain.value(state.closes_at),
            "hard_stop": plain.value(state.hard_stop),
            "extensions": state.extensions,
            "bids": state.book.count,
            "ranking": [
                {
                    "id": bid.bid_id,
                    "bidder": bid.bidder,
                    "price_minor": bid.price_minor,
                    "lots": bid.lots,
                }
                for bid in ranking(state)
            ],
        },
        "outcome": outcome.outcome if state.result else None,
        "awards": [
            {
                "bidder": won.bidder,
                "id": won.bid_id,
                "lots": won.lots,
                "price_minor": won.price_minor,
            }
            for won in outcome.awards
        ],
        "price_minor": outcome.clearing_price_minor,
        "revenue_minor": sum(won.lots * won.price_minor for won in outcome.awards),
        "unawarded_lots": outcome.unawarded_lots,
        "rejected_in_the_money": [
            {
                "id": bid.bid_id,
                "bidder": bid.bidder,
                "lots": bid.lots,
                "price_minor": bid.price_minor,
                "reason": bid.reason,
            }
            for bid in outcome.rejected_in_the_money
        ],
        "refused": {str(refusal["command"]): refusal["code"] for refusal in refusals},
        "refusals": refusals,
        "certificate": {"accepted": accepted},
    }


def _rules(parts: Mapping[str, Node]) -> tuple[Rules, str | None, str | None]:
    given = parts["rules"].fields(
        "opens_at closes_at lots",
        "hard_stop soft_close_s max_extensions min_lots tick_minor step_minor steps start_minor "
        "reserve_minor reserve_is_public pricing marginal tie draw improve disclosure max_share "
        "shares allow_single",
    )
    read_by: dict[str, Callable[[Node], Any]] = {
        "opens_at": Node.instant,
        "closes_at": Node.instant,
        "hard_stop": Node.instant,
        "reserve_is_public": Node.boolean,
        "allow_single": Node.boolean,
        "pricing": _word(Pricing),
        "marginal": _word(Marginal),
        "tie": _word(Tie),
        "improve": _word(Improve),
        "disclosure": _word(Disclosure),
        "steps": _steps,
        "shares": _shares,
    }
    commitment, seed, beacon = _draw(given.pop("draw", None))
    if "step_minor" in given and isinstance(given["step_minor"].value, list):
        given["steps"] = given.pop("step_minor")
    values: dict[str, Any] = {
        name: read_by[name](node) if name in read_by else node.integer(0)
        for name, node in given.items()
    }
    try:
        rules = Rules(
            side=cast(Side, parts["side"].choice(*get_args(Side))),
            format=cast(FormatName, parts["format"].choice(*get_args(FormatName))),
            draw_commitment=commitment,
            **values,
        )
        rules.validate()
    except BadRule as broken:
        at_top = broken.field in ("side", "format")
        pointer = f"/{broken.field}" if at_top else f"/rules/{broken.field}"
        raise BadInput(pointer, broken.rule, broken.figure) from broken
    return rules, seed, beacon


def _word(words: Any) -> Callable[[Node], str]:
    return lambda node: node.choice(*get_args(words)[1:])


def _steps(node: Node) -> tuple[tuple[int, int], ...]:
    bands = []
    for band in node.items(max_items=MAX_BANDS, min_items=1):
        low, step = (part.integer(0) for part in band.items(min_items=2, max_items=2))
        bands.append((low, step))
    return tuple(bands)


def _shares(node: Node) -> tuple[int, ...]:
    return tuple(part.integer(1, 100) for part in node.items(max_items=MAX_SHARES, min_items=1))


def _draw(node: Node | None) -> tuple[str | None, str | None, str | None]:
    if node is None:
        return None, None, None
    parts = node.fields("commitment", "seed beacon")
    found = {name: _hexadecimal(part) for name, part in parts.items()}
    return found["commitment"], found.get("seed"), found.get("beacon")


def _hexadecimal(node: Node) -> str:
    text = node.text(max_length=64)
    if len(text) != 64 or any(letter not in "0123456789abcdef" for letter in text):
        node.refuse("must be 32 bytes in lower-case hexadecimal", text)
    return text


def _command(entry: Node, close: Close, bids: dict[str, int]) -> tuple[datetime, Command]:
    parts = entry.fields("at cmd", "by price_minor lots all_or_none bid_id reason began_at")
    at = parts["at"].instant()
    name = parts["cmd"].choice("bid", "close", "pause", "resume", "cancel", "outage")
    if name == "bid":
        return at, _bid(entry, bids)
    if name == "close":
        entry.fields("at cmd")
        return at, close
    if name == "resume":
        entry.fields("at cmd")
        return at, Resume()
    if name == "outage":
        return at, RecordOutage(entry.fields("at cmd began_at")["began_at"].instant())
    given = entry.fields("at cmd", "reason by")
    reason = given["reason"].text() if "reason" in given else ""
    return at, Pause(reason) if name == "pause" else Cancel(reason)


def _bid(entry: Node, bids: dict[str, int]) -> PlaceBid:
    parts = entry.fields("at by cmd price_minor", "lots all_or_none bid_id")
    bidder = parts["by"].text()
    bids[bidder] = count = bids.get(bidder, 0) + 1
    implied = bidder if count == 1 else f"{bidder}/{count}"
    return PlaceBid(
        bid_id=parts["bid_id"].text() if "bid_id" in parts else implied,
        bidder=bidder,
        price_minor=parts["price_minor"].integer(-(10**15)),
        lots=parts["lots"].integer(-(10**15)) if "lots" in parts else None,
        all_or_none=parts["all_or_none"].boolean() if "all_or_none" in parts else False,
    )
