"""Checks the result of an auction without the engine that made it.

The commands are replayed by `auction_replay`, a slow and obvious reading of the law. What
is checked, by name: `refusals` (every refusal with its code and figures), `close` (when
the auction closes, by soft close and pauses), `replay` (every event in order), `state`,
then what no result may break whatever the replay says (`supply`, `worse_than_bid`,
`reserve`, `shares`), and `awards` (who wins what at which price, exactly).
"""

from __future__ import annotations

from typing import Any

from matching.clearing import auction_rules as law
from matching.clearing.auction_awards import most_lots
from matching.clearing.auction_packages import claimed_by
from matching.clearing.auction_replay import Replay
from matching.clearing.form import Document, exact_fields, member, require

FIELDS = frozenset(
    {
        "awards",
        "certificate",
        "events",
        "item_prices",
        "outcome",
        "price_minor",
        "refusals",
        "refused",
        "rejected_in_the_money",
        "revenue_minor",
        "state",
        "unawarded_lots",
    }
)


def check(instance: Document, result: Document) -> None:
    """Check an auction result.

    Raises:
        GuaranteeBroken: the first guarantee found not to hold.

    """
    exact_fields(result, FIELDS)
    replay = Replay(instance, claimed_by(result))
    replay.run(instance["commands"])
    refused = {str(no["command"]): no["code"] for no in replay.refusals}
    _same("refusals", result["refused"], refused)
    _same("refusals", result["refusals"], replay.refusals)
    state = member(result, "state", dict)
    _same("close", state.get("closes_at"), law.write_instant(replay.closes))
    _check_bounds(replay, member(result, "awards", list))
    expected = _expected(replay)
    for name in sorted(FIELDS - {"events", "state", "certificate", "refused", "refusals"}):
        _same("awards", result[name], expected[name])
    _same("state", state, expected["state"])
    _same("replay", result["events"], replay.events)
    _same("replay", result["certificate"].get("accepted"), replay.accepted)


def _same(name: str, found: object, expected: object) -> None:
    is_same = type(found) is type(expected) and _typed(found) == _typed(expected)
    require(is_same, name, f"{found!r:.200} should be {expected!r:.200}")


def _typed(value: object) -> object:
    """Return a form in which true is not 1."""
    if isinstance(value, dict):
        return {key: _typed(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_typed(part) for part in value]
    return (type(value).__name__, value)


def _check_bounds(replay: Replay, awards: list[Any]) -> None:
    rules = replay.rules
    for award in awards:
        require(member(award, "lots", int) > 0, "supply", "an award of nothing")
    won = sum(award["lots"] for award in awards)
    require(won <= rules["lots"], "supply", f"{won} of {rules['lots']} lots are awarded")
    for award in awards:
        price = law.goodness(rules, member(award, "price_minor", int))
        named = (member(award, "bidder", str), member(award, "id", str))
        own = [bid for bid in replay.bids if (bid["bidder"], bid["bid_id"]) == named]
        is_fair = not own or price <= law.goodness(rules, own[-1]["price_minor"])
        require(is_fair, "worse_than_bid", f"{award} is worse than the bid")
        lots = sum(other["lots"] for other in awards if other["bidder"] == award["bidder"])
        require(lots <= most_lots(rules), "shares", f"{award['bidder']!r} wins too much")
        reserve = rules["reserve_minor"]
        is_reached = reserve is None or price >= law.goodness(rules, reserve)
        require(is_reached, "reserve", f"{award} does not reach the reserve")


def _expected(replay: Replay) -> dict[str, Any]:
    found = replay.result or {**replay.outcome_of([], None), "outcome": None}
    awards = [
        {
            "bidder": won["bidder"],
            "id": won["bid_id"],
            "lots": won["lots"],
            "price_minor": won["price_minor"],
            **({"item": won["item"]} if won["item"] else {}),
        }
        for won in found["awards"]
    ]
    skipped = [
        {"id" if name == "bid_id" else name: value for name, value in bid.items()}
        for bid in found["rejected_in_the_money"]
    ]
    rounds = replay.rounds
    return {
        "awards": awards,
        "item_prices": dict(found["item_prices"]),
        "outcome": found["outcome"],
        "price_minor": found["clearing_price_minor"],
        "rejected_in_the_money": skipped,
        "revenue_minor": sum(won["lots"] * won["price_minor"] for won in awards),
        "unawarded_lots": found["unawarded_lots"],
        "state": {
            "phase": replay.phase,
            "closes_at": law.write_instant(replay.closes),
            "hard_stop": law.write_instant(replay.stop),
            "extensions": replay.extensions,
            "bids": len(replay.bids) + (len(replay.packages.placed) if replay.packages else 0),
            "round": None if rounds is None else len(rounds.stood),
            "ranking": [
                {
                    "id": bid["bid_id"],
                    "bidder": bid["bidder"],
                    "price_minor": bid["price_minor"],
                    "lots": bid["lots"],
                }
                for bid in replay.ranking()
            ],
        },
    }
