"""Which feed topic shows what: a prefix, and the capability that folds and shows it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol, runtime_checkable

from aggregator.auctions.topic import AuctionTopic
from aggregator.forwards.topic import StripTopic
from aggregator.journal.reading import Entry
from aggregator.market import Actor, Audience, MaySee, Seen
from aggregator.notices.topic import OwnTopic
from aggregator.pools.topic import PoolTopic
from aggregator.prices.topic import CurveTopic, PriceTopic


class Topic(Protocol):
    """A journal stream seen by an audience.

    The numbering of a topic is derived: it grows by one with each entry that changes the
    view of that audience. What the view hides leaves no trace in it.
    """

    is_state: bool

    async def allow(self, actor: Actor | None, topic_id: str) -> Audience:
        """Return the actor's audience; absent and forbidden are both NotFound."""

    def stream(self, topic_id: str, actor: Actor | None) -> str:
        """Return the journal stream that the topic folds."""

    def initial(self, topic_id: str) -> Any:
        """Return the state before the first entry."""

    def evolve(self, state: Any, entry: Entry) -> Any:
        """Return the state after `entry`."""

    def view(self, state: Any, audience: Audience) -> dict[str, Any]:
        """Return what the audience may see, of str, int, bool, None, list and dict only."""


@runtime_checkable
class SharedTopic(Topic, Protocol):
    """A topic whose view is a part common to all of a kind, and a part of a firm's own.

    No name stands in both. Only audiences of `own_kind` have a part of their own.
    """

    kinds: tuple[str, ...]
    own_kind: str

    def follow(self, state: Any, entry: Entry) -> tuple[Any, Seen | MaySee]:
        """Return `evolve`, and exactly who sees the difference, or who may see one."""

    def firms(self, state: Any) -> Iterable[str]:
        """Return the firms whose own part may differ from that of one who never acted."""

    def common(self, state: Any, kind: str) -> dict[str, Any]:
        """Return what all audiences of a kind see alike."""

    def own(self, state: Any, firm: str) -> dict[str, Any]:
        """Return what a firm of `own_kind` sees besides."""


TOPICS: Mapping[str, Topic] = {
    "auction": AuctionTopic(),
    "curve": CurveTopic(),
    "me": OwnTopic(),
    "pool": PoolTopic(),
    "prices": PriceTopic(),
    "strip": StripTopic(),
}
