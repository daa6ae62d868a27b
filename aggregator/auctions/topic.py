"""The feed topic `auction:<id>`: one auction, as each audience may see it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from aggregator.auctions import queries, store, views
from aggregator.auctions.store import Room
from aggregator.errors import NotFound
from aggregator.journal.reading import Entry
from aggregator.market import Actor, Audience, MaySee, Seen


class AuctionTopic:
    """The state is the room; what the rules hide changes no view, so it leaves no frame."""

    is_state = True
    kinds = views.KINDS
    own_kind = views.MEMBER

    async def allow(self, actor: Actor | None, topic_id: str) -> Audience:
        await queries.require_visible(actor, topic_id)
        audience = await views.audience_of(await store.read(None, topic_id), actor)
        if audience is None:
            raise NotFound("auction")
        return audience

    def stream(self, topic_id: str, actor: Actor | None) -> str:  # noqa: ARG002 - one for all
        return store.stream_of(topic_id)

    def initial(self, topic_id: str) -> Room:  # noqa: ARG002 - every auction begins empty
        return Room()

    def evolve(self, state: Room, entry: Entry) -> Room:
        return store.evolve(state, entry.fact)

    def view(self, state: Room, audience: Audience) -> dict[str, Any]:
        return views.view(state, audience)

    def follow(self, state: Room, entry: Entry) -> tuple[Room, Seen | MaySee]:
        fact = store.unsealed(state, entry)
        seen = views.seen_by(state, fact)
        after = store.evolve(state, fact)
        if after.state is state.state and isinstance(seen, MaySee):
            # What is a bidder's own follows from the engine's state.
            seen = MaySee(())
        return after, seen

    def firms(self, state: Room) -> Iterable[str]:
        return state.bidders

    def common(self, state: Room, kind: str) -> dict[str, Any]:
        return views.common(state, kind)

    def own(self, state: Room, firm: str) -> dict[str, Any]:
        return views.own(state, firm)
