"""What a kind of thing needs so that it can come from a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from aggregator.importing.columns import Column, Fault, Layout, Values
from aggregator.importing.known import Known
from aggregator.market import Actor, Unit
from aggregator.refusals import Refusal


@dataclass(frozen=True, slots=True)
class Item:
    """One request or offer of a file: its rows, its terms, and these as they are shown."""

    rows: Sequence[int]
    terms: Any
    meaning: Mapping[str, Any]


@dataclass
class RowRefused(Exception):
    """What the market refused of a file, and at which row."""

    row: int
    refusal: Refusal


class Kind(Protocol):
    """Requests or offers; what is binding is tried before it is previewed as sound."""

    name: str
    act: str
    columns: Sequence[Column]
    max_items: int
    is_binding: bool

    def items(
        self, values: Sequence[Values], layout: Layout, known: Known, now: datetime
    ) -> tuple[Sequence[Item], Sequence[Fault]]:
        """Return what sound rows mean, and what of it breaks a rule of the market."""

    async def make(self, unit: Unit, items: Sequence[Item]) -> Sequence[str]:
        """Make all items of the actor's firm and return their ids, or raise RowRefused."""

    async def undo(self, unit: Unit, ids: Sequence[str]) -> None:
        """Take back what was made, or raise WrongState or Conflict once something came of it."""

    async def own(self, actor: Actor, known: Known, /) -> Sequence[Mapping[str, str]]:
        """Return the firm's own, as the texts of the columns."""
