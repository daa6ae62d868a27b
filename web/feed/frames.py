"""Frames that go out, as bytes. Each is made once, however many sockets it goes to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from web.api.problem import Problem
from web.feed.framing import framed
from web.feed.limits import FeedLimits


def welcome(limits: FeedLimits, server_time: str) -> bytes:
    return _frame(
        op="welcome",
        heartbeat_s=limits.heartbeat_ms // 1000,
        limits=limits.told(),
        server_time=server_time,
    )


def snapshot(topic: str, *, epoch: str, seq: int, view: Mapping[str, Any], digest: str) -> bytes:
    return _frame(op="snapshot", topic=topic, epoch=epoch, seq=seq, data=view, digest=digest)


def resumed(topic: str) -> bytes:
    return _frame(op="resumed", topic=topic)


def delta(topic: str, *, seq: int, prev: int, patch: Mapping[str, Any]) -> bytes:
    """Return the frame that makes view `seq` of view `prev`: a JSON merge patch (RFC 7386)."""
    return _frame(op="delta", topic=topic, seq=seq, prev=prev, data=patch)


def written(patch: Mapping[str, Any]) -> dict[str, Any]:
    """Return a patch whose values are JSON already, to be put into the frames of many."""
    return {name: orjson.Fragment(orjson.dumps(value)) for name, value in patch.items()}


def heartbeat(server_time: str, topics: Iterable[tuple[str, int, str]]) -> bytes:
    """Return a heartbeat with each topic's name, seq and digest."""
    told = {name: {"seq": seq, "digest": digest} for name, seq, digest in topics}
    return _frame(op="heartbeat", server_time=server_time, topics=told)


def unsubscribed(topic: str) -> bytes:
    return _frame(op="unsubscribed", topic=topic)


def ack(command_id: str, answer: Mapping[str, Any], *, is_replayed: bool) -> bytes:
    replayed = {"replayed": True} if is_replayed else {}
    return _frame(op="ack", cmd=command_id, seq=answer.get("seq"), data=answer, **replayed)


def refused(problem: Problem, *, command_id: str | None = None, topic: str | None = None) -> bytes:
    """Return a refusal of one act or one subscription, with the codes that HTTP answers."""
    named = {"cmd": command_id} if command_id is not None else {}
    if topic is not None:
        named["topic"] = topic
    document = problem.document()
    told = ("pointer", "rule", "figure", "errors", "figures", "title", "detail", "status")
    detail = {name: document[name] for name in told if name in document}
    return _frame(op="refused", **named, code=problem.code, detail=detail)


def _frame(**members: Any) -> bytes:
    return framed(orjson.dumps(members))
