"""What each person wants to be told in which way: on the pages, by mail, or neither."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from aggregator.errors import InvalidField
from aggregator.journal.reading import Pool
from aggregator.market import Actor, Answer, Command, Market, Outcome, Unit
from aggregator.notices.kinds import KINDS, Kind, hidden_from

ACT = "notices.choose"
GATHER = "notices.gather"
GATHERED_FOR = timedelta(seconds=20)
"""What belongs together is told within moments: the close, the award, the deal."""


@dataclass(frozen=True, slots=True)
class Choice:
    kind: str
    in_app: bool
    by_mail: bool


async def choose(
    market: Market, actor: Actor, command: Command, choices: Sequence[Choice]
) -> Outcome:
    """Choose for these kinds, in the firm that one is signed in for; the others stay.

    Raises:
        InvalidField: no kind of notice, one twice, one that binds the firm taken off the pages, or
            an urgent one that is not to be mailed.

    """
    hidden = hidden_from(actor.grants)
    for place, choice in enumerate(choices):
        kind = KINDS.get(choice.kind)
        if kind is None or kind.name in hidden:
            raise InvalidField(f"/kinds/{place}/kind", "kinds of notices", choice.kind[:60])
        if kind.binds and not choice.in_app:
            raise InvalidField(f"/kinds/{place}/in_app", "what binds the firm stays on the pages")
        if kind.is_urgent and not choice.by_mail:
            raise InvalidField(f"/kinds/{place}/by_mail", "who comes into the firm is told to all")
    if len({choice.kind for choice in choices}) != len(choices):
        raise InvalidField("/kinds", "each kind once")

    async def step(unit: Unit) -> Answer:
        await unit.execute(
            _CHOOSE,
            actor.person_id,
            actor.organisation_id,
            [choice.kind for choice in choices],
            [choice.in_app for choice in choices],
            [choice.by_mail for choice in choices],
        )
        return {"kinds": len(choices)}

    return await market.perform(actor, ACT, step, command=command)


async def choices(actor: Actor) -> Sequence[Mapping[str, Any]]:
    """Return every kind that the actor may read, with what he chose or what holds without."""
    rows = await Pool().rows(
        "select kind, in_app, by_mail from notice_choice"
        " where person_id = $1 and organisation_id = $2",
        actor.person_id,
        actor.organisation_id,
    )
    chosen = {row["kind"]: row for row in rows}
    hidden = hidden_from(actor.grants)
    return [
        _shown(kind, chosen.get(name), actor) for name, kind in KINDS.items() if name not in hidden
    ]


async def unseen(actor: Actor) -> frozenset[str]:
    """Return the kinds that the actor is not shown: what he may not read or chose not to."""
    rows = await Pool().rows(
        "select kind from notice_choice"
        " where person_id = $1 and organisation_id = $2 and not in_app",
        actor.person_id,
        actor.organisation_id,
    )
    return hidden_from(actor.grants) | {row["kind"] for row in rows}


def _shown(kind: Kind, chosen: Mapping[str, Any] | None, actor: Actor) -> Mapping[str, Any]:
    return {
        "kind": kind.name,
        "group": kind.group,
        "binds": kind.binds,
        "in_app": kind.binds or chosen is None or chosen["in_app"],
        "by_mail": bool(kind.mailed_to & actor.roles) if chosen is None else chosen["by_mail"],
    }


_CHOOSE = """
insert into notice_choice (person_id, organisation_id, kind, in_app, by_mail)
select $1, $2, c.kind, c.in_app, c.by_mail
from unnest($3::text[], $4::boolean[], $5::boolean[]) as c (kind, in_app, by_mail)
on conflict (person_id, organisation_id, kind)
do update set in_app = excluded.in_app, by_mail = excluded.by_mail
"""
