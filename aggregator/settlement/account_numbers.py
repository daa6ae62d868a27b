"""The number of a bank account: an IBAN with its check digits, or a Chinese one with its bank."""

from __future__ import annotations

import re

from stdnum import iban
from stdnum.exceptions import InvalidChecksum, ValidationError

from aggregator.errors import InvalidField

_LONGEST = 34
_SIGNS = re.compile(r"[^A-Za-z0-9]")
_TOLD = re.compile(r"[A-Za-z0-9 ./-]*")
_CHINESE = re.compile(r"[0-9]{8,32}")
_BANK = re.compile(r"[0-9]{12}")


def plain_number(text: str) -> str:
    """Return a number as it is compared: in capitals, without spaces and signs."""
    return plain_name(text)[:_LONGEST]


def plain_name(text: str) -> str:
    """Return what an account is called, however long, as `plain_number` returns a number."""
    return _SIGNS.sub("", text).upper()


def told_number(text: str) -> str:
    """Return a number that a bank tells; nothing where it hides or lacks it, or tells another."""
    number = plain_number(text)
    is_whole = _TOLD.fullmatch(text) and (is_iban(number) or _CHINESE.fullmatch(number))
    return number if is_whole else ""


def is_iban(number: str) -> bool:
    return number[:2].isalpha() and bool(iban.is_valid(number, check_country=False))


def checked_number(text: str, bank_code: str) -> tuple[str, str]:
    """Return number and bank code as they are kept; an IBAN names its bank itself.

    Raises:
        InvalidField: it is neither, its check digits are wrong, or the bank code is missing.

    """
    number = plain_number(text)
    if number[:2].isalpha():
        _check_iban(number)
        if bank_code:
            raise InvalidField("/bank_code", "only with a Chinese account number", bank_code[:40])
        return number, ""
    if not text.isascii() or not _CHINESE.fullmatch(number):
        raise InvalidField("/number", "an IBAN, or 8 to 32 digits", text[:40])
    if not _BANK.fullmatch(bank_code):
        raise InvalidField("/bank_code", "the 12 digits of the bank's code", bank_code[:40])
    return number, bank_code


def _check_iban(number: str) -> None:
    try:
        iban.validate(number, check_country=False)
    except InvalidChecksum:
        raise InvalidField("/number", "the check digits of an IBAN", number[:4]) from None
    except ValidationError:
        raise InvalidField("/number", "an IBAN, or 8 to 32 digits", number[:40]) from None
