"""The unified social credit code of a Chinese organisation (GB 32100-2015) and its check sign."""

from __future__ import annotations

import re

from aggregator.errors import InvalidField

_SIGNS = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_LENGTH = 18
_BETWEEN = re.compile(r"[\s-]")


def check_sign(first: str) -> str:
    """Return the 18th sign of a code whose first 17 are `first`."""
    weighed = sum(_SIGNS.index(sign) * pow(3, place, 31) for place, sign in enumerate(first))
    return _SIGNS[-weighed % 31]


def checked_uscc(text: str, pointer: str = "/uscc") -> str:
    """Return a code in capitals, without the spaces and hyphens that group it.

    Raises:
        InvalidField: it has not 18 signs, one is not of the code's alphabet, or its check sign is
            wrong. Which sign was meant is not guessed: to mend the last one hides the slip.

    """
    code = _BETWEEN.sub("", text).upper()
    if len(code) != _LENGTH:
        raise InvalidField(pointer, f"a unified social credit code of 18 signs, not of {len(code)}")
    for place, sign in enumerate(code, start=1):
        if sign not in _SIGNS:
            shown = sign if sign.isprintable() else "?"
            rule = f"digits and capitals but I, O, S, V, Z: sign {place} is {shown}"
            raise InvalidField(pointer, rule)
    if check_sign(code[:-1]) != code[-1]:
        rule = f"one sign is mistyped: sign 18, {code[-1]}, does not check the 17 before it"
        raise InvalidField(pointer, rule)
    return code
