"""The unified social credit code of a Chinese organisation (GB 32100-2015) and its check sign."""

from __future__ import annotations

from aggregator.errors import InvalidField

_SIGNS = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_LENGTH = 18


def check_sign(first: str) -> str:
    """Return the 18th sign of a code whose first 17 are `first`."""
    weighed = sum(_SIGNS.index(sign) * pow(3, place, 31) for place, sign in enumerate(first))
    return _SIGNS[-weighed % 31]


def checked_uscc(text: str, pointer: str = "/uscc") -> str:
    """Return a code in capitals.

    Raises:
        InvalidField: it has not 18 signs of the code's alphabet, or its check sign is wrong.

    """
    code = text.strip().upper()
    if len(code) != _LENGTH or any(sign not in _SIGNS for sign in code):
        raise InvalidField(pointer, "18 signs of a unified social credit code", code[:40])
    if check_sign(code[:-1]) != code[-1]:
        raise InvalidField(pointer, "the check sign of a unified social credit code", code[-1])
    return code
