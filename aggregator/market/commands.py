"""Command ids: what each was answered the first time, read and written for many at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from aggregator.db.calls import Call, documents, micros, numbers, texts
from aggregator.errors import CommandReused, RecordedRefusal
from aggregator.journal.facts import json_text
from aggregator.journal.reading import decoded
from aggregator.market.acts import Actor, Answer, Command, Outcome
from aggregator.refusals import Refusal
from matching.values import value

DONE, REFUSED = "done", "refused"
Key = tuple[str, str]
MAX_RECENT = 10_000


class Database(Protocol):
    async def rows(self, sql: str, *args: object) -> Sequence[Mapping[str, Any]]: ...


@value
class Answered:
    """What a command was answered, as its row keeps it.

    `answer` is JSON: of the thousands that are kept few are asked for again, and one text is
    sooner made, kept and thrown away than all the values that it tells.
    """

    key: Key
    act: str
    fingerprint: bytes
    outcome: str
    answer: str
    at: datetime
    person_id: str = ""

    def again(self, command: Command) -> Outcome | Refusal:
        """Return the answer once more, or the refusal to give it for another content."""
        if self.fingerprint != command.fingerprint:
            return CommandReused(command.id)
        answer: Answer = decoded(self.answer)
        if self.outcome == DONE:
            return Outcome(answer, replayed=True)
        return RecordedRefusal(answer["code"], answer["figures"])


class Recent:
    """The latest answers of this process that are durable: one to two times `MAX_RECENT`."""

    def __init__(self) -> None:
        self._latest: dict[Key, Answered] = {}
        self._earlier: dict[Key, Answered] = {}

    def get(self, key: Key) -> Answered | None:
        return self._latest.get(key) or self._earlier.get(key)

    def keep(self, made: Mapping[Key, Answered]) -> None:
        if len(self._latest) >= MAX_RECENT:
            self._latest, self._earlier = {}, self._latest
        self._latest.update(made)


class Book:
    """The commands of one transaction: those known before, and those answered in it."""

    def __init__(self, database: Database, recent: Recent, before: Book | None = None) -> None:
        """Begin a book; `before` is that of the transaction under way, which goes first."""
        self._database = database
        self._recent = recent
        self._before = {} if before is None else before._known
        self._known: dict[Key, Answered] = {}
        self.new: dict[Key, Answered] = {}

    async def read(self, asked: Iterable[tuple[Actor, Command | None]]) -> None:
        """Read what is known of the commands, in one statement."""
        keys = [(actor.organisation_id, command.id) for actor, command in asked if command]
        if not keys:
            return
        found = await self._rows_of(keys)
        for row in found:
            known = Answered(
                key=(row["organisation_id"], row["id"]),
                act=row["act"],
                fingerprint=bytes(row["fingerprint"]),
                outcome=row["outcome"],
                answer=json_text(decoded(row["answer"])),
                at=row["at"],
            )
            self._known[known.key] = known

    async def _rows_of(self, keys: Sequence[Key]) -> Sequence[Mapping[str, Any]]:
        names = "c.organisation_id, c.id, c.act, c.fingerprint, c.outcome, c.answer, c.at"
        if len(keys) == 1:
            # Found by its key whatever the planner believes of a table that was small.
            return await self._database.rows(
                f"select {names} from command c where organisation_id = $1 and id = $2", *keys[0]
            )
        return await self._database.rows(
            f"select {names} from unnest($1::text[], $2::text[]) as t (organisation_id, id)"
            " join command c on c.organisation_id = t.organisation_id and c.id = t.id",
            [key[0] for key in keys],
            [key[1] for key in keys],
        )

    def known(self, actor: Actor, command: Command | None) -> Outcome | Refusal | None:
        """Return what the command was answered before, or None."""
        if command is None:
            return None
        key = (actor.organisation_id, command.id)
        found = self._known.get(key) or self._before.get(key) or self._recent.get(key)
        return found.again(command) if found else None

    def keep(self, made: Answered) -> None:
        """Note an answer; the call of `noted` writes it."""
        self._known[made.key] = self.new[made.key] = made

    def noted(self) -> list[Call]:
        """Return the call that writes the answers noted, if any."""
        made = self.new.values()
        if not made:
            return []
        return [
            (
                "command_append",
                texts([one.key[0] for one in made]),
                texts([one.key[1] for one in made]),
                texts([one.act for one in made]),
                texts([one.outcome for one in made]),
                numbers([micros(one.at) for one in made]),
                texts([one.person_id for one in made]),
                b"".join([one.fingerprint for one in made]),
                documents([one.answer.encode() for one in made]),
            )
        ]
