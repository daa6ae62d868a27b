"""What a mail is made of, and the two ports it goes through: the words for it, and the sender.

The words are made in `web`. Without a sender the market sends no mail, and its pages say so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from aggregator.notices.queries import NoticeView


class Unsent(Exception):
    """The mail did not go out, and may be tried again; the message is a word that says why."""


class Refused(Unsent):
    """Trying again is no use."""


class AddressRefused(Refused):
    """There is no such address: nothing more is sent to it."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads the mail: his language and time zone, and the firm he is told of."""

    person: str
    firm: str
    language: str
    zone: str


@dataclass(frozen=True, slots=True)
class Letter:
    """One mail. `message_id` stays however often it is sent; `link` leads to the choice."""

    message_id: str
    to: str
    subject: str
    text: str
    link: str


class Sender(Protocol):
    async def send(self, letter: Letter) -> None:
        """Hand a letter over.

        Raises:
            Unsent: it was not taken now.
            Refused: it will not be taken later either.

        """


class Words(Protocol):
    """Subjects and texts; a subject names no figure."""

    def notices(
        self, reader: Reader, notices: Sequence[NoticeView], place: str
    ) -> tuple[str, str]: ...

    def code(self, reader: Reader, code: str, place: str) -> tuple[str, str]: ...

    def link(self, reader: Reader, link: str) -> tuple[str, str]: ...


@dataclass
class _Installed:
    sender: Sender | None = None
    words: Words | None = None
    place: str = ""


_INSTALLED = _Installed()


def install(sender: Sender | None, *, place: str) -> None:
    """Say for this process how mail goes out, and where its readers find the market."""
    _INSTALLED.sender, _INSTALLED.place = sender, place


def word(words: Words) -> None:
    """Say for this process in which words."""
    _INSTALLED.words = words


def is_on() -> bool:
    return _INSTALLED.sender is not None


def place() -> str:
    return _INSTALLED.place


def sender() -> Sender:
    """Return what sends.

    Raises:
        Unsent: this market sends no mail.

    """
    if _INSTALLED.sender is None:
        raise Unsent("off")
    return _INSTALLED.sender


def words() -> Words:
    """Return what words.

    Raises:
        Unsent: this process has not started yet.

    """
    if _INSTALLED.words is None:
        raise Unsent("wordless")
    return _INSTALLED.words
