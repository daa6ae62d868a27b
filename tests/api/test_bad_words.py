"""Texts that deceive the eye, and fields and firms that nobody may set, wherever one may write."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any

from tests.api.asking import body_of
from tests.api.conftest import Visitor
from tests.api.world import FIRM_KINDS, World, edge_limits, world
from tests.architecture.permitting import NOBODY, private_things, whose, written
from web.api.routing import ENDPOINTS, Endpoint

__all__ = ["edge_limits", "world"]

DECEIVING = "Guangxi \u202eragus"
# Nobody is shown them.
PASSWORDS = {"password", "new", "old"}
# What the market writes into its rows and nobody sends.
FORGED = ("granted_by", "is_admin", "organisation_id", "outcome", "owner_id", "person_id", "state")

Place = tuple[str | int, ...]


async def test_no_text_that_deceives_the_eye_is_taken(world: World) -> None:
    refused, taken = 0, list[str]()
    for endpoint in ENDPOINTS.values():
        if endpoint.body is None or not endpoint.is_changing:
            continue
        schema = endpoint.body.model_json_schema()
        for at in _texts(schema, schema.get("$defs", {})):
            if at[-1] in PASSWORDS:
                continue
            body = deepcopy(body_of(endpoint))
            _put(body, at, DECEIVING)
            answer = await world.ask(
                _who_may(world, endpoint), endpoint, world.named(endpoint.path), body
            )
            refused += answer.status == 422
            if answer.status < 400:
                taken.append(f"{endpoint.method} {endpoint.path} takes {at}: {answer}")

    assert taken == []
    assert refused >= 65


async def test_a_field_that_is_the_markets_is_refused_by_its_name(world: World) -> None:
    document = (await world.served.nobody().get("/openapi.json")).json()
    wrong, asked = list[str](), 0
    for path, method in (
        (path, method.upper())
        for path, operations in document["paths"].items()
        for method in operations
        if method != "get"
    ):
        endpoint = ENDPOINTS[method, path]
        body = body_of(endpoint)
        for name in FORGED if endpoint.body else ():
            if name in endpoint.body.model_fields:
                continue
            asked += 1
            forged = {**body, name: world.ids["organisation_id"]}
            who, named = _who_may(world, endpoint), world.named(path)
            answer = await world.ask(who, endpoint, named, forged)
            if (
                answer.status != 422
                or f'"pointer":"/{name}","rule":"unknown_field"' not in answer.text
            ):
                wrong.append(f"{method} {path} {name}: {answer}")

    assert wrong == []
    assert asked > 500


async def test_no_forged_firm_changes_what_is_read(world: World) -> None:
    """In the query, in a header or in a cookie: the session alone says whose firm asks."""
    owner = world.ids["organisation_id"]
    ways: tuple[dict[str, Any], ...] = (
        {"params": {"organisation_id": owner}},
        {"params": {"organisation": owner}},
        {"headers": {"X-Organisation-Id": owner, "X-Forwarded-User": world.own["owner"].login}},
        {"headers": {"Cookie": f"organisation={owner}; organisation_id={owner}"}},
    )
    wrong, asked = list[str](), 0
    for (method, path), endpoint in ENDPOINTS.items():
        # Reviews are read of whichever firm one names.
        if method != "GET" or private_things(path) or path == "/reviews":
            continue
        asker, named = _who_may(world, endpoint, "rival"), world.named(path)
        plain = await world.ask(asker, endpoint, named)
        for forged in ways:
            asked += 1
            answer = await world.ask(asker, endpoint, named, **forged)
            is_named = answer.status == 422 and '"rule":"unknown_field"' in answer.text
            if answer != plain and not is_named:
                wrong.append(f"{path} {forged}: {answer} instead of {plain}")

    assert wrong == []
    assert asked > 200


def _who_may(world: World, endpoint: Endpoint, firm: str = "") -> Visitor:
    """Return somebody who may ask this: of the firm, or of that whose act it is."""
    key = endpoint.method, endpoint.path
    firm = firm or ("partner" if whose()[key] == "seller" else "own")
    kinds = sorted(written()[key] - {NOBODY}, key=lambda kind: (kind not in FIRM_KINDS, kind))
    return world.people[firm][kinds[0]]


def _texts(schema: Mapping[str, Any], shared: Mapping[str, Any], at: Place = ()) -> Iterator[Place]:
    """Yield the places of a body where any text may stand."""
    if "$ref" in schema:
        schema = shared[schema["$ref"].rpartition("/")[2]]
    for choice in ("anyOf", "oneOf", "allOf"):
        for one in schema.get(choice, ()):
            yield from _texts(one, shared, at)
    match schema.get("type"):
        case "object":
            for name, member in schema.get("properties", {}).items():
                yield from _texts(member, shared, (*at, name))
        case "array":
            yield from _texts(schema.get("items", {}), shared, (*at, 0))
        case "string" if not schema.keys() & {"const", "enum", "format", "pattern"}:
            yield at


def _put(body: Any, at: Place, text: str) -> None:
    """Write a text at a place of a body, making what lies on the way."""
    for step, below in zip(at, (*at[1:], None), strict=True):
        if isinstance(step, int) and not body:
            body.append(None)
        empty: Any = text if below is None else [] if isinstance(below, int) else {}
        if below is None or (isinstance(body, dict) and step not in body) or body[step] is None:
            body[step] = empty
        body = body[step]
