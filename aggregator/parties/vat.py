"""The value-added tax number of a firm of the European Union, with its state and check digits."""

from __future__ import annotations

from stdnum.eu import vat
from stdnum.exceptions import InvalidChecksum, ValidationError

from aggregator.errors import InvalidField

_LONGEST = 20
# As the Union writes them: 9 is a digit, L a letter, X either.
_FORMS = {
    "AT": "ATU99999999",
    "BE": "BE9999999999",
    "BG": "BG999999999, BG9999999999",
    "CY": "CY99999999L",
    "CZ": "CZ99999999, CZ999999999, CZ9999999999",
    "DE": "DE999999999",
    "DK": "DK99999999",
    "EE": "EE999999999",
    "EL": "EL999999999",
    "ES": "ESX9999999X",
    "FI": "FI99999999",
    "FR": "FRXX999999999",
    "GR": "EL999999999",
    "HR": "HR99999999999",
    "HU": "HU99999999",
    "IE": "IE9X99999L, IE9999999LL",
    "IT": "IT99999999999",
    "LT": "LT999999999, LT999999999999",
    "LU": "LU99999999",
    "LV": "LV99999999999",
    "MT": "MT99999999",
    "NL": "NL999999999L99",
    "PL": "PL9999999999",
    "PT": "PT999999999",
    "RO": "RO99, RO9999999999",
    "SE": "SE999999999999",
    "SI": "SI99999999",
    "SK": "SK9999999999",
    "XI": "XI999999999, XI999999999999",
}


def checked_vat(text: str, pointer: str = "/vat") -> str:
    """Return a number in capitals without signs between, its state's letters first.

    Raises:
        InvalidField: it names no state, has not its form, or its check digits are wrong.

    """
    form = _FORMS.get(text.strip()[:2].upper())
    if form is None:
        raise InvalidField(pointer, "two letters of an EU state first, such as DE123456789")
    if not text.isascii() or len(text) > _LONGEST:
        raise _not_of(form, pointer)
    try:
        return str(vat.validate(text))
    except InvalidChecksum:
        rule = "one digit is mistyped: the check digits of the VAT number do not fit"
        raise InvalidField(pointer, rule) from None
    except ValidationError:
        raise _not_of(form, pointer) from None


def _not_of(form: str, pointer: str) -> InvalidField:
    return InvalidField(pointer, f"the form {form}, where 9 is a digit, L a letter, X either")
