"""How many files are read at once: what takes a thread and a second is bounded, not queued."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from aggregator.errors import MarketError


@dataclass
class FilesTooMany(MarketError):
    """So many of one firm's files, or of all firms', are being read or written already."""

    code = "files_too_many"
    of_firm: int
    of_all: int
    retry_after_s: int = 2


@dataclass(slots=True)
class Turns:
    """The turns of one process."""

    of_firm: int = 2
    of_all: int = 4
    taken: Counter[str] = field(default_factory=Counter)

    @contextmanager
    def taking(self, organisation_id: str) -> Iterator[None]:
        """Take a turn of a firm.

        Raises:
            FilesTooMany: there is none left, of its own or at all.

        """
        if self.taken[organisation_id] >= self.of_firm or self.taken.total() >= self.of_all:
            raise FilesTooMany(self.of_firm, self.of_all)
        self.taken[organisation_id] += 1
        try:
            yield
        finally:
            self.taken[organisation_id] -= 1
            # What fell to zero need not be kept.
            self.taken += Counter()
