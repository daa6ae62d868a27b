"""Who was seen a moment ago: sessions that a process need not look up for every request.

Whatever ends a session, or changes what its person may do, is a fact of his firm's stream. So
what is known of a session holds as long as that stream stands where it stood when the session
was read. Each process hears of growth through the bus, at once for its own acts, and looks for
itself each second; what nobody has looked at for `BELIEVED_MS` is read again. A bus that is lost,
or a database that does not answer, therefore lets no session live on for two seconds.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from aggregator.errors import NotSignedIn
from aggregator.market import Actor, Market
from aggregator.parties.sessions import Session, key_of, read_session

BELIEVED_MS = 1_500
MAX_KNOWN = 10_000


@dataclass(slots=True)
class _Seen:
    """A session, and when it was last known to hold, in steady milliseconds."""

    session: Session
    sure_ms: int


class Known:
    """The sessions that one process has read. Nothing is believed before somebody looks on."""

    def __init__(self, market: Market) -> None:
        self._market = market
        self._seen: OrderedDict[bytes, _Seen] = OrderedDict()
        self._forgettings = 0
        self.is_watched = False

    async def actor_of(self, token: str, *, now_ms: int) -> Actor:
        """Return who a session token acts as; raises as `sessions.actor_of`."""
        key = key_of(token)
        seen = self._seen.get(key)
        if seen is not None and now_ms - seen.sure_ms < BELIEVED_MS and self._holds(seen.session):
            self._seen.move_to_end(key)
            return seen.session.actor
        forgettings = self._forgettings
        try:
            session = await read_session(self._market, key)
        except NotSignedIn:
            self._seen.pop(key, None)
            raise
        if self.is_watched and forgettings == self._forgettings:
            # It was forgotten by nobody while it was being read.
            self._seen[key] = _Seen(session, now_ms)
            self._seen.move_to_end(key)
            if len(self._seen) > MAX_KNOWN:
                self._seen.popitem(last=False)
        return session.actor

    def firms(self) -> set[str]:
        """Return the firms whose streams are to be looked at."""
        return {seen.session.actor.organisation_id for seen in self._seen.values()}

    def forget(self, firms: Collection[str]) -> None:
        """Read the sessions of these firms again when they are next used."""
        self._forgettings += 1
        for key, seen in list(self._seen.items()):
            if seen.session.actor.organisation_id in firms:
                del self._seen[key]

    def looked(self, ends: Mapping[str, int], *, began_ms: int) -> None:
        """Take where firms' streams end, by a look that began at a steady instant."""
        for key, seen in list(self._seen.items()):
            end = ends.get(seen.session.actor.organisation_id)
            if end == seen.session.firm_seq:
                seen.sure_ms = max(seen.sure_ms, began_ms)
            elif end is not None:
                del self._seen[key]

    def _holds(self, session: Session) -> bool:
        now = self._market.clock.now()
        return session.holds(now) and not session.must_note(now)
