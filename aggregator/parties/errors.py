"""Refusals of who one is."""

from __future__ import annotations

from dataclasses import dataclass

from aggregator.errors import MarketError


@dataclass
class CodeNeeded(MarketError):
    """The password is right; the second factor's code, or a passkey, is missing."""

    code = "code_needed"
    has_passkey: bool


class WrongCode(MarketError):
    """The second factor's code is wrong, too old, or was used before."""

    code = "wrong_code"


class WrongPasskey(MarketError):
    """What a device showed is not what it was asked for; what is wrong with it is not told."""

    code = "wrong_passkey"


class PasskeysNeedAName(MarketError):
    """A passkey is bound to a domain name over TLS, or to localhost."""

    code = "passkeys_need_a_name"
