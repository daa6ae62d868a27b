"""The AsyncAPI 3.0 document of the feed."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from web.feed.limits import FeedLimits
from web.feed.operations import OPERATIONS
from web.feed.protocol import SUBPROTOCOL, Close

Document = dict[str, Any]

_TEXT = {"type": "string"}
_COUNT = {"type": "integer", "minimum": 0}
_VIEW = {"type": "object", "description": "A view; amounts are decimal strings."}
_INSTANT = {"type": "string", "format": "date-time"}
_SINCE = {
    "type": "object",
    "required": ["epoch", "seq"],
    "properties": {"epoch": _TEXT, "seq": _COUNT},
    "additionalProperties": False,
}
_MARK = {"type": "object", "properties": {"seq": _COUNT, "digest": _TEXT}}
_TOPICS = {"type": "object", "additionalProperties": _MARK}

_RECEIVED: dict[str, tuple[str, Document, tuple[str, ...]]] = {
    "hello": (
        "The first frame, within 5 s. Without ticket and token only prices may be read. The scopes "
        "of a program's token must hold `feed.connect`, or the socket ends with 4403.",
        {"ticket": _TEXT, "token": _TEXT, "client": _TEXT},
        (),
    ),
    "subscribe": (
        "Follow a topic, such as `prices:*` or `curve:INSTRUMENT/REGION`; with `since`, from where "
        "the client stands.",
        {"topic": _TEXT, "since": _SINCE},
        ("topic",),
    ),
    "unsubscribe": ("Stop following a topic.", {"topic": _TEXT}, ("topic",)),
}
_SENT: dict[str, tuple[str, Document, tuple[str, ...]]] = {
    "welcome": (
        "The session stands.",
        {"heartbeat_s": _COUNT, "limits": {"type": "object"}, "server_time": _INSTANT},
        ("heartbeat_s", "limits", "server_time"),
    ),
    "resumed": ("Every missing delta follows.", {"topic": _TEXT}, ("topic",)),
    "snapshot": (
        "The whole view. `digest` is SHA-256 over its canonical JSON (RFC 8785), in hex. "
        "Members without a value are left out.",
        {"topic": _TEXT, "epoch": _TEXT, "seq": _COUNT, "data": _VIEW, "digest": _TEXT},
        ("topic", "epoch", "seq", "data", "digest"),
    ),
    "delta": (
        "A JSON merge patch (RFC 7386) that makes view `seq` of the view numbered `prev`. What "
        "comes in one burst may come in one frame: then `seq` is more than one beyond `prev`.",
        {"topic": _TEXT, "seq": _COUNT, "prev": _COUNT, "data": _VIEW},
        ("topic", "seq", "prev", "data"),
    ),
    "heartbeat": (
        "Each followed topic's last number and digest: shows a loss at the tail.",
        {"server_time": _INSTANT, "topics": _TOPICS},
        ("server_time", "topics"),
    ),
    "unsubscribed": ("The topic is followed no more.", {"topic": _TEXT}, ("topic",)),
    "ack": (
        "The act is durable. `replayed` when it had been carried out before.",
        {"cmd": _TEXT, "seq": {}, "data": {"type": "object"}, "replayed": {"type": "boolean"}},
        ("cmd", "data"),
    ),
    "refused": (
        "An act (`cmd`) or subscription (`topic`) is refused, with the codes of the HTTP API.",
        {"cmd": _TEXT, "topic": _TEXT, "code": _TEXT, "detail": {"type": "object"}},
        ("code", "detail"),
    ),
}


def document() -> Document:
    """Return the document: what a client sends, what it is sent, and the close codes."""
    received = {**_RECEIVED, **{op: _act(op) for op in OPERATIONS}}
    messages = {op: _message(op, *described) for op, described in {**received, **_SENT}.items()}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Aggregator feed",
            "version": version("aggregator"),
            "description": f"Subprotocol {SUBPROTOCOL}, JSON text frames, no compression.",
        },
        "channels": {
            "feed": {
                "address": "/feed",
                "messages": {op: {"$ref": f"#/components/messages/{op}"} for op in messages},
                "bindings": {"ws": {"method": "GET"}},
            }
        },
        "operations": {
            "ask": _operation("receive", received),
            "tell": _operation("send", _SENT),
        },
        "components": {"messages": messages},
        "x-limits": FeedLimits().told(),
        "x-close-codes": {str(int(code)): code.name.lower() for code in Close},
    }


def _act(op: str) -> tuple[str, Document, tuple[str, ...]]:
    operation = OPERATIONS[op]
    endpoint = operation.endpoint
    body = endpoint.body.model_json_schema() if endpoint.body else {}
    fields = dict.fromkeys(operation.named.values(), _TEXT)
    required = ("cmd", *fields, *body.get("required", []))
    text = f"The same act as {endpoint.method} {endpoint.path}, under the same command id."
    return text, {"cmd": _TEXT, **fields, **body.get("properties", {})}, required


def _message(op: str, summary: str, members: Document, required: tuple[str, ...]) -> Document:
    return {
        "name": op,
        "summary": summary,
        "contentType": "application/json",
        "payload": {
            "type": "object",
            "required": ["op", *required],
            "properties": {"op": {"const": op}, **members},
        },
    }


def _operation(action: str, ops: dict[str, Any]) -> Document:
    return {
        "action": action,
        "channel": {"$ref": "#/channels/feed"},
        "messages": [{"$ref": f"#/channels/feed/messages/{op}"} for op in ops],
    }
