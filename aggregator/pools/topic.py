"""The feed topic `pool:<id>`: one pool, as each audience may see it."""

from __future__ import annotations

from typing import Any

from aggregator.journal.reading import Entry, Pool
from aggregator.market import Actor, Audience
from aggregator.pools import store, views
from aggregator.pools.queries import audience_of
from aggregator.pools.sight import check_seen
from aggregator.pools.state import State, evolve


class PoolTopic:
    """What a view hides changes no view, so it leaves no frame and no number."""

    is_state = True

    async def allow(self, actor: Actor | None, topic_id: str) -> Audience:
        await check_seen(Pool(), actor, topic_id)
        return audience_of(actor)

    def stream(self, topic_id: str, actor: Actor | None) -> str:  # noqa: ARG002 - one for all
        return store.stream_of(topic_id)

    def initial(self, topic_id: str) -> State:  # noqa: ARG002 - every pool begins empty
        return State()

    def evolve(self, state: State, entry: Entry) -> State:
        return evolve(state, entry.fact)

    def view(self, state: State, audience: Audience) -> dict[str, Any]:
        return views.view(state, audience)
