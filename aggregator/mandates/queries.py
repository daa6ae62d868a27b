"""Reading one's own firm's policies, mandates and approvals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from aggregator.errors import NotFound
from aggregator.journal.reading import Pool
from aggregator.mandates import secrecy
from aggregator.market import Actor
from aggregator.parties.permissions import APPROVER, FINANCE, OWNER
from aggregator.parties.support import is_let_in

_SEES_ALL = frozenset({OWNER, APPROVER, FINANCE})
# What only the firm's own people read, of a policy, a mandate and a request.
_FIGURES = (
    *("limit_minor", "index_bps", "max_lots", "per_act_minor", "total_minor", "used_minor"),
    *("reserve_minor", "left_minor", "amount_minor", "terms", "note", "outcome"),
    *("free_up_to_minor", "counterparties"),
)

_MANDATES = """
select m.id as mandate_id, m.person_id, p.name as person, m.acts, m.instruments, m.limit_minor,
  m.index_bps, m.max_lots, m.per_act_minor, m.total_minor, m.used_minor, m.reserve_minor,
  m.left_minor, m.currency, m.state, m.granted_at, m.ends_at
from mandate m join person p on p.id = m.person_id
where m.organisation_id = $1 and ($2::text is null or m.person_id = $2)
order by m.state in ('open', 'unfunded') desc, m.granted_at desc, m.id limit 200
"""

_APPROVALS = """
select a.id as approval_id, a.asked_by, p.name as asked_by_name, a.act, a.subject, a.terms,
  encode(a.fingerprint, 'hex') as fingerprint, a.amount_minor, a.currency, a.note, a.chain,
  a.step, a.state, a.asked_at, a.ends_at, a.executed_at, a.outcome
from approval a join person p on p.id = a.asked_by
where a.organisation_id = $1 and ($2::text is null or a.asked_by = $2)
  and ($3::text is null or a.id = $3)
order by a.state = 'waiting' desc, a.asked_at desc, a.id limit 200
"""

_SUBSTITUTES = """
select s.person_id, p.name as person, s.substitute_id, q.name as substitute, s.begins_at,
  s.ends_at, s.begins_at <= $3 as is_in_force
from mandate_substitute s join person p on p.id = s.person_id
  join person q on q.id = s.substitute_id
where s.organisation_id = $1 and s.ends_at > $3
  and ($2::text is null or $2 in (s.person_id, s.substitute_id))
order by s.begins_at, s.person_id, s.substitute_id limit 200
"""


async def policies(actor: Actor) -> Sequence[Mapping[str, Any]]:
    """Return the firm's policies by act."""
    found = await Pool().rows(
        "select act, free_up_to_minor, index_bps, counterparties, chain, valid_hours, set_at"
        " from mandate_policy where organisation_id = $1 order by act",
        actor.organisation_id,
    )
    return [_without_figures(row) if is_let_in(actor) else dict(row) for row in found]


async def mandates(actor: Actor) -> Sequence[Mapping[str, Any]]:
    """Return the firm's mandates to who decides, and his own to anybody else."""
    found = await Pool().rows(_MANDATES, actor.organisation_id, _own(actor))
    return [_without_figures(row) if is_let_in(actor) else dict(row) for row in found]


async def approvals(actor: Actor, now: datetime) -> Sequence[Mapping[str, Any]]:
    """Return the firm's requests to who decides at `now`, and his own to anybody else."""
    found = await Pool().rows(_APPROVALS, actor.organisation_id, None, None)
    substitute = await _is_substitute(actor, now)
    return [_shown(actor, row) for row in found if substitute or _is_concerned(actor, row)]


async def approval(actor: Actor, now: datetime, approval_id: str) -> Mapping[str, Any]:
    """Return one request with what was decided of it, or raise NotFound."""
    found = await Pool().rows(_APPROVALS, actor.organisation_id, None, approval_id)
    if not found or not (_is_concerned(actor, found[0]) or await _is_substitute(actor, now)):
        raise NotFound("approval")
    decisions = await Pool().rows(
        "select d.step, d.person_id, p.name as person, d.on_behalf_of, d.verdict, d.reason, d.at"
        " from approval_decision d join person p on p.id = d.person_id"
        " where d.approval_id = $1 order by d.step",
        approval_id,
    )
    if is_let_in(actor):
        decisions = [{**row, "reason": ""} for row in decisions]
    return {**_shown(actor, found[0]), "decisions": [dict(row) for row in decisions]}


async def substitutes(actor: Actor, now: datetime) -> Sequence[Mapping[str, Any]]:
    """Return who decides in whose place now or later: all to an owner, else one's own."""
    own = None if OWNER in actor.roles else actor.person_id
    found = await Pool().rows(_SUBSTITUTES, actor.organisation_id, own, now)
    return [dict(row) for row in found]


def _own(actor: Actor) -> str | None:
    return None if _sees_all(actor) else actor.person_id


def _sees_all(actor: Actor) -> bool:
    return bool(_SEES_ALL & actor.roles) or is_let_in(actor)


def _is_concerned(actor: Actor, row: Mapping[str, Any]) -> bool:
    """Say whether he has a say in all requests, asked for this one, or is named in its chain."""
    is_named = f"person:{actor.person_id}" in row["chain"]
    return _sees_all(actor) or row["asked_by"] == actor.person_id or is_named


async def _is_substitute(actor: Actor, now: datetime) -> bool:
    return bool(
        await Pool().rows(
            "select 1 as one from mandate_substitute where organisation_id = $1"
            " and substitute_id = $2 and begins_at <= $3 and ends_at > $3 limit 1",
            actor.organisation_id,
            actor.person_id,
            now,
        )
    )


def _shown(actor: Actor, row: Mapping[str, Any]) -> dict[str, Any]:
    return _without_figures(row) if is_let_in(actor) else secrecy.readable(row)


def _without_figures(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: None if name in _FIGURES else value for name, value in row.items()}
