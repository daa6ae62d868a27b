"""`"kind": "auction"`: rules and commands in order → events, state, awards, refusals.

A bid without a `bid_id` is named after its bidder: `u`, then `u/2`, `u/3` and so on. The
seed and beacon of a draw stand in the rules and are revealed by the `close`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aggregator.laboratory import plain
from aggregator.laboratory.auction_reading import CommandReader, read_rules
from aggregator.laboratory.reading import BadInput, Node
from matching.auctions.commands import Close, Command
from matching.auctions.engine import decide, evolve, initial, ranking
from matching.auctions.events import Event, Opened, Result
from matching.auctions.rules import Rules
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
    rules, seed, beacon = read_rules(parts)
    commands: list[tuple[datetime, Command]] = []
    reader = CommandReader(Close(seed, beacon))
    for entry in parts["commands"].items(max_items=MAX_COMMANDS):
        at, command = reader.read(entry)
        if commands and at < commands[-1][0]:
            raise BadInput(f"{entry.pointer}/at", "must not be before the command above it")
        commands.append((at, command))
    return Instance(rules, tuple(commands))


def clear(instance: Instance) -> dict[str, Any]:
    """Run the commands in order; a refused one changes nothing."""
    opened = Opened(at=instance.rules.opens_at, rules=instance.rules)
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
            "bids": state.book.count + len(state.packages),
            "round": None if state.clock is None else state.clock.round,
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
                **({"item": won.item} if won.item else {}),
            }
            for won in outcome.awards
        ],
        "price_minor": outcome.clearing_price_minor,
        "revenue_minor": sum(won.lots * won.price_minor for won in outcome.awards),
        "item_prices": dict(outcome.item_prices),
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
