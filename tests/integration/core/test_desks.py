"""Acts for a desk: many in one commit, each answered as if it had come alone."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import ClassVar

import pytest

from aggregator.db import orm as market_orm
from aggregator.errors import CommandReused, Conflict, RecordedRefusal
from aggregator.journal.facts import fact
from aggregator.journal.reading import Pool, entries
from aggregator.market import (
    Actor,
    Answer,
    Asked,
    Command,
    Desk,
    Market,
    Outcome,
    Unit,
    turnstile,
)
from tests.builders import a_command, a_market, an_actor
from tests.integration.slowness import slow_disk, until

OPERATOR = an_actor("operator", "operator")


@fact
class Stamped:
    number: int


class Stamping(Desk):
    """Journals numbers; it refuses those below zero and fails on 1300."""

    batches: ClassVar[list[int]] = []

    async def read(self, asked: Sequence[Asked]) -> None:
        Stamping.batches.append(len(asked))

    def decide(self, asked: Asked) -> Answer:
        if asked.content < 0:
            raise Conflict("below_zero")
        (entry,) = self._unit.note(asked.stream, [Stamped(asked.content)])
        if asked.content == 1300:
            raise ZeroDivisionError
        return {"number": asked.content, "seq": entry.seq}

    async def write(self) -> None:
        """All that happened is in the journal."""

    def keep(self) -> None:
        """There is no memory."""


class Rising(Stamping):
    """Journals numbers that rise, on the memory of the last one that was durable."""

    durable: ClassVar[dict[str, tuple[int, int]]] = {}
    planned: ClassVar[list[int]] = []

    def __init__(self, unit: Unit) -> None:
        super().__init__(unit)
        self._highest: dict[str, int] = {}

    def recall(self, asked: Sequence[Asked], before: Rising | None) -> bool:
        earlier = {} if before is None else before._highest
        for one in asked:
            seq, highest = Rising.durable.get(one.stream, (-1, 0))
            if one.stream not in self._highest:
                if one.stream in earlier:
                    highest = earlier[one.stream]
                elif seq != self._unit.heads[one.stream].seq:
                    return False
                self._highest[one.stream] = highest
            Rising.planned.append(one.content)
        return True

    async def read(self, asked: Sequence[Asked]) -> None:
        await super().read(asked)
        for one in asked:
            found = await entries(self._unit, one.stream)
            self._highest.setdefault(one.stream, found[-1].fact.number)

    def decide(self, asked: Asked) -> Answer:
        highest = self._highest[asked.stream]
        if asked.content <= highest:
            raise Conflict(f"above {highest}")
        answer = super().decide(asked)
        self._highest[asked.stream] = asked.content
        return answer

    def is_written(self) -> bool:
        return True

    def keep(self) -> None:
        for stream, highest in self._highest.items():
            Rising.durable[stream] = self._unit.heads[stream].seq, highest


class Counting(Stamping):
    """Answers how many facts a stream had when it was read."""

    async def read(self, asked: Sequence[Asked]) -> None:
        streams = {one.stream for one in asked}
        self._counts = {name: len(await entries(self._unit, name)) for name in streams}

    def decide(self, asked: Asked) -> Answer:
        return {"count": self._counts[asked.stream]}


async def count(market: Market, stream: str = "desk:1") -> int:
    outcome = await market.perform_at(
        Counting, OPERATOR, "catalogue.define", None, command=a_command(), stream=stream
    )
    return int(outcome.answer["count"])


async def rise(market: Market, number: int, command: Command | None = None) -> Outcome:
    return await stamp(market, number, command, desk=Rising)


async def stamp(
    market: Market,
    number: int,
    command: Command | None = None,
    stream: str = "desk:1",
    desk: type[Desk] = Stamping,
) -> Outcome:
    return await market.perform_at(
        desk,
        OPERATOR,
        "catalogue.define",
        number,
        command=command or a_command(number),
        stream=stream,
    )


@pytest.fixture
async def market(orm: str) -> Market:
    market = a_market()

    async def begin(unit: Unit) -> Answer:
        for number in (1, 2, 3):
            await unit.record(f"desk:{number}", Stamped(0))
        return {}

    await market.perform(Actor.SYSTEM, "catalogue.define", begin)
    Stamping.batches, Rising.durable, Rising.planned = [], {}, []
    return market


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let even one act be decided while another is being written."""
    monkeypatch.setattr(turnstile, "LEAST_AHEAD", 1)


async def numbers(stream: str = "desk:1") -> list[int]:
    return [entry.fact.number for entry in await entries(None, stream)]


async def test_acts_that_wait_together_share_a_commit_and_keep_their_order(market: Market) -> None:
    answers = await asyncio.gather(*(stamp(market, number) for number in range(1, 300)))

    assert await numbers() == list(range(300))
    assert [outcome.answer["seq"] for outcome in answers] == list(range(2, 301))
    assert len(Stamping.batches) <= 2


