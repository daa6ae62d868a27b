"""The feed's view of a strip: its months, its window, and whether enough firms are in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from aggregator.amounts import CURRENCY, decimal_text
from aggregator.forwards import store
from aggregator.forwards.facts import (
    OrderCancelled,
    OrderPlaced,
    StripCleared,
    StripExtended,
    StripLapsed,
    StripOpened,
    StripRoundEnded,
    StripRoundOpened,
    TalksBegan,
    TermsAnswered,
    TermsAsked,
)
from aggregator.journal.facts import stamp
from aggregator.journal.reading import Entry, Pool
from aggregator.market import PUBLIC, Actor, Audience

ENOUGH_GROUPS = 3


@dataclass(frozen=True, slots=True)
class State:
    """The strip as the journal tells it; `groups` is order id → owner group.

    `talks` is everybody's part of the rounds: which one, until when, and a clock's prices.
    `asked` are the orders whose buyers have not answered the terms.
    """

    opened: StripOpened | None = None
    phase: str = "gathering"
    reason: str | None = None
    groups: Mapping[str, str] = field(default_factory=dict)
    talks: Mapping[str, Any] | None = None
    asked: frozenset[str] = frozenset()


class StripTopic:
    """Public: neither who ordered nor how much leaves any trace."""

    is_state = True

    async def allow(self, _: Actor | None, topic_id: str) -> Audience:
        await store.load(Pool(), topic_id)
        return PUBLIC

    def stream(self, topic_id: str, _: Actor | None) -> str:
        return store.stream_of(topic_id)

    def initial(self, _: str) -> State:
        return State()

    def evolve(self, state: State, entry: Entry) -> State:
        match entry.fact:
            case StripOpened() as opened:
                return replace(state, opened=opened)
            case OrderPlaced(order_id=order_id, owner_group=group):
                return replace(state, groups={**state.groups, order_id: group})
            case OrderCancelled(order_id=order_id):
                left = {k: g for k, g in state.groups.items() if k != order_id}
                return replace(state, groups=left)
            case StripCleared():
                return replace(state, phase="cleared")
            case StripLapsed(reason=reason):
                return replace(state, phase="lapsed", reason=reason)
            case _:
                return _talked(state, entry.fact)

    def view(self, state: State, _: Audience) -> dict[str, Any]:
        opened = state.opened
        if opened is None:
            return {}
        return {
            "strip_id": opened.strip_id,
            "title": opened.title,
            "instrument": opened.instrument_id,
            "region": opened.region,
            "tenors": list(opened.tenors),
            "opens_at": stamp(opened.opens_at),
            "closes_at": stamp(opened.closes_at),
            "phase": state.phase,
            "reason": state.reason,
            "enough_firms": len(set(state.groups.values())) >= ENOUGH_GROUPS,
            "talks": state.talks,
        }


def _talked(state: State, fact: object) -> State:
    known = dict(state.talks or {})
    match fact:
        case TalksBegan(rounds=rounds):
            return replace(state, phase="talking", talks={"rounds": rounds})
        case StripRoundOpened(number=number, prices=prices, ends_at=ends_at):
            named = {tenor: decimal_text(minor, CURRENCY) for tenor, minor in prices}
            told = {"round": number, "ends_at": stamp(ends_at), "prices": named}
            return replace(state, phase="talking", talks=known | told)
        case StripRoundEnded(state=ended):
            phase = "closing" if ended in ("accepted", "over") else state.phase
            return replace(state, phase=phase)
        case TermsAsked(order_id=order_id, until=until):
            told = known | {"ends_at": stamp(until)}
            return replace(state, phase="asking", talks=told, asked=state.asked | {order_id})
        case TermsAnswered(order_id=order_id):
            asked = state.asked - {order_id}
            return replace(state, phase=state.phase if asked else "closing", asked=asked)
        case StripExtended(closes_at=closes_at, until=until):
            moved = known | {"ends_at": stamp(until)} if until and known else state.talks
            opened = replace(state.opened, closes_at=closes_at) if state.opened else None
            return replace(state, opened=opened, talks=moved)
        case _:
            return state
