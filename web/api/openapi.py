"""The OpenAPI 3.1 document, made from the routes and their schemas."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from aggregator.amounts import AMOUNT_PATTERN, decimal_text
from web.api.examples import example_of
from web.api.problem import MEDIA_TYPE
from web.api.routing import PREFIX, PUBLIC, SIGNED_IN, Endpoint

Document = dict[str, Any]
_Mode = tuple[type[BaseModel], str]

_REF = "#/components/schemas/{model}"
_PARAMETER = re.compile(r"\{(\w+)\}")
_ANY_OBJECT = {"type": "object"}
_PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "code", "detail"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string", "description": "Stable; programs decide by it."},
        "detail": {"type": "string", "description": "In the language asked for."},
        "pointer": {"type": "string", "description": "JSON pointer of the field at fault."},
        "rule": {"type": "string"},
        "figure": {"type": ["string", "integer", "null"]},
        "errors": {"type": "array", "items": _ANY_OBJECT},
        "figures": _ANY_OBJECT,
        "request": {"type": "string"},
    },
}
_KEY_HEADER = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": True,
    "description": "Your own id for this act. Sent again, it gets the same answer.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[!-~]+$"},
}


def document(endpoints: Iterable[Endpoint], *, server: str) -> Document:
    """Return the document of `endpoints`, in the order of their paths."""
    described = sorted(endpoints, key=lambda e: (e.path, e.method))
    refs, schemas = _schemas(described)
    paths: dict[str, Document] = {}
    for endpoint in described:
        operation = _operation(endpoint, refs, schemas)
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Aggregator",
            "version": version("aggregator"),
            "description": "Group buys, auctions, forward orders, settled live prices. "
            "Amounts are decimal strings. The feed is described at /api/v1/asyncapi.json.",
        },
        "servers": [{"url": server + PREFIX}],
        "tags": [{"name": name} for name in sorted({e.module for e in described})],
        "paths": paths,
        "components": {
            "schemas": {**schemas, "Problem": _PROBLEM},
            "responses": {"Problem": _content("A refusal.", MEDIA_TYPE, _ref("Problem"))},
            "securitySchemes": {
                "cookie": {"type": "apiKey", "in": "cookie", "name": "__Host-agg"},
                "bearer": {"type": "http", "scheme": "bearer"},
            },
        },
    }


def _schemas(
    endpoints: Iterable[Endpoint],
) -> tuple[Mapping[tuple[type[BaseModel], str], Document], Document]:
    taken: dict[_Mode, None] = {}
    for endpoint in endpoints:
        if endpoint.body is not None:
            taken[endpoint.body, "validation"] = None
        if endpoint.out is not None:
            taken[endpoint.out, "validation"] = None
    if not taken:
        return {}, {}
    refs, found = models_json_schema(list(taken), ref_template=_REF)  # type: ignore[arg-type]
    schemas: Document = found.get("$defs", {})
    for schema in schemas.values():
        for member in schema.get("properties", {}).values():
            # The library shows a default as our code holds it, in minor units.
            if member.get("pattern") == AMOUNT_PATTERN and "default" in member:
                member["default"] = decimal_text(member["default"])
    return refs, schemas  # type: ignore[return-value]


def _operation(endpoint: Endpoint, refs: Mapping[Any, Document], schemas: Document) -> Document:
    text = inspect.getdoc(endpoint.handler) or endpoint.name
    summary, _, description = text.partition("\n")
    operation: Document = {
        "operationId": endpoint.name,
        "tags": [endpoint.module],
        "summary": summary,
        "parameters": [*_path_parameters(endpoint), *_query_parameters(endpoint)],
        "responses": {str(endpoint.status): _success(endpoint, refs), "4XX": _problem()},
        "security": [] if endpoint.act == PUBLIC else [{"cookie": []}, {"bearer": []}],
    }
    if description.strip():
        operation["description"] = description.strip()
    if endpoint.act not in (PUBLIC, SIGNED_IN):
        operation["x-act"] = endpoint.act
    if endpoint.needs_command:
        operation["parameters"].append(_KEY_HEADER)
    taken: Document = {}
    if endpoint.body is not None:
        schema = refs[endpoint.body, "validation"]
        taken["application/json"] = {"schema": schema, "example": example_of(schema, schemas)}
    for media_type in endpoint.text_types:
        taken[media_type] = {"schema": {"type": "string"}}
    for media_type in endpoint.file_types:
        taken[media_type] = {}
    if taken:
        operation["requestBody"] = {"required": True, "content": taken}
    return operation


def _success(endpoint: Endpoint, refs: Mapping[Any, Document]) -> Document:
    if endpoint.status == 204:
        return {"description": "Done."}
    if endpoint.gives:
        return {"description": "A file.", "content": {given: {} for given in endpoint.gives}}
    schema = refs[endpoint.out, "validation"] if endpoint.out else _ANY_OBJECT
    found = _content("Done.", "application/json", schema)
    if endpoint.needs_command:
        found["headers"] = {
            "Idempotent-Replayed": {
                "description": "true when the command had been carried out before",
                "schema": {"type": "string"},
            }
        }
    return found


def _path_parameters(endpoint: Endpoint) -> list[Document]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in _PARAMETER.findall(endpoint.path)
    ]


def _query_parameters(endpoint: Endpoint) -> list[Document]:
    if endpoint.query is None:
        return []
    schema = endpoint.query.model_json_schema(ref_template=_REF)
    required = schema.get("required", [])
    return [
        {"name": name, "in": "query", "required": name in required, "schema": member}
        for name, member in schema["properties"].items()
    ]


def _problem() -> Document:
    return {"$ref": "#/components/responses/Problem"}


def _ref(name: str) -> Document:
    return {"$ref": _REF.format(model=name)}


def _content(description: str, media_type: str, schema: Document) -> Document:
    return {"description": description, "content": {media_type: {"schema": schema}}}