async def test_acts_of_several_streams_share_a_commit(market: Market) -> None:
    await asyncio.gather(
        *(stamp(market, number, stream=f"desk:{1 + number % 3}") for number in range(1, 10))
    )

    assert [await numbers(f"desk:{n}") for n in (1, 2, 3)] == [
        [0, 3, 6, 9],
        [0, 1, 4, 7],
        [0, 2, 5, 8],
    ]
    assert len(Stamping.batches) == 1


async def test_one_desk_sees_what_another_did_before_it(market: Market) -> None:
    _, elsewhere, found, _, again = await asyncio.gather(
        stamp(market, 1), count(market, "desk:2"), count(market), stamp(market, 2), count(market)
    )

    assert (elsewhere, found, again) == (1, 2, 3)


async def test_a_refusal_leaves_nothing_and_is_refused_again(market: Market) -> None:
    command = a_command()

    found = await asyncio.gather(
        stamp(market, 1), stamp(market, -1, command), stamp(market, 2), return_exceptions=True
    )
    with pytest.raises(RecordedRefusal) as again:
        await stamp(market, -1, command)

    assert isinstance(found[1], Conflict)
    assert again.value.refusal_code == "conflict"
    assert await numbers() == [0, 1, 2]


async def test_a_command_sent_twice_at_once_is_carried_out_once(market: Market) -> None:
    command = a_command(1)

    first, second = await asyncio.gather(stamp(market, 1, command), stamp(market, 1, command))

    assert (first.replayed, second.replayed) == (False, True)
    assert first.answer == second.answer
    assert await numbers() == [0, 1]


async def test_another_process_answers_a_known_command_as_the_first_did(market: Market) -> None:
    commands = [a_command(number) for number in range(1, 4)]
    first = [await stamp(market, n, command) for n, command in enumerate(commands, start=1)]

    elsewhere = a_market()
    again = await asyncio.gather(
        *(stamp(elsewhere, n, command) for n, command in enumerate(commands, start=1)),
        stamp(elsewhere, 4),
    )
    with pytest.raises(CommandReused):
        await stamp(elsewhere, 9, Command.of(commands[0].id, "something else"))

    assert [one.answer for one in again[:3]] == [one.answer for one in first]
    assert [one.replayed for one in again] == [True, True, True, False]
    assert await numbers() == [0, 1, 2, 3, 4]


async def test_a_fault_in_one_act_harms_no_other(market: Market) -> None:
    found = await asyncio.gather(
        *(stamp(market, number) for number in range(1297, 1303)), return_exceptions=True
    )

    assert [isinstance(one, Exception) for one in found] == [n == 1300 for n in range(1297, 1303)]
    assert await numbers() == [0, 1297, 1298, 1299, 1301, 1302]


async def test_steps_and_desk_acts_of_a_stream_go_in_the_order_they_came(market: Market) -> None:
    async def step(unit: Unit) -> Answer:
        await unit.record("desk:1", Stamped(50))
        return {}

    await asyncio.gather(
        stamp(market, 1),
        market.perform(Actor.SYSTEM, "catalogue.define", step, stream="desk:1"),
        stamp(market, 2),
    )

    assert await numbers() == [0, 1, 50, 2]


async def test_a_stream_that_somebody_holds_delays_no_other(market: Market) -> None:
    async with market_orm.raw() as connection, connection.transaction():
        await connection.fetch("select 1 from stream_head where stream = 'desk:1' for update")
        held = asyncio.ensure_future(stamp(market, 1, stream="desk:1"))
        free = await asyncio.wait_for(stamp(market, 2, stream="desk:2"), 30)
        is_waiting = not held.done()

    assert is_waiting
    assert free.answer["seq"] == 2
    assert (await held).answer["seq"] == 2


async def test_a_lost_connection_is_taken_up_again_and_nothing_is_done_twice(
    market: Market,
) -> None:
    bidding = [asyncio.ensure_future(stamp(market, number)) for number in range(1, 200)]
    for _ in range(5):
        await asyncio.sleep(0.003)
        await Pool().rows(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where datname = current_database() and pid <> pg_backend_pid()"
        )
    found = await asyncio.gather(*bidding, return_exceptions=True)

    kept = await numbers()
    done = [n for n, one in enumerate(found, start=1) if isinstance(one, Outcome)]
    assert len(kept) == len(set(kept))
    assert set(done) <= set(kept)


