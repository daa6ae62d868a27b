"""The supplier of a pool cannot deliver all: members are reduced, the price stays.

Firm lots are what a member must have, tolerance what he would take more: what it had added
gives way first, pro rata to it, so that nobody lacks firm lots while another keeps more than
his. Then firm lots are cut pro rata to firm lots; largest remainder, ties to who came earlier.
The price is the break that was earned.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aggregator.deals import store as deals
from aggregator.deals.reducing import lots_to_ship, reduce_within
from aggregator.deals.stages import CANCELLED, DEFAULTED, FUNDED, LAPSED
from aggregator.errors import InvalidField, NotFound, WrongState
from aggregator.journal.reading import Pool
from aggregator.market import Actor, Answer, Command, Market, Outcome, Unit
from aggregator.pools import store, substituting
from aggregator.pools.facts import GroupMember, ShortfallDeclared
from aggregator.pools.sight import check_seen
from aggregator.pools.store import PledgeRow
from matching.money import Rounding, scaled
from matching.pools.sharing import reduced_to

ACT = "pools.shortfall"
_ENDED = (LAPSED, CANCELLED, DEFAULTED)


@dataclass(frozen=True, slots=True)
class Bought:
    """What a member buys of one supplier, and how many lots of others besides."""

    pledge: PledgeRow
    deal_id: str
    lots: int
    elsewhere_lots: int

    @property
    def firm_lots(self) -> int:
        """His firm lots; of several suppliers' the part that this one has of all his lots."""
        awarded = self.pledge.awarded_lots
        assert awarded is not None
        return scaled(min(self.pledge.lots, awarded), self.lots, awarded, Rounding.UP)


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
        InsufficientFunds: a deal's deposit is not complete, and the actor's firm has not the rest.

    """

    async def step(unit: Unit) -> Answer:
        await store.locked(unit, pool_id)
        group = await _own_group(unit, pool_id, number)
        bought = await _buying(unit, pool_id, group)
        sold = sum(part.lots for part in bought)
        if not 1 <= lots < sold:
            raise InvalidField("/lots", f"1 to {sold - 1} lots, fewer than were sold", lots)
        shares = divided(bought, lots)
        if min(shares) < 1:
            raise InvalidField("/lots", "at least one lot for each member", lots)
        told = []
        for part, share in zip(bought, shares, strict=True):
            if share < part.lots:
                await reduce_within(unit, part.deal_id, share)
                left = part.elsewhere_lots + share
                told.append(GroupMember(part.pledge.id, part.pledge.organisation_id, left))
        fact = ShortfallDeclared(pool_id, group, actor.organisation_id, lots, sold, tuple(told))
        await unit.record(store.stream_of(pool_id), fact)
        return {"pool_id": pool_id, "number": group, "lots": lots, "sold_lots": sold}

    actor.require(ACT)
    await check_seen(Pool(), actor, pool_id)
    stream = store.stream_of(pool_id)
    return await market.perform(actor, ACT, step, command=command, stream=stream)


def divided(bought: Sequence[Bought], lots: int) -> list[int]:
    """Return what each member gets of a delivery that falls short, in the order of equals."""
    firm = [part.firm_lots for part in bought]
    if lots < sum(firm):
        return reduced_to(firm, lots)
    more = [part.lots - own for part, own in zip(bought, firm, strict=True)]
    rest = reduced_to(more, lots - sum(firm))
    return [own + extra for own, extra in zip(firm, rest, strict=True)]


async def _own_group(unit: Unit, pool_id: str, number: int | None) -> int:
    found = await unit.rows(
        "select distinct number from pool_part where pool_id = $1 and seller_id = $2"
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


async def _buying(unit: Unit, pool_id: str, number: int) -> list[Bought]:
    """Return what members buy of the actor's firm in deals that stand and wait for shipping.

    Raises:
        WrongState: a deal is not paid yet, or is on its way; or none stands; or who takes freed
            lots is not known yet.

    """
    if await substituting.is_open(unit, pool_id, number):
        raise WrongState("offered", FUNDED)
    parts = await store.parts(unit, pool_id, number)
    standing = {}
    for part in parts:
        deal = await deals.load(unit, part.deal_id)
        if deal.state not in _ENDED:
            standing[part.deal_id] = deal
    bought = []
    for member in sorted(await store.pledges(unit, pool_id, "awarded"), key=store.in_turn):
        own = [
            standing[p.deal_id] for p in parts if p.pledge_id == member.id and p.deal_id in standing
        ]
        for deal in own:
            if deal.seller_id != unit.actor.organisation_id:
                continue
            if deal.state != FUNDED:
                raise WrongState(deal.state, FUNDED)
            elsewhere = [await lots_to_ship(unit, other) for other in own if other is not deal]
            bought.append(Bought(member, deal.id, deal.lots, sum(elsewhere)))
    if not bought:
        raise WrongState(LAPSED, FUNDED)
    return bought
