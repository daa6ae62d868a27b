"""Who is in a firm: roles that change, and the leaver, whose access ends everywhere at once."""

from __future__ import annotations

from aggregator.errors import Conflict, InvalidField, NotFound
from aggregator.market import Actor, Answer, Command, Market, Outcome, Unit
from aggregator.parties import consents
from aggregator.parties.facts import InvitationEnded, PersonLeft, RolesChanged, SessionsEnded
from aggregator.parties.permissions import MARKET_ROLES, OPERATOR, OWNER
from aggregator.parties.registering import check_roles, stream_of


async def set_roles(
    market: Market, actor: Actor, command: Command, person_id: str, roles: tuple[str, ...]
) -> Outcome:
    """Give a colleague other roles; his open sockets follow within two seconds.

    Raises:
        NotFound: no such person in the firm.
        InvalidField: unknown roles, or roles that exclude each other.
        Conflict: the firm would be without an owner, the market with one operator only, or it is a
            market role that he has not, which takes two persons.

    """
    check_roles(roles)

    async def step(unit: Unit) -> Answer:
        firm = actor.organisation_id
        await check_joining(unit, firm, roles)
        before, held = await _member(unit, firm, person_id), tuple(sorted(set(roles)))
        if MARKET_ROLES & set(held) - before:
            raise Conflict("desk_by_two")
        await unit.execute(
            "update membership set roles = $3::text[] where person_id = $1"
            " and organisation_id = $2",
            person_id,
            firm,
            list(held),
        )
        await _require_owner(unit, firm)
        await _require_operators(unit, before - set(held))
        await _end_support(unit, person_id)
        if OWNER not in held:
            await _end_invitations(unit, firm, person_id)
        await unit.record(stream_of(firm), RolesChanged(firm, person_id, held))
        changed(unit, firm)
        return {"person_id": person_id, "roles": list(held)}

    return await market.perform(
        actor, "people.manage", step, command=command, stream=stream_of(actor.organisation_id)
    )


async def leave(market: Market, actor: Actor, command: Command, person_id: str) -> Outcome:
    """End a person's access to the firm: membership, sessions, tokens, links, mandates.

    Raises:
        NotFound: no such person in the firm.
        Conflict: the firm would be without an owner, or the market with one operator only.

    """

    async def step(unit: Unit) -> Answer:
        firm = actor.organisation_id
        before = await _member(unit, firm, person_id)
        await unit.execute(
            "delete from membership where person_id = $1 and organisation_id = $2", person_id, firm
        )
        await _require_owner(unit, firm)
        await _require_operators(unit, before)
        await unit.execute(
            "update session set revoked_at = $3 where person_id = $1 and organisation_id = $2"
            " and revoked_at is null",
            person_id,
            firm,
            unit.now,
        )
        await _end_support(unit, person_id)
        await _end_invitations(unit, firm, person_id)
        await unit.record(stream_of(firm), PersonLeft(firm, person_id))
        changed(unit, firm)
        return {"person_id": person_id}

    return await market.perform(
        actor, "people.manage", step, command=command, stream=stream_of(actor.organisation_id)
    )


def changed(unit: Unit, organisation_id: str) -> None:
    """Let every open socket of the firm look again whom it serves, after commit."""
    unit.woken.add(f"session:{organisation_id}")


async def check_joining(unit: Unit, organisation_id: str, roles: tuple[str, ...]) -> None:
    """Refuse market roles in a firm, and a firm's roles at the market."""
    row = await unit.row("select kind from organisation where id = $1", organisation_id)
    if row is None:
        raise NotFound("organisation")
    if bool(MARKET_ROLES & set(roles)) != (row["kind"] in MARKET_ROLES):
        raise InvalidField("/roles", "market roles belong to the operator and auditor only")


async def require_outsider(unit: Unit, *organisation_ids: str) -> None:
    """Refuse who is in one of the firms, or in a sister of one, what the market decides of them.

    Raises:
        Conflict: another person of the market has to do it.

    """
    found = await unit.row(
        "select 1 from membership m join organisation o on o.id = m.organisation_id"
        " where m.person_id = $1 and o.owner_group in"
        " (select owner_group from organisation where id = any($2::text[])) limit 1",
        unit.actor.person_id,
        list(organisation_ids),
    )
    if found is not None:
        raise Conflict("own_matter")


async def operators(unit: Unit) -> int:
    row = await unit.row(
        "select count(distinct person_id) as n from membership where $1 = any(roles)", OPERATOR
    )
    return int(row["n"]) if row else 0


async def _member(unit: Unit, organisation_id: str, person_id: str) -> frozenset[str]:
    row = await unit.row(
        "select roles from membership where person_id = $1 and organisation_id = $2 for update",
        person_id,
        organisation_id,
    )
    if row is None:
        raise NotFound("person")
    return frozenset(row["roles"])


async def _end_support(unit: Unit, person_id: str) -> None:
    """Put out of the firms that let him in whoever is the market's operator no longer."""
    ended = await unit.rows(
        "update session set revoked_at = $2 where person_id = $1 and revoked_at is null"
        " and support_grant_id is not null and not exists (select from membership m"
        " where m.person_id = $1 and $3 = any(m.roles)) returning organisation_id",
        person_id,
        unit.now,
        OPERATOR,
    )
    for firm in sorted({row["organisation_id"] for row in ended}):
        await unit.record(stream_of(firm), SessionsEnded(firm, person_id, "left"))
        changed(unit, firm)


async def _end_invitations(unit: Unit, firm: str, person_id: str) -> None:
    """Take back the links of who may invite no longer, by which he could come in again."""
    ended = await unit.rows(
        "update invitation set ended_at = $3 where organisation_id = $1 and invited_by = $2"
        " and ended_at is null returning id",
        firm,
        person_id,
        unit.now,
    )
    for invitation_id in sorted(row["id"] for row in ended):
        await unit.record(stream_of(firm), InvitationEnded(firm, invitation_id, None))


async def _require_operators(unit: Unit, lost: frozenset[str]) -> None:
    """Refuse to leave the market to one operator, who would then choose the second one alone."""
    if OPERATOR in lost and await operators(unit) < consents.PERSONS:
        raise Conflict("last_operators")


async def _require_owner(unit: Unit, organisation_id: str) -> None:
    """Refuse to leave a firm without an owner that had one."""
    row = await unit.row(
        "select o.kind, exists (select 1 from membership m where m.organisation_id = o.id"
        " and m.roles && $2::text[]) as owned from organisation o where o.id = $1",
        organisation_id,
        [OWNER, *sorted(MARKET_ROLES)],
    )
    if row is not None and not row["owned"]:
        raise Conflict("last_owner")
