"""Nothing that a firm keeps to itself is told to another, whatever else is told."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import pytest

from aggregator.market import Actor, Audience
from aggregator.parties import sessions
from aggregator.parties.permissions import ACTS
from aggregator.pools import views
from aggregator.pools.state import State
from tests.api.conftest import Served
from tests.api.telling import SecretWorld
from web.api import serving
from web.api.routing import Call
from web.auth.rates import Rate
from web.context import EdgeLimits


@pytest.fixture
def edge_limits() -> EdgeLimits:
    much = Rate(per_s=100_000, burst=1_000_000)
    return EdgeLimits(organisation=much, address=much, login=much)


@pytest.fixture
async def world(served: Served) -> SecretWorld:
    world = await SecretWorld(served).open()
    await world.keep_secrets()
    return world


async def test_no_secret_is_told_to_others_nor_to_the_logs(
    world: SecretWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    said = await world.told()
    own = await world.told(("first", "mill"))
    logged = capsys.readouterr()
    said.add("the logs", "standard output", logged.out + logged.err)

    assert "request" in logged.out + logged.err
    assert said.leaks() == []
    assert {
        line.split(" was told ")[1].split(" ")[0] for line in own.leaks({"none": world.secrets})
    } == set(world.secrets)


async def test_a_view_that_tells_too_much_is_caught(
    world: SecretWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = views.view

    def careless(state: State, audience: Audience) -> views.View:
        limits = [str(pledge.limit_minor) for pledge in state.pledges.values()]
        return {**honest(state, audience), "phase": " ".join(["gathering", *limits])}

    monkeypatch.setattr(views, "view", careless)
    said = await world.told(("rival",))

    assert {leak.partition(" by ")[0] for leak in said.leaks()} == {
        "rival was told pledge_limit of first"
    }
    assert any(leak.endswith("GET /pools/{pool_id}") for leak in said.leaks())
    assert any(leak.endswith("feed pool") for leak in said.leaks())


async def test_with_authorisation_switched_off_the_database_still_shows_no_foreign_row(
    world: SecretWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await sessions.actor_of(world.served.market, world.people["first"].token)
    impostor = replace(first, grants=frozenset(ACTS))
    honest = serving._call

    async def believing(*args: Any, viewer: Actor | None, language: str) -> Call:
        return await honest(*args, viewer=impostor, language=language)

    monkeypatch.setattr(serving, "_authorise", lambda *_: None)
    monkeypatch.setattr(serving, "_call", believing)
    said = await world.asked(("rival", "nobody"))

    assert said.leaks() == []
    answered = [text for _, _, text in said.pieces if text.startswith("200")]
    assert len(answered) > 60
    monkeypatch.setattr(serving, "reading_for", lambda _: nullcontext())
    assert len((await world.asked(("rival",))).leaks()) > 10
