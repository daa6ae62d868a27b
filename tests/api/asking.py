"""A body for any endpoint, made from its schema: valid, small, and the same every time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from web.api.routing import Endpoint

KNOWN: Mapping[str, Any] = {
    "acts": ["auctions.bid"],
    "address": "https://example.com/market",
    "act": "auctions.bid",
    "cell": "SUGAR-W1/GX/2027-03",
    "chain": ["role:owner"],
    "code": "000000",
    "demand": {"2027-03": 1},
    "fingerprint": "0" * 64,
    "first_tenor": "2027-03",
    "instrument": "SUGAR-W1",
    "kind": "mill",
    "language": "en",
    "login": "somebody",
    "password": "a long password 1",
    "region": "GX",
    "roles": ["buyer"],
    "scopes": ["deals.read"],
    "tenor": "2027-03",
    "terms_sha256": "0" * 64,
    "token": "t" * 43,
    "uscc": "91350100M000100Y43",
}


def body_of(endpoint: Endpoint) -> dict[str, Any]:
    """Return the required fields of the endpoint's body, or nothing where it takes none."""
    if endpoint.body is None:
        return {}
    schema = endpoint.body.model_json_schema()
    found = _value(schema, schema.get("$defs", {}), "")
    assert isinstance(found, dict)
    return found


def _value(schema: Mapping[str, Any], shared: Mapping[str, Any], name: str) -> Any:
    if "$ref" in schema:
        return _value(shared[schema["$ref"].rpartition("/")[2]], shared, name)
    for choice in ("anyOf", "oneOf", "allOf"):
        if choice in schema:
            return _value(schema[choice][0], shared, name)
    if "enum" in schema:
        return schema["enum"][0]
    if "const" in schema:
        return schema["const"]
    if name in KNOWN and schema.get("type") in ("string", "array", "object"):
        return KNOWN[name]
    return _plain(schema, shared, name)


def _plain(schema: Mapping[str, Any], shared: Mapping[str, Any], name: str) -> Any:
    match schema.get("type"):
        case "object":
            required = schema.get("required", [])
            return {
                one: _value(member, shared, one)
                for one, member in schema.get("properties", {}).items()
                if one in required
            }
        case "array":
            items = schema.get("items", {})
            return [_value(items, shared, name)] * max(schema.get("minItems", 1), 1)
        case "integer":
            return schema.get("minimum", schema.get("exclusiveMinimum", 0) + 1)
        case "boolean":
            return True
    if schema.get("format") == "date-time":
        return "2027-01-04T05:00:00Z"
    if schema.get("format") == "date":
        return "2027-01-04"
    return schema.get("examples", ["something"])[0]
