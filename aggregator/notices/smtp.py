"""Mail by SMTP: one connection a letter, encrypted unless the server is on this machine."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import parseaddr
from urllib.parse import unquote, urlsplit

from aggregator.notices.letters import AddressRefused, Letter, Refused, Unsent

# A timer that rings longer than ten seconds is rung again by another process.
PATIENCE_S = 8
_LOCAL = ("localhost", "127.0.0.1", "::1")
_FOR_GOOD = range(500, 600)


@dataclass(frozen=True, slots=True)
class Smtp:
    """A mail server: `smtps://user:password@host:465`, or `smtp://` with STARTTLS."""

    url: str
    sent_from: str

    async def send(self, letter: Letter) -> None:
        """Hand a letter over.

        Raises:
            Unsent: `timeout`, `unreachable`, what `_why` names, or `smtp_…` with a code that may
                pass.
            Refused: `smtp_…` with a code that stays.
            AddressRefused: the recipient is refused for good.

        """
        import aiosmtplib  # loaded when first needed

        place = urlsplit(self.url)
        host = place.hostname or ""
        try:
            async with asyncio.timeout(PATIENCE_S):
                await aiosmtplib.send(
                    self._message(letter),
                    hostname=host,
                    port=place.port,
                    username=unquote(place.username) if place.username else None,
                    password=unquote(place.password) if place.password else None,
                    use_tls=place.scheme == "smtps",
                    # Where nothing leaves the machine, a server without TLS will do.
                    start_tls=_start_tls(place.scheme, host),
                    timeout=PATIENCE_S,
                )
        except (TimeoutError, aiosmtplib.SMTPTimeoutError):
            raise Unsent("timeout") from None
        except aiosmtplib.SMTPRecipientsRefused as error:
            code = error.recipients[0].code
            raise (AddressRefused if code in _FOR_GOOD else Unsent)(f"smtp_{code}") from None
        except aiosmtplib.SMTPAuthenticationError as error:
            raise Unsent(f"smtp_{error.code}") from None
        except aiosmtplib.SMTPResponseException as error:
            raise (Refused if error.code in _FOR_GOOD else Unsent)(f"smtp_{error.code}") from None
        except (aiosmtplib.SMTPException, OSError) as error:
            raise Unsent(_why(error)) from None

    def _message(self, letter: Letter) -> EmailMessage:
        name, address = parseaddr(self.sent_from)
        message = EmailMessage()
        message["From"] = Address(name, addr_spec=address)
        message["To"] = Address(addr_spec=letter.to)
        message["Subject"] = letter.subject
        message["Message-ID"] = f"<{letter.message_id}@{address.rpartition('@')[2]}>"
        # No robot answers it, and who wants less finds where to say so.
        message["Auto-Submitted"] = "auto-generated"
        message["List-Unsubscribe"] = f"<{letter.link}>"
        message.set_content(letter.text)
        return message


def _why(error: Exception) -> str:
    """Return why nothing was handed over: nothing is ever sent in clear where TLS is demanded."""
    found = error if isinstance(error, ssl.SSLError) else error.__cause__
    if isinstance(found, ssl.SSLCertVerificationError):
        return "tls_certificate"
    if isinstance(found, ssl.SSLError):
        return "tls"
    # The library tells these two by their words alone.
    if str(error).startswith("SMTP STARTTLS extension not supported"):
        return "tls_missing"
    if str(error).startswith("The SMTP AUTH extension is not supported"):
        return "login_missing"
    return "unreachable"


def _start_tls(scheme: str, host: str) -> bool | None:
    if scheme == "smtps":
        return False
    return None if host in _LOCAL else True
