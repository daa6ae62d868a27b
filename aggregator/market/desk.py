"""Desks: where acts of one kind are decided in memory, many in one transaction.

A desk reads once what all the acts of a transaction need, decides one after the other
without input or output, and writes once what came of them. So an act costs its decision, and
shares everything else. What a desk remembers it need not read again: it decides ahead of any
lock, and its write is refused where memory was wrong.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

from aggregator.db.calls import Call
from aggregator.market.acts import Actor, Answer, Command
from aggregator.market.unit import Unit


@dataclass(slots=True, eq=False)
class Asked:
    """One act that waits for a desk: who asks for what, on which stream."""

    actor: Actor
    command: Command | None
    stream: str
    content: Any


class Desk(ABC):
    """Serves one transaction, in which the heads of all streams asked about are known."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit

    def recall(self, asked: Sequence[Asked], before: Self | None) -> bool:
        """Take what deciding needs from memory, nothing being locked.

        Return False if it is not all there, and then take nothing: what is taken is claimed, for
        acts that are not decided too. It may be told of more acts later. `before` serves the
        transaction that is under way, and what it leaves behind goes before what is remembered.
        What was taken is checked by `claims`.
        """
        del asked, before
        return False

    @abstractmethod
    async def read(self, asked: Sequence[Asked]) -> None:
        """Read what deciding needs, in a few statements for all of `asked`; heads are locked."""

    @abstractmethod
    def decide(self, asked: Asked) -> Answer:
        """Return the answer at `unit.now`, after noting what it means in memory.

        Raises:
            RuleViolation, MarketError: refused, and nothing has been noted.

        """

    def claims(self) -> list[Call]:
        """Return the calls that refuse the transaction unless what was recalled is still so."""
        return []

    def is_written(self) -> bool:
        """Say whether `claims` wrote all there is to write."""
        return False

    @abstractmethod
    async def write(self) -> None:
        """Write all that was noted and that `claims` did not write."""

    @abstractmethod
    def keep(self) -> None:
        """Remember for the next transaction: this one is durable."""
