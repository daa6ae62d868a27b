"""The running marketplace: one way to act, and what every use case takes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from tortoise.transactions import in_transaction

from aggregator.db import walls
from aggregator.journal.reading import Pool, decoded
from aggregator.market.acts import Actor, Command, Outcome
from aggregator.market.desk import Desk
from aggregator.market.turnstile import Turnstile
from aggregator.market.unit import Means, Step, Unit
from aggregator.market.waiting import Waiting


@dataclass
class Market(Means):
    """What every use case takes: the means to act, and the way in."""

    _turnstile: Turnstile = field(init=False, repr=False)
    _under_way: int = field(init=False, repr=False, default=0)

    def __post_init__(self) -> None:
        self._turnstile = Turnstile(self)

    async def perform(
        self,
        actor: Actor,
        act: str,
        step: Step,
        *,
        command: Command | None = None,
        stream: str | None = None,
    ) -> Outcome:
        """Carry out one act, exactly once for its command id.

        Raises:
            NotAllowed: the actor's roles do not hold `act`.
            RuleViolation, MarketError: the step refused; nothing of it is left.
            CommandReused: the command id was used for something else.
            TryAgain: the database was busy, or the turnstile is full; nothing was done.

        """
        actor.require(act)
        done: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        waiting = Waiting(actor, command, stream or "", None, act, done, step)
        self._under_way += 1
        try:
            if stream is None:
                await self._turnstile.alone(waiting)
            else:
                self._turnstile.enter(stream, waiting)
            return await done
        finally:
            self._under_way -= 1

    async def perform_at(
        self,
        desk: type[Desk],
        actor: Actor,
        act: str,
        content: object,
        *,
        command: Command | None,
        stream: str,
    ) -> Outcome:
        """Carry out one act at a desk, in order with the other acts of its stream.

        It raises what `perform` raises.
        """
        actor.require(act)
        done: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        waiting = Waiting(actor, command, stream, content, act, done, None, desk)
        # No context manager: it takes many times as long, and every bid passes here.
        self._under_way += 1
        try:
            self._turnstile.enter(stream, waiting)
            return await done
        finally:
            self._under_way -= 1

    @property
    def is_acting(self) -> bool:
        """Whether somebody here waits for what will come of his act."""
        return self._under_way > 0

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Unit]:
        """Open a read-only unit: several reads that agree with each other, behind the wall."""
        viewer = walls.viewer()
        async with in_transaction("default") as connection:
            unit = Unit(self, Actor.SYSTEM, self.clock.now(), connection)
            await unit.execute("set transaction isolation level repeatable read, read only")
            if viewer is not None:
                await connection.execute_script(viewer.settings)
            with walls.behind(None):
                yield unit

    async def outcome_of(self, actor: Actor, command_id: str) -> Mapping[str, Any] | None:
        """Return what became of a command of the actor's organisation, or None."""
        found = await Pool().rows(
            "select id, act, outcome, answer, at from command"
            " where organisation_id = $1 and id = $2",
            actor.organisation_id,
            command_id,
        )
        return {**found[0], "answer": decoded(found[0]["answer"])} if found else None
