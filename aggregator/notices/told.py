"""One notice to one organisation."""

from __future__ import annotations

from dataclasses import dataclass

Figure = tuple[str, str | int]


@dataclass(frozen=True, slots=True)
class Told:
    """What one organisation is told: a kind, what it is about, and figures."""

    organisation_id: str
    kind: str
    subject: str
    figures: tuple[Figure, ...] = ()
