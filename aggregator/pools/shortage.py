"""The supplier of a pool cannot deliver all: members are reduced, the price stays.

Firm lots are what a member must have, tolerance what he would take more: what it had added
gives way first, pro rata to it, so that nobody lacks firm lots while another keeps more than
his. Then firm lots are cut pro rata to firm lots; largest remainder, ties to who came earlier.
The price is the break that was earned.
"""

from __future__ import annotations

from collections.abc import Sequence

from aggregator.deals import store as deals
from aggregator.deals.reducing import reduce_within
from aggregator.deals.stages import CANCELLED, DEFAULTED, FUNDED, LAPSED
from aggregator.errors import InvalidField, NotFound, WrongState
from aggregator.journal.reading import Pool
from aggregator.market import Actor, Answer, Command, Market, Outcome, Unit
from aggregator.pools import store, substituting
from aggregator.pools.facts import GroupMember, ShortfallDeclared
from aggregator.pools.store import PledgeRow
from matching.pools.sharing import reduced_to

ACT = "pools.shortfall"
_ENDED = (LAPSED, CANCELLED, DEFAULTED)


async def declare(
    market: Market,
    actor: Actor,
    command: Command,
    pool_id: str,
    lots: int,
    *,
    number: int | None = None,
) -> Outcome:
    """Say before anything is shipped that only `lots` will be delivered to a pool's group.

    `number` names the group where the supplier has several.

    Raises:
        NotFound: the actor's firm supplies no such group.
        WrongState: a member's deal is not paid yet, or is on its way; or lots that one left
            unpaid are on offer to another.
        Conflict: a shortfall was declared before.
        InvalidField: not fewer lots than were sold, or too few for every member to have one.

    """

    async def step(unit: Unit) -> Answer:
        await store.locked(unit, pool_id)
        group = await _own_group(unit, pool_id, number)
        members = await _buying(unit, pool_id, group)
        sold = sum(_awarded(member) for member in members)
        if not 1 <= lots < sold:
            raise InvalidField("/lots", f"1 to {sold - 1} lots, fewer than were sold", lots)
        shares = divided(members, lots)
        if min(shares) < 1:
            raise InvalidField("/lots", "at least one lot for each member", lots)
        told = []
        for member, share in zip(members, shares, strict=True):
            assert member.deal_id is not None
            if share < _awarded(member):
                await reduce_within(unit, member.deal_id, share)
                told.append(GroupMember(member.id, member.organisation_id, share))
        fact = ShortfallDeclared(pool_id, group, actor.organisation_id, lots, sold, tuple(told))
        await unit.record(store.stream_of(pool_id), fact)
        return {"pool_id": pool_id, "number": group, "lots": lots, "sold_lots": sold}

    actor.require(ACT)
    await store.load(Pool(), pool_id)
    stream = store.stream_of(pool_id)
    return await market.perform(actor, ACT, step, command=command, stream=stream)


def divided(members: Sequence[PledgeRow], lots: int) -> list[int]:
    """Return what each member gets of a delivery that falls short, in order of arrival."""
    firm = [min(member.lots, _awarded(member)) for member in members]
    if lots < sum(firm):
        return reduced_to(firm, lots)
    more = [_awarded(member) - own for member, own in zip(members, firm, strict=True)]
    rest = reduced_to(more, lots - sum(firm))
    return [own + extra for own, extra in zip(firm, rest, strict=True)]


async def _own_group(unit: Unit, pool_id: str, number: int | None) -> int:
    found = await unit.rows(
        "select number from pool_group where pool_id = $1 and seller_id = $2"
        " and ($3::int is null or number = $3) order by number",
        pool_id,
        unit.actor.organisation_id,
        number,
    )
    if not found:
        raise NotFound("group")
    if len(found) > 1:
        raise InvalidField("/number", "names one of your groups", len(found))
    return int(found[0]["number"])


async def _buying(unit: Unit, pool_id: str, number: int) -> list[PledgeRow]:
    """Return the members whose deals stand and wait for shipping.

    Raises:
        WrongState: a deal is not paid yet, or is on its way; or none stands; or who takes freed
            lots is not known yet.

    """
    if await substituting.is_open(unit, pool_id, number):
        raise WrongState("offered", FUNDED)
    buying = []
    for member in await store.pledges(unit, pool_id, "awarded"):
        if member.group_number != number:
            continue
        assert member.deal_id is not None
        state = (await deals.load(unit, member.deal_id)).state
        if state in _ENDED:
            continue
        if state != FUNDED:
            raise WrongState(state, FUNDED)
        buying.append(member)
    if not buying:
        raise WrongState(LAPSED, FUNDED)
    return buying


def _awarded(member: PledgeRow) -> int:
    assert member.awarded_lots is not None
    return member.awarded_lots
