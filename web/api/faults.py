"""What a schema refuses, as pointer, rule and figure in the market's own words.

Rules are stable names of ours, so that a client never depends on the validating library.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from aggregator.journal.facts import canonical
from web.api.problem import FieldFault, InvalidFields
from web.api.reading import pointer_of

M = TypeVar("M", bound=BaseModel)

MAX_FAULTS = 20

# The library's name of an error → our rule, and which of its figures to show.
_RULES: Mapping[str, tuple[str, str | None]] = {
    "bool_type": ("boolean", None),
    "dict_type": ("object", None),
    "enum": ("one_of", "expected"),
    "extra_forbidden": ("unknown_field", None),
    "greater_than": ("more_than", "gt"),
    "greater_than_equal": ("at_least", "ge"),
    "int_from_float": ("integer", None),
    "int_parsing": ("integer", None),
    "int_type": ("integer", None),
    "less_than": ("less_than", "lt"),
    "less_than_equal": ("at_most", "le"),
    "list_type": ("array", None),
    "literal_error": ("one_of", "expected"),
    "missing": ("required", None),
    "model_type": ("object", None),
    "string_pattern_mismatch": ("pattern", "pattern"),
    "string_too_long": ("max_length", "max_length"),
    "string_too_short": ("min_length", "min_length"),
    "string_type": ("text", None),
    "too_long": ("max_items", "max_length"),
    "too_short": ("min_items", "min_length"),
    "tuple_type": ("array", None),
    "union_tag_invalid": ("one_of", "expected_tags"),
    "union_tag_not_found": ("required", None),
}


def checked(model: type[M], content: object) -> M:
    """Return `content`, a JSON value, as `model`.

    Raises:
        InvalidFields: with every fault, at most 20, in the order of the document.

    """
    try:
        found: M = model.__pydantic_validator__.validate_json(canonical(content))
    except ValidationError as error:
        raise InvalidFields(_faults(error, content)) from None
    return found


def checked_query(model: type[M], asked: Mapping[str, str]) -> M:
    """Return the parameters of a query as `model`.

    Raises:
        InvalidFields: with every fault; pointers name the parameter.

    """
    try:
        return model.model_validate(asked)
    except ValidationError as error:
        raise InvalidFields(_faults(error, asked)) from None


def _faults(error: ValidationError, content: object) -> Sequence[FieldFault]:
    found = error.errors(include_url=False, include_input=False)
    return [_fault(item["type"], item["loc"], item.get("ctx", {}), content) for item in found][
        :MAX_FAULTS
    ]


def _fault(
    kind: str, place: tuple[str | int, ...], figures: Mapping[str, Any], content: object
) -> FieldFault:
    pointer = pointer_of(_path(place, content))
    if kind == "fault":
        return FieldFault(pointer, str(figures["rule"]), figures["figure"])
    rule, name = _RULES.get(kind, ("invalid", None))
    figure = figures.get(name) if name is not None else None
    if rule == "required" and kind == "union_tag_not_found":
        pointer += pointer_of([str(figures.get("discriminator", "")).strip("'")])
    return FieldFault(pointer, rule, figure if isinstance(figure, int) else _short(figure))


def _path(place: tuple[str | int, ...], content: object) -> list[str | int]:
    """Return the place in the document: the library also names the branches of its unions."""
    path: list[str | int] = []
    here = content
    for number, part in enumerate(place):
        if isinstance(here, dict) and isinstance(part, str):
            is_last = number == len(place) - 1
            if part in here or is_last:
                path.append(part)
                here = here.get(part)
        elif isinstance(here, list) and isinstance(part, int) and part < len(here):
            path.append(part)
            here = here[part]
    return path


def _short(figure: object) -> str | None:
    return None if figure is None else str(figure)[:200]
