"""A guided tour: which part a visitor takes, where it plays, and how far he has come."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

PARTS = ("factory", "mill", "trader", "operator")
COOKIE = "tour"
_FORM = re.compile(
    r"(?P<part>factory|mill|trader|operator)\.(?P<code>[0-9a-f]{8})\.(?P<person_id>[a-z]+_\w{26})"
    r"\.(?P<organisation_id>org_\w{26})\.(?P<scene>(?:pool|auc)_\w{26})",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Tour:
    """One visitor's part. `scene` is the pool or the auction that it begins with."""

    part: str
    code: str
    person_id: str
    organisation_id: str
    scene: str

    @property
    def login(self) -> str:
        return f"guest.{self.code}"

    @property
    def finance(self) -> str:
        """The log-in of the visitor's colleague who pays."""
        return f"{self.login}.pay"

    @property
    def text(self) -> str:
        """All of it, as the visitor's browser keeps it: no process has to remember a tour."""
        told = (self.part, self.code, self.person_id, self.organisation_id, self.scene)
        return ".".join(told)

    @classmethod
    def read(cls, text: str) -> Self | None:
        """Return the tour that `text` tells, or None where it tells none."""
        found = _FORM.fullmatch(text)
        return None if found is None else cls(**found.groupdict())


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do or to watch: its words, the page it happens on, whether it has happened."""

    name: str
    path: str
    is_done: bool


@dataclass(frozen=True, slots=True)
class Progress:
    """The steps of a tour; `is_missed` when what was left to do can no longer be done."""

    steps: Sequence[Step]
    is_missed: bool = False

    @property
    def done(self) -> int:
        return sum(step.is_done for step in self.steps)

    @property
    def present(self) -> str | None:
        """The first step that is left, if any."""
        return next((step.name for step in self.steps if not step.is_done), None)


@dataclass(frozen=True, slots=True)
class Seen:
    """What a visitor has done, and what he sees of the market.

    `acts` counts what he did, by name of act; `scene` is the view of the tour's pool or auction.
    """

    acts: Mapping[str, int]
    scene: Mapping[str, Any]
    deals: Sequence[Mapping[str, Any]] = ()
    auctions: Sequence[Mapping[str, Any]] = ()

    def did(self, act: str, times: int = 1) -> bool:
        return self.acts.get(act, 0) >= times

    def deal(self, side: str) -> Mapping[str, Any] | None:
        """Return the first deal that the visitor has on a side."""
        mine = [deal for deal in self.deals if deal["side"] == side]
        return min(mine, key=lambda deal: (deal["formed_at"], deal["deal_id"]), default=None)


@dataclass(slots=True)
class Played:
    """What the others of a tour remember between two beats of it."""

    beats: int = 0
    joined: int = 0
    last_bid_at: int = field(default=-10)
