"""A topic for tests: what people say in a room, on real journal rows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from aggregator.errors import NotFound
from aggregator.journal.facts import fact
from aggregator.journal.reading import Entry
from aggregator.market import PUBLIC, Actor, Answer, Audience, Market, Seen, Unit
from tests.builders import a_command, an_actor

OPERATOR = an_actor("operator", "operator")


@fact
class Whispered:
    """Somebody said a number that only they may see."""

    by: str
    number: int


class Room:
    """Everybody sees the highest number, a member also their own last one."""

    def __init__(self, *, is_state: bool = True, wordy: int = 0) -> None:
        self.is_state = is_state
        self.wordy = wordy

    async def allow(self, actor: Actor | None, topic_id: str) -> Audience:
        if topic_id == "closed":
            raise NotFound("room")
        return Audience("member", actor.organisation_id) if actor else PUBLIC

    def stream(self, topic_id: str, _: Actor | None) -> str:
        return f"room:{topic_id}"

    def initial(self, _: str) -> dict[str, int]:
        return {}

    def evolve(self, state: dict[str, int], entry: Entry) -> dict[str, int]:
        said: Whispered = entry.fact
        if said.number < 0:
            raise ValueError("a room takes no negative numbers")
        return {**state, said.by: said.number, "*": max(state.get("*", 0), said.number)}

    def view(self, state: dict[str, int], audience: Audience) -> dict[str, Any]:
        highest = state.get("*", 0)
        words = {"words": f"{highest} " * self.wordy} if self.wordy else {}
        return {"highest": highest, "own": state.get(audience.organisation_id or ""), **words}


class Hall(Room):
    """A room that knows by an entry alone who sees it: what is highest is common to all."""

    kinds = ("member", "public")
    own_kind = "member"

    def follow(self, state: dict[str, int], entry: Entry) -> tuple[dict[str, int], Seen]:
        after = self.evolve(state, entry)
        said: Whispered = entry.fact
        kinds = ("member", "public") if after["*"] != state.get("*") else ()
        firms = (said.by,) if after[said.by] != state.get(said.by) else ()
        return after, Seen(kinds, firms)

    def firms(self, state: dict[str, int]) -> Iterable[str]:
        return state

    def common(self, state: dict[str, int], _: str) -> dict[str, Any]:
        return {"highest": state.get("*", 0)}

    def own(self, state: dict[str, int], firm: str) -> dict[str, Any]:
        return {"own": state.get(firm)}


async def whisper(market: Market, by: str, *numbers: int, room: str = "1") -> None:
    async def step(unit: Unit) -> Answer:
        await unit.record(f"room:{room}", *(Whispered(by, number) for number in numbers))
        return {}

    await market.perform(
        OPERATOR, "catalogue.define", step, command=a_command(), stream=f"room:{room}"
    )
