"""Every frame of the feed, sent by ten kinds of actor about what is seen, hidden and absent."""

from __future__ import annotations

import itertools
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from aggregator.topics import TOPICS
from tests.api.asking import body_of
from tests.api.conftest import Served
from tests.api.test_edge_feed import Client, greeted, opened
from tests.api.world import FIRM_KINDS, FIRMS, World, edge_limits, world
from tests.architecture.permitting import NOBODY, written
from web import api
from web.feed.asyncapi import document
from web.feed.operations import OPERATIONS
from web.feed.protocol import Close

__all__ = ["edge_limits", "world"]

OPEN = ("prices:*", "prices:SUGAR-W1/*", "prices:SUGAR-W1/GX/2027-03", "curve:SUGAR-W1/GX", "me")
# Which firms are shown the events that not all see, and which of the market's people.
SHOWN = {
    "auction": {"own": FIRM_KINDS, "partner": FIRM_KINDS, "market": ("operator",)},
    "pool": {"own": FIRM_KINDS, "market": ("operator", "auditor")},
}
UNKNOWN, FORBIDDEN = "not_found", "not_allowed"
_COMMANDS = itertools.count(1)


def test_every_frame_and_topic_is_in_the_matrix() -> None:
    api.load()
    by_hand = written()
    asked = {ref["$ref"].rpartition("/")[2] for ref in document()["operations"]["ask"]["messages"]}

    assert asked == {"hello", "subscribe", "unsubscribe", *OPERATIONS}
    assert {op for method, op in by_hand if method == "FEED"} == set(OPERATIONS)
    assert {topic for method, topic in by_hand if method == "TOPIC"} == set(TOPICS)
    assert {topic.partition(":")[0] for topic in OPEN} | {*SHOWN, "strip"} == set(TOPICS)


@pytest.mark.slow
async def test_a_frame_does_and_tells_what_its_sender_may(world: World) -> None:
    wrong = []
    for firm in (*FIRMS, "market"):
        kinds = FIRM_KINDS if firm in FIRMS else ("auditor", "operator")
        for kind in kinds:
            visitor = world.people["own" if firm == "market" else firm][kind]
            client = await greeted(world.served, visitor)
            told = [f"{op}: {fault}" async for op, fault in _acted(world, client, firm, kind)]
            told += [
                f"{topic}: {fault}" async for topic, fault in _shown(world, client, firm, kind)
            ]
            wrong += [f"{firm} {kind} {fault}" for fault in told]
            await client.socket.close()

    assert wrong == []
    endings = await _endings_of_nobody(world)
    assert {op for op, _ in endings} == {"subscribe", *OPERATIONS}
    assert len(endings) == len(OPERATIONS) + 1
    assert {ending for _, (ending, _) in endings} == {Close.FORBIDDEN}


async def test_no_hello_with_what_is_no_session_tells_why(served: Served) -> None:
    leaver = await served.member("A factory", "buyer")
    ticket = (await leaver.post("/feed-tickets")).json()["ticket"]
    ended = leaver.token
    await leaver.delete("/sessions/current")
    endings = set()
    for hello in (
        *({"token": token} for token in (ended, "x" * 43, ended[:-1], f"{ended}x")),
        *({"ticket": one} for one in (ticket, "x" * len(ticket), ended)),
        {"token": ticket},
    ):
        client = Client(await opened(served))
        await client.say(op="hello", **hello)
        endings.add(await client.ending())

    assert len(endings) == 1
    assert endings.pop()[0] == Close.SESSION_OVER


