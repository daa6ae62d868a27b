"""Bringing a file in, and taking it back: all of it or nothing, in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from aggregator.errors import Conflict, NotFound, TermOver, WrongState
from aggregator.importing.errors import ImportRefused, PreviewDiffers
from aggregator.importing.facts import FileImported, ImportWithdrawn
from aggregator.importing.kinds import Kind, RowRefused
from aggregator.importing.previewing import (
    Reading,
    digest_of,
    read,
    sha256,
    standing_import,
)
from aggregator.market import Actor, Answer, Command, Market, Outcome, Unit
from aggregator.refusals import refusal_code

STANDING, WITHDRAWN = "standing", "withdrawn"


def stream_of(import_id: str) -> str:
    return f"import:{import_id}"


async def bring_in(
    market: Market,
    actor: Actor,
    command: Command,
    kind: Kind,
    content: bytes,
    *,
    digest: str,
    ends_at: datetime,
) -> Outcome:
    """Make everything that a preview showed, as if it were typed by hand.

    Raises:
        InvalidField: the file as a whole cannot be read.
        TermOver: the preview has ended.
        PreviewDiffers: it showed something else.
        ImportRefused: something of it breaks a rule by now.
        Conflict: the same bytes stand imported already.

    """
    actor.require(kind.act)
    found = await read(actor, kind, content, market.clock.now())
    actual = await digest_of(actor, kind, content, found.items, ends_at)

    async def step(unit: Unit) -> Answer:
        if unit.now >= ends_at:
            raise TermOver(ends_at)
        _check(found)
        if actual != digest:
            raise PreviewDiffers(digest, actual)
        if await standing_import(actor, kind, content, unit):
            raise Conflict("already_imported")
        try:
            made = await kind.make(unit, found.items)
        except RowRefused as refused:
            reason = refusal_code(refused.refusal)
            raise ImportRefused(1, refused.row, "", reason) from None
        import_id = await _insert(unit, kind, content, made, rows=found.rows)
        return {
            "import_id": import_id,
            "state": STANDING,
            "made": len(made),
            "asked": sum(1 for id_ in made if id_.startswith("apr")),
        }

    return await market.perform(actor, kind.act, step, command=command)


async def withdraw(
    market: Market, actor: Actor, command: Command, kind: Kind, import_id: str
) -> Outcome:
    """Take back all that an import made, while nothing has come of it.

    Raises:
        NotFound: no such import of this kind of the actor's firm.
        WrongState: it is withdrawn, or something of it was sent, bought or approved.
        Conflict: lots of an offer were taken.

    """

    async def step(unit: Unit) -> Answer:
        row = await unit.row(
            "select state, made from import where id = $1 and organisation_id = $2 and kind = $3"
            " for update",
            import_id,
            actor.organisation_id,
            kind.name,
        )
        if row is None:
            raise NotFound("import")
        if row["state"] != STANDING:
            raise WrongState(row["state"], STANDING)
        await kind.undo(unit, row["made"])
        await unit.execute("update import set state = 'withdrawn' where id = $1", import_id)
        fact = ImportWithdrawn(import_id, actor.organisation_id)
        await unit.record(stream_of(import_id), fact)
        return {"import_id": import_id, "state": WITHDRAWN}

    return await market.perform(actor, kind.act, step, command=command)


def _check(found: Reading) -> None:
    if found.faults:
        first = found.faults[0]
        reason = refusal_code(first.refusal)
        raise ImportRefused(len(found.faults), first.row, first.column, reason)


async def _insert(unit: Unit, kind: Kind, content: bytes, made: Sequence[str], *, rows: int) -> str:
    import_id, firm = unit.new_id("imp"), unit.actor.organisation_id
    await unit.execute(
        "insert into import (id, organisation_id, person_id, kind, sha256, rows, made, state,"
        " imported_at) values ($1, $2, $3, $4, $5, $6, $7::text[], 'standing', $8)",
        import_id,
        firm,
        unit.actor.person_id,
        kind.name,
        sha256(content),
        rows,
        list(made),
        unit.now,
    )
    fact = FileImported(import_id, firm, kind.name, sha256(content), tuple(made))
    await unit.record(stream_of(import_id), fact)
    return import_id
