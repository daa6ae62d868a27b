"""Acts on their way through the turnstile, and what is noted of their answers."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from aggregator.journal.facts import json_text
from aggregator.market import commands
from aggregator.market.acts import Answer, Outcome
from aggregator.market.desk import Asked, Desk
from aggregator.market.points import passing
from aggregator.market.unit import Means, Step, Unit
from aggregator.refusals import Refusal, plain_figures, refusal_code


@dataclass(slots=True, eq=False)
class Waiting(Asked):
    """An act on its way through: with a step of its own, or asked of a desk."""

    act: str
    done: asyncio.Future[Outcome]
    step: Step | None = None
    desk: type[Desk] | None = None

    def fail(self, error: BaseException) -> None:
        if not self.done.done():
            self.done.set_exception(error)

    def settle(self, result: Outcome | Refusal) -> None:
        if self.done.done():
            return
        if isinstance(result, Outcome):
            self.done.set_result(result)
        else:
            self.done.set_exception(result)


Settled = list[tuple[Waiting, Outcome | Refusal]]


async def tell(market: Means, settled: Settled, woken: set[str]) -> None:
    """Wake who watches, then answer: what came of these acts is durable."""
    if woken:
        await market.bus.wake(sorted(woken))
    passing("woken")
    for waiting, result in settled:
        waiting.settle(result)


def keep_refusal(unit: Unit, book: commands.Book, waiting: Waiting, refusal: Refusal) -> None:
    answer = {"code": refusal_code(refusal), "figures": plain_figures(refusal)}
    keep_answer(unit, book, waiting, commands.REFUSED, answer)


def keep_answer(
    unit: Unit, book: commands.Book, waiting: Waiting, outcome: str, answer: Answer
) -> None:
    command = waiting.command
    if command is None:
        return
    key = (waiting.actor.organisation_id, command.id)
    made = commands.Answered(
        key,
        waiting.act,
        command.fingerprint,
        outcome,
        json_text(answer),
        unit.now,
        waiting.actor.person_id,
    )
    book.keep(made)
