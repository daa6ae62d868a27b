"""To whom an offer that is not public is shown: groups of counterparties, a tier, a class.

A firm puts only firms into its groups that it has a deal with, so that a group tells nobody who
else is in the market. Who is in a group sees the offers that are shown to it, and neither its name
nor who else is in it. Who is taken out sees them no longer, and so does whose tier drops below the
one that an offer is for. A class is an industry, a size by the rulebook, or both; a firm's size is
its usual month, declared or traded, and the band is frozen with the offer. What an offer counts
for at a close does not depend on who sees it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aggregator.deals.access import check_counterparty
from aggregator.errors import Conflict, InvalidField, NotFound
from aggregator.journal.reading import Pool
from aggregator.market import Actor, Answer, Command, Market, Outcome, Unit
from aggregator.parties.names import checked_name
from aggregator.parties.registering import FIRMS, stream_of
from aggregator.standing.privileges import rulebook, tier_names
from aggregator.supply.facts import GroupSet

ACT = "supply.offer"
MAX_GROUPS, MAX_MEMBERS = 50, 200


async def set_group(
    market: Market, actor: Actor, command: Command, *, called: str, members: Sequence[str]
) -> Outcome:
    """Say who is in a group of the actor's firm from now on; a new name makes a new group.

    Raises:
        InvalidField: the name breaks its rule, or there are too many members.
        NotFound: one of them is no firm that the actor's has a deal with.
        Conflict: the firm has too many groups.

    """
    actor.require(ACT)
    name, firm = checked_name(called, "/name"), actor.organisation_id
    wanted = sorted(set(members))
    if len(wanted) > MAX_MEMBERS:
        raise InvalidField("/members", f"at most {MAX_MEMBERS} firms", len(wanted))
    for member in wanted:
        await check_counterparty(actor, member)

    async def step(unit: Unit) -> Answer:
        row = await unit.row(
            "select id from counterparty_group where organisation_id = $1 and name = $2",
            firm,
            name,
        )
        group_id = str(row["id"]) if row else await _new(unit, name)
        await unit.execute("delete from counterparty where group_id = $1", group_id)
        for member in wanted:
            await unit.execute(
                "insert into counterparty (group_id, owner_id, organisation_id)"
                " values ($1, $2, $3)",
                group_id,
                firm,
                member,
            )
        await unit.record(stream_of(firm), GroupSet(firm, group_id, tuple(wanted)))
        return {"group_id": group_id, "name": name, "members": len(wanted)}

    return await market.perform(actor, ACT, step, command=command, stream=stream_of(firm))


async def show_to(unit: Unit, offer_id: str, groups: Sequence[str]) -> None:
    """Show an offer of the actor's firm to groups of its own.

    Raises:
        NotFound: no such group of the firm.

    """
    for group_id in sorted(set(groups)):
        noted = await unit.row(
            "insert into offer_audience (offer_id, group_id, seller_id)"
            " select $1, id, organisation_id from counterparty_group"
            " where id = $2 and organisation_id = $3 returning offer_id",
            offer_id,
            group_id,
            unit.actor.organisation_id,
        )
        if noted is None:
            raise NotFound("group")


async def tier_number(unit: Unit, name: str) -> int:
    """Return the number of a tier that some firms have not reached.

    Raises:
        InvalidField: no such tier is in force, or it is the first one, which everybody has.

    """
    names = await tier_names(unit.now, unit)
    if name not in names[1:]:
        raise InvalidField("/from_tier", "a tier above the first", name)
    return names.index(name)


def checked_kind(kind: str | None) -> str | None:
    """Return an industry that firms are of.

    Raises:
        InvalidField: it is none.

    """
    if kind is not None and kind not in FIRMS:
        raise InvalidField("/for_kind", f"one of {', '.join(FIRMS)}", kind)
    return kind


async def size_band(unit: Unit, name: str | None) -> tuple[int | None, int | None]:
    """Return the usual months, from and to, of a class of size; the largest has no end.

    Raises:
        InvalidField: no such class is in force.

    """
    if name is None:
        return None, None
    least = 0
    for size in (await rulebook(unit.now, unit)).sizes:
        if size.name == name:
            return least, size.most_monthly_lots
        least = (size.most_monthly_lots or 0) + 1
    raise InvalidField("/for_size", "a class of size that is in force", name)


async def groups(actor: Actor) -> Sequence[Mapping[str, Any]]:
    """Return the firm's groups with their members, by name."""
    found = await Pool().rows(
        "select g.id as group_id, g.name, coalesce(array_agg(c.organisation_id order by"
        " c.organisation_id) filter (where c.organisation_id is not null), '{}') as members"
        " from counterparty_group g left join counterparty c on c.group_id = g.id"
        " where g.organisation_id = $1 group by g.id, g.name order by g.name",
        actor.organisation_id,
    )
    return [{**row, "members": list(row["members"])} for row in found]


async def shown_to(actor: Actor) -> Mapping[str, Sequence[str]]:
    """Return the names of the groups that each of the firm's own offers is shown to."""
    found = await Pool().rows(
        "select a.offer_id, array_agg(g.name order by g.name) as names from offer_audience a"
        " join counterparty_group g on g.id = a.group_id where a.seller_id = $1"
        " group by a.offer_id",
        actor.organisation_id,
    )
    return {row["offer_id"]: list(row["names"]) for row in found}


async def counterparties(actor: Actor) -> Sequence[Mapping[str, Any]]:
    """Return the firms that the actor's firm has a deal with, by name."""
    found = await Pool().rows(
        "select o.id as organisation_id, o.name, o.name_en from organisation o"
        " where o.id in (select case when d.buyer_id = $1 then d.seller_id else d.buyer_id end"
        " from deal d where $1 in (d.buyer_id, d.seller_id)) order by o.name, o.id limit 1000",
        actor.organisation_id,
    )
    return [dict(row) for row in found]


async def _new(unit: Unit, name: str) -> str:
    firm, group_id = unit.actor.organisation_id, unit.new_id("grp")
    row = await unit.row(
        "select count(*) as n from counterparty_group where organisation_id = $1", firm
    )
    if row and row["n"] >= MAX_GROUPS:
        raise Conflict("too_many_groups")
    await unit.execute(
        "insert into counterparty_group (id, organisation_id, name, set_at)"
        " values ($1, $2, $3, $4)",
        group_id,
        firm,
        name,
        unit.now,
    )
    return group_id
