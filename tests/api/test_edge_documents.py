"""The documents that tell other programs what they may ask."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from html import unescape
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from pydantic import ValidationError
from websockets.asyncio.client import connect

from aggregator.parties.permissions import ACTS
from tests.api.conftest import Served
from tests.builders import a_market
from web import api
from web.api.routing import ENDPOINTS, PUBLIC, SIGNED_IN, Endpoint, check_acts, specific_first
from web.app import create_app
from web.feed.operations import OPERATIONS, Operation, check_operations


async def test_the_api_is_described_in_valid_openapi(served: Served) -> None:
    document = (await served.client().get("/api/v1/openapi.json")).json()

    assert list(OpenAPIV31SpecValidator(document).iter_errors()) == []
    described = {
        (method.upper(), path) for path, methods in document["paths"].items() for method in methods
    }
    assert described == set(ENDPOINTS)
    names = [
        operation["operationId"]
        for methods in document["paths"].values()
        for operation in methods.values()
    ]
    assert len(names) == len(set(names))


async def test_every_schema_of_the_document_is_a_schema(served: Served) -> None:
    document = (await served.client().get("/api/v1/openapi.json")).json()

    for schema in document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


async def test_every_body_has_an_example_that_the_api_would_take(served: Served) -> None:
    document = (await served.client().get("/api/v1/openapi.json")).json()

    wrong = {}
    for (method, path), endpoint in ENDPOINTS.items():
        if endpoint.body is not None:
            operation = document["paths"][path][method.lower()]
            example = operation["requestBody"]["content"]["application/json"]["example"]
            try:
                endpoint.body.model_validate_json(json.dumps(example))
            except ValidationError as error:
                wrong[f"{method} {path}"] = str(error)
    assert wrong == {}


async def test_amounts_are_described_as_text_and_never_as_numbers(served: Served) -> None:
    text = (await served.client().get("/api/v1/openapi.json")).text

    assert '"type":"number"' not in text


async def test_the_feed_is_described_with_its_acts(served: Served) -> None:
    document = (await served.client().get("/api/v1/asyncapi.json")).json()

    assert document["asyncapi"] == "3.0.0"
    ops = set(document["components"]["messages"])
    assert {"hello", "subscribe", "snapshot", "delta", "heartbeat", "refused", *OPERATIONS} <= ops
    for message in document["components"]["messages"].values():
        Draft202012Validator.check_schema(message["payload"])
    assert document["x-close-codes"]["4408"] == "slow"


async def test_every_reference_of_the_feed_s_document_leads_somewhere(served: Served) -> None:
    document = (await served.client().get("/api/v1/asyncapi.json")).json()

    # AsyncAPI 3.0: an operation names messages of its channel, a channel those of the components.
    for ref in references(document):
        found = document
        for part in ref.removeprefix("#/").split("/"):
            found = found[part]
    feed = document["channels"]["feed"]
    assert set(feed["messages"]) == set(document["components"]["messages"])
    for operation in document["operations"].values():
        assert operation["action"] in ("send", "receive")
        assert operation["channel"] == {"$ref": "#/channels/feed"}


async def test_the_market_s_frames_are_as_the_document_says(served: Served) -> None:
    messages = (await served.client().get("/api/v1/asyncapi.json")).json()["components"]["messages"]
    seen = set()
    async with connect(served.feed_url, compression=None, proxy=None) as socket:
        for frame in (
            {"op": "hello"},
            {"op": "subscribe", "topic": "prices:*"},
            {"op": "subscribe", "topic": "prices:NO-SUCH/*"},
            {"op": "unsubscribe", "topic": "prices:*"},
        ):
            Draft202012Validator(messages[frame["op"]]["payload"]).validate(frame)
            await socket.send(json.dumps(frame))
            told = json.loads(await asyncio.wait_for(socket.recv(), 20))
            Draft202012Validator(messages[told["op"]]["payload"]).validate(told)
            seen.add(told["op"])

    assert seen == {"welcome", "snapshot", "refused", "unsubscribed"}


def references(value: Any) -> Iterator[str]:
    members = value.values() if isinstance(value, dict) else value
    for member in members:
        if isinstance(member, dict | list):
            yield from references(member)
    if isinstance(value, dict) and "$ref" in value:
        yield value["$ref"]


@pytest.mark.parametrize("language", ["zh", "en"])
async def test_the_documentation_page_needs_nothing_from_outside(
    served: Served, language: str
) -> None:
    client = served.client()
    page = (await client.get(f"/api/docs?lang={language}")).text

    assert f'<html lang="{language}">' in page
    assert "curl -X POST '{address}/api/v1/sessions'" in unescape(page)
    assert not set(re.findall('href="#([^"]+)"', page)) - set(re.findall('id="([^"]+)"', page))
    assert 'id="error-insufficient_funds"' in page
    links = set(re.findall(r'(?:src|href)="([^"#]+)"', page))
    for link in links:
        assert link.startswith("/")
        assert (await client.get(link)).status_code == 200


def test_every_route_names_an_act_of_the_permission_table() -> None:
    api.load()

    assert {e.act for e in ENDPOINTS.values()} <= set(ACTS) | {PUBLIC, SIGNED_IN}


def test_a_change_is_never_open_to_everybody_but_coming_in_and_joining() -> None:
    api.load()

    changes = {e.path for e in ENDPOINTS.values() if e.is_changing and e.act == PUBLIC}
    assert changes == {
        "/joinings",
        "/joinings/preview",  # changes nothing: a link's token belongs into no path
        "/recoveries",  # asks: nothing happens before others have agreed
        "/recoveries/finish",  # who holds the link that was mailed
        "/sessions",
        "/sessions/passkey",
        "/sessions/passkey/challenge",
    }


async def _nothing(_: object) -> dict[str, object]:
    return {}


def test_a_route_whose_act_nobody_holds_stops_the_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stray = Endpoint("POST", "/stray", "stray.act", _nothing)
    with pytest.raises(LookupError, match=r"POST /stray: stray\.act"):
        check_acts([stray])

    monkeypatch.setitem(ENDPOINTS, ("POST", "/stray"), stray)
    with pytest.raises(LookupError):
        create_app(a_market())


def test_a_feed_operation_without_an_endpoint_stops_the_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(OPERATIONS, "fly", Operation("fly", "POST", "/no/such", {}))

    with pytest.raises(LookupError, match="fly"):
        check_operations()


def test_the_more_specific_path_is_asked_first() -> None:
    paths = ["/p/{a}/{b}", "/p/{a}/list", "/p/{a}/{b}.csv", "/p/x/{b}"]

    assert sorted(paths, key=specific_first) == [
        "/p/x/{b}",
        "/p/{a}/list",
        "/p/{a}/{b}.csv",
        "/p/{a}/{b}",
    ]
