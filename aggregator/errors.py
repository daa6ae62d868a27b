"""Errors that the application raises; `web` maps each family to a status and to words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from matching.errors import Figured


class MarketError(Figured):
    """Base of every expected failure of the application."""

    code = "market_error"


@dataclass
class NotFound(MarketError):
    """Absent, or not for this actor's eyes: the two are never told apart."""

    code = "not_found"
    what: str


@dataclass
class NotAllowed(MarketError):
    """The actor's roles do not hold this act."""

    code = "not_allowed"
    act: str


@dataclass
class SamePerson(MarketError):
    """What one person of the operator proposes another one approves."""

    code = "same_person"
    motion_id: str


class NotSignedIn(MarketError):
    code = "not_signed_in"


class WrongPassword(MarketError):
    code = "wrong_password"


@dataclass
class Conflict(MarketError):
    code = "conflict"
    reason: str


@dataclass
class WrongState(MarketError):
    """The thing is in a state that does not allow the act."""

    code = "wrong_state"
    state: str
    allowed: str


@dataclass
class TermOver(MarketError):
    """The time for the act has passed; what follows from that is on its way."""

    code = "term_over"
    ended_at: datetime


@dataclass
class InsufficientFunds(MarketError):
    code = "insufficient_funds"
    required_minor: int
    available_minor: int
    currency: str


@dataclass
class InvalidField(MarketError):
    """A field that breaks a rule its schema cannot tell."""

    code = "invalid_field"
    pointer: str
    rule: str
    figure: str | int | None = None


@dataclass
class CommandReused(MarketError):
    """A command id came again with another content."""

    code = "command_reused"
    command_id: str


@dataclass
class TryAgain(MarketError):
    """The database was busy beyond the retries; nothing was done."""

    code = "try_again"
    retry_after_s: int = 1


@dataclass
class DiskFull(MarketError):
    """The database has no room left; nothing was done."""

    code = "disk_full"
    retry_after_s: int = 60


@dataclass
class OutcomeUnknown(MarketError):
    """The database went away; ask for the command's outcome, or send it again."""

    code = "outcome_unknown"
    retry_after_s: int = 2


class RecordedRefusal(MarketError):
    """A command that was refused before is refused in the same words again."""

    def __init__(self, code: str, figures: dict[str, object]) -> None:
        super().__init__(code)
        self.refusal_code = code
        self._figures = figures

    def figures(self) -> dict[str, object]:
        return self._figures
