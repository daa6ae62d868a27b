"""For whose eyes a task reads: the database itself shows nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from aggregator.db import walls
from aggregator.market.acts import Actor

_DESKS = ("auditor", "operator")
_OF_FIRM = "me:"


@contextmanager
def reading_for(actor: Actor | None) -> Iterator[None]:
    """Read for the actor, or for nobody in particular, until the block is left."""
    with walls.behind(_viewer(actor)):
        yield


@contextmanager
def reading_own(stream: str) -> Iterator[None]:
    """Read the stream of one firm for that firm; those of events are many firms' and are folded."""
    firm = stream.removeprefix(_OF_FIRM)
    with walls.behind(walls.Viewer(firm) if firm != stream else walls.viewer()):
        yield


def _viewer(actor: Actor | None) -> walls.Viewer:
    if actor is None:
        return walls.Viewer()
    desk = next((role for role in _DESKS if role in actor.roles), "")
    return walls.Viewer(actor.organisation_id, actor.person_id, desk)
