"""The feed's view of one's own notices: the newest first, a bounded number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aggregator.amounts import DECIMALS, decimal_text
from aggregator.errors import NotFound
from aggregator.journal.facts import stamp
from aggregator.journal.reading import Entry
from aggregator.market import Actor, Audience
from aggregator.notices.facts import Noticed
from aggregator.notices.telling import stream_of

SHOWN = 50


@dataclass(frozen=True, slots=True)
class State:
    notices: tuple[dict[str, Any], ...] = ()


class OwnTopic:
    """`me`: what concerns the asker's own organisation."""

    is_state = True

    async def allow(self, actor: Actor | None, topic_id: str) -> Audience:
        if actor is None or topic_id:
            raise NotFound("topic")
        return Audience("member", actor.organisation_id)

    def stream(self, _: str, actor: Actor | None) -> str:
        assert actor is not None, "allow comes first"
        return stream_of(actor.organisation_id)

    def initial(self, _: str) -> State:
        return State()

    def evolve(self, state: State, entry: Entry) -> State:
        noticed = entry.fact
        if not isinstance(noticed, Noticed):
            return state
        told = {
            "notice_id": noticed.notice_id,
            "kind": noticed.kind,
            "subject": noticed.subject,
            "figures": shown(dict(noticed.figures)),
            "at": stamp(entry.at),
        }
        return State((told, *state.notices)[:SHOWN])

    def view(self, state: State, _: Audience) -> dict[str, Any]:
        return {"notices": list(state.notices)}


def shown(figures: Mapping[str, str | int]) -> dict[str, str | int]:
    """Return the figures of a notice as others read them: amounts as decimal text."""
    currency = str(figures.get("currency", "CNY"))
    currency = currency if currency in DECIMALS else "CNY"
    return {
        name.removesuffix("_minor"): decimal_text(value, currency)
        if name.endswith("_minor") and isinstance(value, int)
        else value
        for name, value in figures.items()
    }