async def _endings_of_nobody(world: World) -> set[tuple[str, tuple[int, str]]]:
    """Return how sockets without a session end that do more than to read prices."""
    topics = {topic for way, topic in written() if way == "TOPIC"}
    public = {topic for topic in topics if NOBODY in written()["TOPIC", topic]}
    ids = (world.ids["auction_id"], world.hidden["auction_id"], "auction_none")
    frames = [_act(op, auction_id) for op in OPERATIONS for auction_id in ids]
    endings = set()
    for topic in _events(world):
        if topic.partition(":")[0] in public:
            assert (await (await greeted(world.served)).ask(**_subscribe(topic)))[
                "op"
            ] == "snapshot"
        else:
            frames.append(_subscribe(topic))
    for frame in frames:
        client = await greeted(world.served)
        await client.say(**frame)
        endings.add((frame["op"], await client.ending()))
    return endings


async def _acted(
    world: World, client: Client, firm: str, kind: str
) -> AsyncIterator[tuple[str, object]]:
    """Send every act about a seen, a hidden and an absent auction; yield what is wrong."""
    by_hand = written()
    for op in OPERATIONS:
        seen, hidden, absent = [
            await _refusal(client, _act(op, auction_id), "ack")
            for auction_id in (world.ids["auction_id"], world.hidden["auction_id"], "auction_none")
        ]
        codes = {answer[0] for answer in (seen, hidden)}
        if kind not in by_hand["FEED", op]:
            is_right = seen == hidden == absent and codes == {FORBIDDEN}
        elif firm not in SHOWN["auction"]:
            is_right = hidden == absent and absent[0] == UNKNOWN != seen[0]
        else:
            # In an auction of a seller only who buys may bid.
            is_right = absent[0] == UNKNOWN not in codes and (codes == {FORBIDDEN}) == (
                kind == "seller"
            )
        if not is_right:
            yield op, (seen, hidden, absent)


async def _shown(
    world: World, client: Client, firm: str, kind: str
) -> AsyncIterator[tuple[str, object]]:
    """Subscribe to every topic that is seen, hidden or absent; yield what is wrong."""
    for topic, is_hidden in _events(world).items():
        prefix = topic.partition(":")[0]
        absent = await _refusal(client, _subscribe(f"{prefix}:{_NONE[prefix]}"), "snapshot")
        found = await _refusal(client, _subscribe(topic), "snapshot")
        left = await client.ask(op="unsubscribe", topic=topic)
        is_seen = not is_hidden or kind in SHOWN.get(prefix, {}).get(firm, ())
        if left != {"op": "unsubscribed", "topic": topic} or absent[0] != UNKNOWN:
            yield topic, (left, absent)
        elif found[0] != "snapshot" if is_seen else found != absent:
            yield topic, (found, absent)


_NONE = {
    **dict.fromkeys(("auction", "pool", "strip", "me"), "none"),
    "curve": "SUGAR-W9/GX",
    "prices": "SUGAR-W9/GX/2027-03",
}


def _events(world: World) -> dict[str, bool]:
    """Return topics by name, and whether not everybody sees them."""
    seen = {f"{name}:{world.ids[f'{name}_id']}": False for name in ("auction", "pool", "strip")}
    hidden = {f"{name}:{world.hidden[f'{name}_id']}": True for name in SHOWN}
    others = {f"me:{world.ids['organisation_id']}": True}
    return dict.fromkeys(OPEN, False) | seen | hidden | others


def _act(op: str, auction_id: str) -> dict[str, Any]:
    named = {**body_of(OPERATIONS[op].endpoint), "auction": auction_id}
    return {**named, "op": op, "cmd": f"frame-{next(_COMMANDS)}"}


def _subscribe(topic: str) -> dict[str, Any]:
    return {"op": "subscribe", "topic": topic}


async def _refusal(client: Client, frame: dict[str, Any], success: str) -> tuple[str, str]:
    """Return the code of a refusal and all that it tells but the names; else the success."""
    await client.say(**frame)
    answer = await client.hear(success, "refused")
    if answer["op"] == success:
        return success, ""
    detail = json.dumps(answer["detail"], sort_keys=True)
    return answer["code"], detail.replace(frame.get("auction", ""), "<id>")