@pytest.mark.usefixtures("eager")
async def test_who_comes_during_a_commit_is_decided_meanwhile_and_told_after_it(
    market: Market,
) -> None:
    await rise(market, 1)
    command = a_command(3)
    async with slow_disk():
        first = asyncio.ensure_future(rise(market, 2))
        await until(lambda: 2 in Rising.planned)
        later = [asyncio.ensure_future(rise(market, 3, command)) for _ in range(2)]
        later.append(asyncio.ensure_future(rise(market, 3)))
        await until(lambda: len(Rising.planned) == 4)
        told_early = [one for one in (first, *later) if one.done()]

    found = await asyncio.gather(first, *later, return_exceptions=True)

    assert told_early == []
    assert [one.replayed for one in found if isinstance(one, Outcome)] == [False, False, True]
    assert isinstance(found[3], Conflict)
    assert found[3].reason == "above 3"
    assert await numbers() == [0, 1, 2, 3]
    assert Stamping.batches == [1]


async def test_what_was_decided_on_a_commit_that_failed_is_decided_again(market: Market) -> None:
    elsewhere = a_market()
    await rise(market, 1)
    kept = dict(Rising.durable)
    await rise(elsewhere, 500)
    Rising.durable = kept

    # The first 256 are planned and refused; the others were decided on what they would have done.
    found = await asyncio.gather(
        *(rise(market, number) for number in range(300, 700)), return_exceptions=True
    )

    refused = [one.reason for one in found if isinstance(one, Conflict)]
    assert refused == ["above 500"] * 201
    assert await numbers() == [0, 1, *range(500, 700)]
    assert [one.answer["seq"] for one in found if isinstance(one, Outcome)] == list(range(4, 203))


@pytest.mark.usefixtures("eager")
async def test_a_connection_lost_under_a_commit_and_what_stood_on_it(market: Market) -> None:
    await rise(market, 1)
    async with slow_disk():
        first = asyncio.ensure_future(rise(market, 2))
        await until(lambda: 2 in Rising.planned)
        later = asyncio.ensure_future(rise(market, 3))
        await until(lambda: 3 in Rising.planned)
        ended: Sequence[object] = ()
        while not ended:
            ended = await Pool().rows(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where datname = current_database() and wait_event_type = 'Lock'"
            )

    assert [(await one).answer["number"] for one in (first, later)] == [2, 3]
    assert await numbers() == [0, 1, 2, 3]


@pytest.mark.parametrize("least_ahead", [1, 32])
async def test_an_act_for_locks_waits_for_what_is_under_way(
    market: Market, monkeypatch: pytest.MonkeyPatch, least_ahead: int
) -> None:
    monkeypatch.setattr(turnstile, "LEAST_AHEAD", least_ahead)
    await rise(market, 1)

    async def step(unit: Unit) -> Answer:
        await unit.record("desk:1", Stamped(50))
        return {}

    async with slow_disk():
        acts = [asyncio.ensure_future(rise(market, 2))]
        await until(lambda: 2 in Rising.planned)
        acts.append(
            asyncio.ensure_future(
                market.perform(Actor.SYSTEM, "catalogue.define", step, stream="desk:1")
            )
        )
        acts += [asyncio.ensure_future(one) for one in (rise(market, 60), stamp(market, 61))]
        acts.append(asyncio.ensure_future(stamp(market, 9, stream="desk:2")))
    await asyncio.gather(*acts)

    assert await numbers() == [0, 1, 2, 50, 60, 61]
    assert await numbers("desk:2") == [0, 9]


@pytest.mark.usefixtures("eager")
async def test_who_is_not_remembered_waits_and_spoils_no_plan(market: Market) -> None:
    await rise(market, 1)
    async with slow_disk():
        acts = [asyncio.ensure_future(rise(market, 2))]
        await until(lambda: 2 in Rising.planned)
        acts.append(asyncio.ensure_future(rise(market, 3)))
        await until(lambda: 3 in Rising.planned)
        acts.append(asyncio.ensure_future(stamp(market, 4)))
        acts.append(asyncio.ensure_future(stamp(market, 7, stream="desk:2", desk=Rising)))
        acts.append(asyncio.ensure_future(rise(market, 5)))
    await asyncio.gather(*acts)

    assert await numbers() == [0, 1, 2, 3, 4, 5]
    assert await numbers("desk:2") == [0, 7]


@pytest.mark.usefixtures("eager")
async def test_a_fault_in_what_follows_harms_nobody_else(market: Market) -> None:
    await rise(market, 1)
    async with slow_disk():
        acts = [asyncio.ensure_future(rise(market, 2))]
        await until(lambda: 2 in Rising.planned)
        acts += [asyncio.ensure_future(rise(market, n)) for n in (1299, 1300, 1301)]
        await until(lambda: 1300 in Rising.planned)
    found = await asyncio.gather(*acts, return_exceptions=True)

    assert [isinstance(one, ZeroDivisionError) for one in found] == [False, False, True, False]
    assert await numbers() == [0, 1, 2, 1299, 1301]
