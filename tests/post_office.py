"""A real mail server for tests, which keeps what it takes."""

from __future__ import annotations

import asyncio
import re
import ssl
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any
from urllib.parse import quote

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session


@dataclass
class PostOffice:
    """A mail server that keeps what it takes; `says` answers in its place.

    With `tls` it takes STARTTLS, or TLS from the first byte; with a `login` nobody else's mail.
    """

    says: str = ""
    says_of_recipient: str = ""
    took: list[EmailMessage] = field(default_factory=list)
    host: str = "127.0.0.1"
    tls: ssl.SSLContext | None = None
    is_tls_at_once: bool = False
    login: tuple[str, str] | None = None

    async def __aenter__(self) -> PostOffice:
        loop = asyncio.get_running_loop()
        at_once = self.tls if self.is_tls_at_once else None
        self.server = await loop.create_server(
            lambda: SMTP(
                self,
                hostname="localhost",
                loop=loop,
                tls_context=None if at_once else self.tls,
                auth_required=self.login is not None,
                auth_require_tls=at_once is None,
                authenticator=self._lets_in,
            ),
            self.host,
            0,
            ssl=at_once,
        )
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    def _lets_in(self, *said: Any) -> AuthResult:
        """Say whether a user and his password, the last of what was said, are the known ones."""
        told = (said[-1].login.decode(), said[-1].password.decode())
        return AuthResult(success=told == self.login, handled=False)

    @property
    def url(self) -> str:
        scheme = "smtps" if self.is_tls_at_once else "smtp"
        user = ":".join(quote(one, safe="") for one in self.login) + "@" if self.login else ""
        return f"{scheme}://{user}{self.host}:{self.port}"

    async def __aexit__(self, *_: object) -> None:
        self.server.close()
        await self.server.wait_closed()

    async def handle_RCPT(  # noqa: N802 - the library's name
        self,
        _server: SMTP,
        _session: Session,
        envelope: Envelope,
        address: str,
        _options: list[str],
    ) -> str:
        if self.says_of_recipient:
            return self.says_of_recipient
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - the library's name
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        assert isinstance(envelope.content, bytes)
        message = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        assert envelope.rcpt_tos == [message["To"].addresses[0].addr_spec]
        self.took.append(message)
        return self.says or "250 OK"


def code_in(message: EmailMessage) -> str:
    found = re.search(r"\b\d{6}\b", message.get_content())
    assert found is not None
    return found[0]
