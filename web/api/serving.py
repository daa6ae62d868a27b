"""The way of one request around its handler, from bytes to an answer."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Callable, Coroutine, Mapping
from contextlib import nullcontext
from typing import Any

import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from aggregator import logs
from aggregator.errors import InvalidField, MarketError, NotFound, NotSignedIn
from aggregator.market import Actor, Outcome
from aggregator.market.eyes import reading_for
from aggregator.parties import attempts, support
from matching.errors import RuleViolation
from web.api.amounts import Json, public
from web.api.faults import checked, checked_query
from web.api.problem import (
    BodyTooLarge,
    BodyTooSlow,
    HeaderInvalid,
    HeaderMissing,
    Internal,
    MediaType,
    MethodNotAllowed,
    answer,
)
from web.api.reading import Malformed, read_json
from web.api.routing import PUBLIC, SIGNED_IN, Call, Download, Endpoint, Reply
from web.auth.asking import check_origin, credential
from web.context import Context, address_of, context_of, monotonic_ms
from web.language import language_of

COMMAND_ID = re.compile(r"[!-~]{1,200}\Z")
_ETAG_DIGITS = 32
_BODY_S = 20

Served = Callable[[Request], Coroutine[Any, Any, Response]]


def served(endpoints: Mapping[str, Endpoint]) -> Served:
    """Return what serves one path: its endpoints by method."""
    allowed = ", ".join(sorted({*endpoints, *(["HEAD"] if "GET" in endpoints else [])}))

    async def serve(request: Request) -> Response:
        language = language_of(request)
        request_id: str = request.scope.get("state", {}).get("request_id", "")
        try:
            method = "GET" if request.method == "HEAD" else request.method
            endpoint = endpoints.get(method)
            if endpoint is None:
                raise MethodNotAllowed(allowed)
            return await _serve(endpoint, request, language)
        except (RuleViolation, MarketError) as error:
            return answer(error, language, request_id=request_id)
        except Exception as error:  # noqa: BLE001 - the last place that can answer
            logs.logger().error(
                "request_failed", request=request_id, route=request.url.path, exc_info=error
            )
            return answer(Internal(), language, request_id=request_id)

    return serve


async def _serve(endpoint: Endpoint, request: Request, language: str) -> Response:
    context = context_of(request)
    viewer = await _viewer(context, request, endpoint)
    try:
        return await _answered(context, endpoint, request, viewer=viewer, language=language)
    except (RuleViolation, MarketError) as refusal:
        if viewer is not None and endpoint.is_changing:
            command_id = request.headers.get("idempotency-key")
            await attempts.note(context.market, viewer, endpoint.act, refusal, command_id)
        raise


async def _answered(
    context: Context,
    endpoint: Endpoint,
    request: Request,
    *,
    viewer: Actor | None,
    language: str,
) -> Response:
    _authorise(endpoint, viewer)
    if viewer is not None:
        await support.note(context.market, viewer, f"{request.method} {request.url.path}")
    call = await _call(context, endpoint, request, viewer=viewer, language=language)
    with reading_for(viewer) if endpoint.is_behind_the_wall else nullcontext():
        found = await endpoint.handler(call)
    if isinstance(found, Response):
        return found
    if isinstance(found, Download):
        return _download(found)
    headers: dict[str, str] = {"Content-Language": language}
    status = endpoint.status
    if isinstance(found, Outcome):
        content = found.answer
        if found.replayed:
            headers["Idempotent-Replayed"] = "true"
    elif isinstance(found, Reply):
        content, status = found.answer, found.status or status
        headers |= found.headers
    else:
        content = found
    shown = public(content)
    if context.checks_answers and endpoint.out is not None:
        endpoint.out.model_validate(shown)
    return _response(request, shown, status=status, headers=headers)


async def _viewer(context: Context, request: Request, endpoint: Endpoint) -> Actor | None:
    """Return who asks, having counted the request against the rate of whoever it is."""
    given = credential(request, is_https=context.is_https)
    is_cookie = given is not None and given.way == "cookie"
    if endpoint.is_changing:
        check_origin(request, context.public_url, is_cookie=is_cookie)
    viewer: Actor | None = None
    if given is not None:
        try:
            viewer = await context.hub.known.actor_of(given.token, now_ms=monotonic_ms())
        except NotSignedIn:
            context.addresses.take(address_of(request), monotonic_ms())
            # A page whose session has ended may still read what everybody may.
            if endpoint.act != PUBLIC or not is_cookie:
                raise
            return None
    if viewer is None:
        context.addresses.take(address_of(request), monotonic_ms())
    else:
        context.organisations.take(viewer.organisation_id, monotonic_ms())
        if endpoint.act == PUBLIC and support.is_let_in(viewer):
            # What everybody may read shows a member his own limits, which nobody is let in to.
            return None
    return viewer


def _authorise(endpoint: Endpoint, viewer: Actor | None) -> None:
    if endpoint.act == PUBLIC:
        return
    if viewer is None:
        raise NotSignedIn
    if endpoint.act != SIGNED_IN:
        viewer.require(endpoint.act)


async def _call(
    context: Context,
    endpoint: Endpoint,
    request: Request,
    *,
    viewer: Actor | None,
    language: str,
) -> Call:
    path = {name: str(value) for name, value in request.path_params.items()}
    if any(len(value) > 200 or not value.isprintable() for value in path.values()):
        raise NotFound("path")
    command_id = _command_id(endpoint, request)
    raw = await _body(endpoint, request)
    content, text, body = _content(endpoint, request, raw)
    command = None
    if command_id is not None:
        command = endpoint.command(command_id, path, content)
    return Call(
        market=context.market,
        viewer=viewer,
        language=language,
        path=path,
        query=_query(endpoint, request),
        body=body,
        text=text,
        request=request,
        given_command=command,
        file=raw if endpoint.file_types else b"",
    )


def _command_id(endpoint: Endpoint, request: Request) -> str | None:
    if not endpoint.needs_command:
        return None
    found = request.headers.get("idempotency-key")
    if found is None:
        raise HeaderMissing("Idempotency-Key")
    # The draft standard writes the key as a quoted string; most clients do not.
    found = found[1:-1] if len(found) > 2 and found[0] == found[-1] == '"' else found
    if not COMMAND_ID.match(found):
        raise HeaderInvalid("Idempotency-Key", "1 to 200 visible ASCII characters")
    return found


async def _body(endpoint: Endpoint, request: Request) -> bytes:
    declared = request.headers.get("content-length", "")
    if declared.isascii() and declared.isdigit() and int(declared[:20]) > endpoint.max_bytes:
        raise BodyTooLarge(endpoint.max_bytes)
    chunks, size = [], 0
    try:
        async with asyncio.timeout(_BODY_S):
            async for chunk in request.stream():
                size += len(chunk)
                if size > endpoint.max_bytes:
                    raise BodyTooLarge(endpoint.max_bytes)
                chunks.append(chunk)
    except (TimeoutError, ClientDisconnect):
        raise BodyTooSlow(_BODY_S) from None
    return b"".join(chunks)


def _content(endpoint: Endpoint, request: Request, raw: bytes) -> tuple[object, str, object]:
    """Return what counts for the command's meaning, the text, and the checked body."""
    if endpoint.body is None and not endpoint.text_types and not endpoint.file_types:
        if raw not in (b"", b"{}"):
            raise InvalidField("", "no_body", len(raw))
        return None, "", None
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type in endpoint.text_types:
        try:
            text = raw.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise Malformed("utf8", error.start) from None
        return hashlib.sha256(raw).hexdigest(), text, None
    if media_type in endpoint.file_types:
        return hashlib.sha256(raw).hexdigest(), "", None
    if endpoint.body is None or media_type != "application/json":
        json = ["application/json"] if endpoint.body else []
        raise MediaType(", ".join([*json, *endpoint.text_types, *endpoint.file_types]))
    content = read_json(raw)
    return content, "", checked(endpoint.body, content)


def _query(endpoint: Endpoint, request: Request) -> object:
    given = request.query_params.multi_items()
    asked = {name: value for name, value in given if name != "lang"}
    if any("\x00" in value for value in asked.values()):
        raise NotFound("query")
    return asked if endpoint.query is None else checked_query(endpoint.query, asked)


def _response(
    request: Request,
    shown: Json,
    *,
    status: int,
    headers: dict[str, str],
) -> Response:
    if status == 204:
        return Response(None, status, headers)
    raw = orjson.dumps(shown)
    if request.method in ("GET", "HEAD") and status == 200:
        etag = f'"{hashlib.sha256(raw).hexdigest()[:_ETAG_DIGITS]}"'
        headers = {"ETag": etag, "Vary": "Accept-Language, Cookie, Authorization", **headers}
        if etag in request.headers.get("if-none-match", ""):
            return Response(None, 304, headers)
    return Response(raw, status, headers, media_type="application/json")


def _download(found: Download) -> Response:
    assert found.filename.isascii()
    assert '"' not in found.filename
    headers = {"Content-Disposition": f'attachment; filename="{found.filename}"'}
    return Response(found.content, 200, headers, media_type=found.media_type)
