"""The words of mails: each notice in its reader's language and time zone, with where it leads.

A subject names the firm and the kind of notice, and never a figure.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from aggregator.notices.letters import Reader
from aggregator.notices.queries import NoticeView
from aggregator.notices.topic import shown
from web.locale import words

_PATHS = {
    **{kind: f"/{kind}s" for kind in ("auction", "contract", "deal", "pool", "strip")},
}
_PAGES = frozenset({"account", "contracts", "desk", "money", "people", "standing"})
_QUANTITIES = frozenset({"lots", "ordered_lots", "fault_lots"})
_WORDED = {
    "change": "page.change",
    "desk": "page.ticket_desk",
    "matter": "page.matter",
    "reason": "page.reason",
    "state": "state",
    "tier": "tier",
}
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}T\S+Z\Z")
_AMOUNT = re.compile(r"-?\d+\.\d{2}\Z")


class Letters:
    """What `aggregator.notices` asks the words of."""

    def notices(self, reader: Reader, notices: Sequence[NoticeView], place: str) -> tuple[str, str]:
        """Return subject and text of a mail that carries these notices."""
        first = _t(reader, f"notice_kind.{notices[0].kind}") if len(notices) == 1 else ""
        subject = first or _t(reader, "mail.subject_many", count=len(notices))
        lines = [f"{sentence(reader, notice)}\n{place}{path(notice.subject)}" for notice in notices]
        return f"{reader.firm}: {subject}", self._framed(reader, place, *lines)

    def code(self, reader: Reader, code: str, place: str) -> tuple[str, str]:
        """Return subject and text of the mail that proves an address."""
        return (
            _t(reader, "mail.subject_code"),
            self._framed(reader, place, _t(reader, "mail.code", code=code)),
        )

    def link(self, reader: Reader, link: str) -> tuple[str, str]:
        """Return subject and text of the mail by which a person comes back."""
        greeting = _t(reader, "mail.greeting", person=reader.person)
        return (
            _t(reader, "mail.subject_link"),
            "\n\n".join((greeting, _t(reader, "mail.link"), f"{link}\n")),
        )

    def _framed(self, reader: Reader, place: str, *lines: str) -> str:
        greeting = _t(reader, "mail.greeting", person=reader.person)
        choice = _t(reader, "mail.choice", firm=reader.firm, place=f"{place}/account#notices")
        return "\n\n".join((greeting, *lines, f"--\n{choice}\n"))


def sentence(reader: Reader, notice: NoticeView) -> str:
    """Return a notice in words, as the pages say it."""
    figures = {
        name: _readable(reader, name, figure) for name, figure in shown(notice.figures).items()
    }
    return words(reader.language, f"notice.{notice.kind}", figures) or notice.kind


def path(subject: str) -> str:
    """Return the page of what a notice is about, as the pages have it."""
    kind, _, thing = subject.partition(":")
    if kind in _PAGES:
        return f"/{kind}"
    if kind == "request":
        return f"/requests#{thing}"
    if kind == "approval":
        return "/approvals"
    return f"{_PATHS[kind]}/{thing}" if kind in _PATHS and thing else "/notices"


def _readable(reader: Reader, name: str, figure: str | int) -> str:
    text = str(figure)
    if name in _QUANTITIES:
        return f"{int(figure):,} {_t(reader, 'word.tonne')}"
    if name in _WORDED:
        return words(reader.language, f"{_WORDED[name]}.{text}") or text
    if _INSTANT.match(text):
        at = datetime.fromisoformat(text).astimezone(UTC).astimezone(ZoneInfo(reader.zone))
        return f"{at:%Y-%m-%d %H:%M} ({reader.zone})"
    if _AMOUNT.match(text):
        whole, _, fraction = text.partition(".")
        return f"{int(whole):,}.{fraction}" if int(whole) else text
    return text


def _t(reader: Reader, key: str, **figures: object) -> str:
    return words(reader.language, key, figures) or key
