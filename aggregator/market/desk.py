"""Desks: where acts of one kind are decided in memory, many in one transaction.

A desk reads once what all the acts of a transaction need, decides one after the other
without input or output, and writes once what came of them. So an act costs its decision, and
shares everything else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from aggregator.market.acts import Actor, Answer, Command
from aggregator.market.unit import Unit


@dataclass(slots=True)
class Asked:
    """One act that waits for a desk: who asks for what, on which stream."""

    actor: Actor
    command: Command | None
    stream: str
    content: Any


class Desk(Protocol):
    """Serves one transaction, in which the heads of all streams asked about are locked."""

    def __init__(self, unit: Unit) -> None: ...

    async def read(self, asked: Sequence[Asked]) -> None:
        """Read what deciding needs, in a few statements for all of `asked`."""

    def decide(self, asked: Asked) -> Answer:
        """Return the answer at `unit.now`, after noting what it means in memory.

        Raises:
            RuleViolation, MarketError: refused, and nothing has been noted.

        """

    async def write(self) -> None:
        """Write all that was noted."""

    def keep(self) -> None:
        """Remember for the next transaction: this one is durable."""
