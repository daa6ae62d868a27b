"""The feed's view of one's own notices: the newest first, a bounded number.

Whom it is for, `member` and the kinds that he is not shown, is the person's own: what he may not
read or has chosen not to be shown leaves no trace. He is looked at again when his rights change,
and every half a minute.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aggregator.amounts import DECIMALS, decimal_text
from aggregator.errors import NotFound
from aggregator.journal.facts import stamp
from aggregator.journal.reading import Entry
from aggregator.market import Actor, Audience
from aggregator.notices.choosing import unseen
from aggregator.notices.facts import Noticed
from aggregator.notices.kinds import act_of
from aggregator.notices.telling import stream_of

SHOWN = 50


_MEMBER = "member"


@dataclass(frozen=True, slots=True)
class State:
    """The newest notices by the act to read them, each with its number: so many of each."""

    notices: Mapping[str, tuple[tuple[int, dict[str, Any]], ...]] = field(default_factory=dict)


class OwnTopic:
    """`me`: what concerns the asker's own organisation."""

    is_state = True

    async def allow(self, actor: Actor | None, topic_id: str) -> Audience:
        if actor is None or topic_id:
            raise NotFound("topic")
        kinds = " ".join([_MEMBER, *sorted(await unseen(actor))])
        return Audience(kinds, actor.organisation_id)

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
        act = act_of(noticed.kind)
        newest = ((entry.seq, told), *state.notices.get(act, ()))[:SHOWN]
        return State({**state.notices, act: newest})

    def view(self, state: State, audience: Audience) -> dict[str, Any]:
        hidden = audience.kind.split()[1:]
        found = [
            (seq, told)
            for notices in state.notices.values()
            for seq, told in notices
            if told["kind"] not in hidden
        ]
        found.sort(key=lambda one: -one[0])
        return {"notices": [told for _, told in found[:SHOWN]]}


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
