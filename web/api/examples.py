"""One example of each body, drawn from its schema: what must be there, as the fields say."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

Document = dict[str, Any]

_FITTING = {
    "^[0-9a-f]{64}$": "0" * 64,
    "^[0-9]{6}$": "123456",
    "^20[0-9]{2}-(0[1-9]|1[0-2])$": "2027-03",
    "^20[0-9]{2}-(0[1-9]|1[0-2])(/[0-9]{1,2})?$": "2027-03",
    "^([0-9]{6}|[A-Z2-7]{5}-[A-Z2-7]{5})$": "123456",
}
_CHOICES = re.compile(r"\^\(?([a-z]+)[a-z|]*\)?\$")


def example_of(schema: Document, schemas: Mapping[str, Document]) -> Any:
    """Return a value that the schema allows; a field's own example, default or first choice."""
    if "$ref" in schema:
        return example_of(schemas[schema["$ref"].rpartition("/")[2]], schemas)
    if schema.get("examples"):
        return schema["examples"][0]
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][0]
    for choices in ("anyOf", "oneOf"):
        if choices in schema:
            return example_of(schema[choices][0], schemas)
    match schema.get("type"):
        case "object":
            return _object(schema, schemas)
        case "array":
            return [example_of(schema.get("items", {}), schemas)] * max(
                1, schema.get("minItems", 1)
            )
        case "integer":
            return max(1, schema.get("minimum", 1), schema.get("exclusiveMinimum", 0) + 1)
        case "boolean":
            return True
        case _:
            return _text(schema)


def _text(schema: Document) -> str:
    pattern = schema.get("pattern", "")
    choices = _CHOICES.fullmatch(pattern)
    if choices is not None:
        return choices[1]
    return _FITTING.get(pattern) or "x" * max(1, schema.get("minLength", 1))


def _object(schema: Document, schemas: Mapping[str, Document]) -> Document:
    needed, members = schema.get("required", []), schema.get("properties", {})
    for pattern, member in schema.get("patternProperties", {}).items():
        return {_text({"pattern": pattern}): example_of(member, schemas)}
    if isinstance(schema.get("additionalProperties"), dict):
        name = example_of(schema.get("propertyNames", {}), schemas)
        return {name: example_of(schema["additionalProperties"], schemas)}
    # Where nothing must be there, one field shows what may be.
    shown = needed or list(members)[:1]
    return {name: example_of(member, schemas) for name, member in members.items() if name in shown}
