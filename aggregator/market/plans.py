"""Plans: acts decided on what a process remembers, ahead of any lock, and not yet written.

A plan may stand on another one that is on its way to the disk. Then it counts on what that one
will have done, and is thrown away with it where it fails: nobody has been told anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aggregator.errors import MarketError
from aggregator.journal.appending import Head
from aggregator.market import commands
from aggregator.market.acts import Outcome
from aggregator.market.desk import Asked, Desk
from aggregator.market.unit import Unit
from aggregator.market.waiting import Settled, Waiting, keep_answer, keep_refusal
from aggregator.refusals import Refusal
from matching.errors import RuleViolation

if TYPE_CHECKING:
    from collections.abc import Mapping

Desks = dict[type[Desk], Desk]
Streams = dict[str, type[Desk]]


@dataclass(eq=False)
class Plan:
    """What a commit is going to write, and what its acts will be answered."""

    unit: Unit
    book: commands.Book
    desks: Desks = field(default_factory=dict)
    streams: Streams = field(default_factory=dict)
    """Those of its acts, in the order in which they came, and the desk of each."""
    settled: Settled = field(default_factory=list)
    is_spoilt: bool = False
    """Whether an act failed half-way, so that nothing of the plan may be written."""

    @property
    def acts(self) -> list[Waiting]:
        """The acts, in the order in which they were decided."""
        return [waiting for waiting, _ in self.settled]

    def recall(
        self,
        batch: Sequence[Waiting],
        streams: Streams,
        ends: Mapping[str, Head],
        after: Plan | None,
    ) -> bool:
        """Take what more acts, of these streams, need from `after` and from memory.

        Return False if it is not all there.
        """
        heads = self.unit.heads
        new = [stream for stream in streams if stream not in heads]
        for stream in new:
            end = after.unit.heads.get(stream) if after is not None else None
            end = end or ends.get(stream)
            if end is not None:
                heads[stream] = Head(stream, end.seq, end.at, end.hash)
        if all(stream in heads for stream in new) and all(
            self._desk(kind).recall(asked, after.desks.get(kind) if after is not None else None)
            for kind, asked in asked_by_desk(batch, streams).items()
        ):
            self.streams |= streams
            return True
        for stream in new:
            heads.pop(stream, None)
        return False

    def _desk(self, kind: type[Desk]) -> Desk:
        desk = self.desks.get(kind)
        if desk is None:
            desk = self.desks[kind] = kind(self.unit)
        return desk

    def decide(self, batch: Sequence[Waiting]) -> None:
        """Decide acts that were recalled."""
        unit, book, desks = self.unit, self.book, self.desks
        self.settled += [(one, decision(unit, book, desks, one)) for one in batch]


def streams_of(batch: Iterable[Waiting]) -> Streams:
    """Return the streams of acts, in the order in which they came, and the desk of each."""
    return {one.stream: one.desk for one in batch if one.desk is not None}


def asked_by_desk(
    batch: Sequence[Waiting], streams: Streams
) -> Mapping[type[Desk], Sequence[Asked]]:
    """Return what is asked of each desk by acts of these streams."""
    kinds = set(streams.values())
    if len(kinds) == 1:
        return {kinds.pop(): batch}
    found: dict[type[Desk], list[Asked]] = {}
    for one in batch:
        assert one.desk is not None
        found.setdefault(one.desk, []).append(one)
    return found


def decision(unit: Unit, book: commands.Book, desks: Desks, waiting: Waiting) -> Outcome | Refusal:
    """Decide one act at its desk, or answer a command once more that is known."""
    actor, command, desk = waiting.actor, waiting.command, waiting.desk
    assert desk is not None
    known = book.known(actor, command)
    if known is not None:
        return known
    unit.actor, unit.command = actor, command
    unit.now = max(unit.market.clock.now(), unit.heads[waiting.stream].at)
    try:
        answer = desks[desk].decide(waiting)
    except (RuleViolation, MarketError) as refusal:
        keep_refusal(unit, book, waiting, refusal)
        return refusal
    keep_answer(unit, book, waiting, commands.DONE, answer)
    return Outcome(answer)
