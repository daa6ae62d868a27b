"""Who acts, under which command id, for whose eyes: the values that every act is made of."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, ClassVar

from aggregator.db import walls
from aggregator.errors import NotAllowed, NotFound
from aggregator.journal.facts import canonical
from matching.values import value

Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: one person, for one organisation, with the acts its roles hold."""

    person_id: str
    organisation_id: str
    owner_group: str
    roles: frozenset[str]
    grants: frozenset[str]
    language: str = "zh"

    SYSTEM: ClassVar[Actor]

    def require(self, act: str) -> None:
        """Raise NotAllowed unless the actor's roles hold `act`."""
        if act not in self.grants and self is not Actor.SYSTEM:
            raise NotAllowed(act)


Actor.SYSTEM = Actor("system", "system", "system", frozenset({"system"}), frozenset(), "zh")


@value
class Command:
    """A client's own id for one act, and the hash of what it asked for."""

    id: str
    fingerprint: bytes

    @staticmethod
    def of(command_id: str, content: object) -> Command:
        """Return the command whose fingerprint is that of `content`, a JSON value."""
        return Command(command_id, hashlib.sha256(canonical(content)).digest())


@value
class Outcome:
    """An act's answer; `replayed` when the command had been carried out before."""

    answer: Answer
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class Audience:
    """Whose eyes a view is for.

    Raises:
        NotFound: another firm's, in a task that reads for somebody.

    """

    kind: str
    organisation_id: str | None = None

    def __post_init__(self) -> None:
        viewer = walls.viewer()
        if viewer is not None and self.organisation_id not in (None, viewer.organisation_id):
            raise NotFound("view")


PUBLIC = Audience("public")


@value
class Seen:
    """Who sees a difference: all audiences of a kind, and firms, each in a part of its own."""

    kinds: tuple[str, ...] = ()
    firms: tuple[str, ...] = ()


@value
class MaySee:
    """Which firms may see a difference in a part of their own; None stands for any firm.

    Any kind may see one, so that one has to look.
    """

    firms: tuple[str, ...] | None = None
