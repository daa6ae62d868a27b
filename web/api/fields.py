"""Field types that request bodies are made of: strict, bounded, and told in the schema.

A body's class derives from `Body`: unknown fields are refused, nothing is converted. Money
comes as text and is `Minor`, whole minor units of the market's currency.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from aggregator.amounts import AMOUNT_PATTERN, minor_of
from aggregator.errors import InvalidField
from aggregator.parties.names import MAX_NAME, checked_name

MAX_LOTS = 10**9
MAX_PAGE = 200
_MAX_INSTANT = 40
_TOO_FAR = 9000
"""The first year that nothing may reach: terms are added to instants, and calendars end."""
_ASCII_DIGITS = re.compile(r"[0-9]{1,9}\Z")


class Body(BaseModel):
    """A request body: exactly these fields, of exactly these types."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Query(BaseModel):
    """The parameters after the question mark, exactly these."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Answers(BaseModel):
    """What an answer looks like, for the documentation and the tests; amounts are `Money`."""

    model_config = ConfigDict(extra="forbid")


def _minor(value: Any) -> int:
    return _minor_or_fault(_text(value))


def _signed_minor(value: Any) -> int:
    text = _text(value)
    return -_minor_or_fault(text[1:]) if text.startswith("-") else _minor_or_fault(text)


def _minor_or_fault(text: str) -> int:
    try:
        return minor_of(text)
    except InvalidField as error:
        raise _fault(error.rule, error.figure) from None


def _name(value: str) -> str:
    try:
        return checked_name(value, "")
    except InvalidField as error:
        raise _fault("name", error.figure) from None


def _instant(value: Any) -> datetime:
    text = _text(value)
    try:
        told = datetime.fromisoformat(text) if len(text) <= _MAX_INSTANT else None
        found = told.astimezone(UTC) if told is not None and told.tzinfo is not None else None
    except (ValueError, OverflowError):
        found = None
    is_told = text.isascii() and "T" in text.upper()
    if found is None or not is_told or found.year >= _TOO_FAR:
        raise _fault("instant", text[:_MAX_INSTANT])
    return found


def _ascii_integer(value: Any) -> int:
    text = str(value)
    if not _ASCII_DIGITS.match(text):
        raise _fault("integer", text[:20])
    return int(text)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise _fault("text", None)
    return value


def _fault(rule: str, figure: str | int | None) -> PydanticCustomError:
    return PydanticCustomError(
        "fault", "{rule}", {"rule": rule, "figure": "" if figure is None else figure}
    )


_AMOUNT_SCHEMA = {
    "type": "string",
    "pattern": AMOUNT_PATTERN,
    "examples": ["5000.00"],
    "description": "An amount in the currency's unit, as text.",
}

Minor = Annotated[int, BeforeValidator(_minor), WithJsonSchema(_AMOUNT_SCHEMA)]
SignedMinor = Annotated[
    int,
    BeforeValidator(_signed_minor),
    WithJsonSchema({**_AMOUNT_SCHEMA, "pattern": f"^-?{AMOUNT_PATTERN.removeprefix('^')}"}),
]
Money = Annotated[str, Field(pattern=r"^-?[0-9]{1,16}(\.[0-9]{1,4})?$", examples=["5000.00"])]
"""An amount in an answer."""
Lots = Annotated[int, Field(ge=1, le=MAX_LOTS)]
SomeLots = Annotated[int, Field(ge=0, le=MAX_LOTS)]
Name = Annotated[str, Field(min_length=1, max_length=MAX_NAME), AfterValidator(_name)]
Note = Annotated[str, Field(max_length=2000)]
Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:-]{0,99}$")]
Tenor = Annotated[str, Field(pattern=r"^20[0-9]{2}-(0[1-9]|1[0-2])$", examples=["2027-03"])]
Instrument = Annotated[str, Field(pattern=r"^[A-Z0-9][A-Z0-9-]{1,39}$", examples=["SUGAR-W1"])]
Region = Annotated[str, Field(pattern=r"^[A-Z0-9][A-Z0-9-]{0,19}$", examples=["GX"])]
Cell = Annotated[
    str,
    Field(
        pattern=r"^[A-Z0-9][A-Z0-9-]{1,39}/[A-Z0-9][A-Z0-9-]{0,19}/20[0-9]{2}-(0[1-9]|1[0-2])$",
        examples=["SUGAR-W1/GX/2027-03"],
    ),
]
Instant = Annotated[
    datetime,
    BeforeValidator(_instant),
    WithJsonSchema({"type": "string", "format": "date-time", "examples": ["2027-03-01T00:00:00Z"]}),
]
PageSize = Annotated[int, Field(ge=1, le=MAX_PAGE), BeforeValidator(_ascii_integer)]


class Page(Query):
    """A cursor page: up to `limit` rows after the row that `after` names."""

    limit: PageSize = 50
    after: Id | None = None
