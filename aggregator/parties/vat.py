"""The value-added tax number of a firm of the European Union, with its state and check digits."""

from __future__ import annotations

from stdnum.eu import vat
from stdnum.exceptions import InvalidChecksum, ValidationError

from aggregator.errors import InvalidField

_LONGEST = 20


def checked_vat(text: str, pointer: str = "/vat") -> str:
    """Return a number in capitals without signs between, its state's letters first.

    Raises:
        InvalidField: it is no number of a state, or its check digits are wrong.

    """
    if not text.isascii() or len(text) > _LONGEST:
        raise InvalidField(pointer, "an EU VAT number, its state first", text[:40])
    try:
        return str(vat.validate(text))
    except InvalidChecksum:
        raise InvalidField(pointer, "the check digits of an EU VAT number", text[-4:]) from None
    except ValidationError:
        raise InvalidField(pointer, "an EU VAT number, its state first", text[:40]) from None
