"""A signed contract: three buyers' months bundled with one mill."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from aggregator.forwards import closing, contract_queries, offering, opening, ordering, places
from aggregator.journal.reading import Pool
from aggregator.market import Actor, Market, Outcome
from tests.builders import (
    START,
    a_command,
    a_market,
    an_actor,
    an_organisation,
    with_cash,
    with_sugar,
    with_tier,
)

OPERATOR = an_actor("operator", "operator")
TENORS = ("2027-03", "2027-04", "2027-05")
LOTS = (40, 60, 80)
MILLION = 100_000_000


@dataclass(frozen=True, slots=True)
class Signed:
    market: Market
    strip_id: str
    contract_id: str
    mill: Actor
    buyers: tuple[Actor, ...]
    slot_ids: tuple[str, ...]

    async def slot(self, actor: Actor, slot_id: str) -> dict:
        """Return a slot as `actor` sees it."""
        found = await contract_queries.contract(actor, self.contract_id, self.market.clock.now())
        return next(dict(slot) for slot in found.slots if slot["slot_id"] == slot_id)


async def a_firm(market: Market, name: str, *, kind: str = "factory", cash: int = MILLION) -> Actor:
    organisation_id = await an_organisation(market, name, kind=kind)
    if cash:
        await with_cash(market, organisation_id, cash)
    roles = ("buyer", "seller", "finance", "logistics")
    return an_actor(organisation_id, *roles, group=name)


async def with_place(market: Market, actor: Actor, name: str = "1号仓", region: str = "GX") -> str:
    outcome = await places.declare(market, actor, a_command(), region=region, name=name)
    return str(outcome.answer["place_id"])


async def with_members(*actors: Actor) -> None:
    """Give each firm a person who buys: only such a firm can be offered a slot."""
    for actor in actors:
        await Pool().rows(
            "with p as (insert into person (id, login, name, password_hash, created_at)"
            " values ($1, $1, $1, 'none', now()) returning id)"
            " insert into membership (person_id, organisation_id, roles)"
            " select id, $2, array['buyer'] from p returning person_id",
            f"per_{actor.organisation_id}",
            actor.organisation_id,
        )


async def a_strip(market: Market, **given: object) -> str:
    terms = opening.StripTerms(
        **{
            "title": "春季远期",
            "instrument_id": "SUGAR-W1",
            "region": "GX",
            "tenors": TENORS,
            "closes_at": START + timedelta(days=2),
            **given,
        }
    )
    opened = await opening.open_strip(market, OPERATOR, a_command(), terms)
    return str(opened.answer["strip_id"])


async def order(
    market: Market, buyer: Actor, strip_id: str, tenor: str, lots: int, **given: object
) -> Outcome:
    terms = ordering.OrderTerms(
        **{"form": "period", "tenor": tenor, "lots": lots, "limit_minor": 500_000, **given}
    )
    return await ordering.place_order(market, buyer, a_command(), strip_id, terms)


async def offer(market: Market, mill: Actor, strip_id: str, **given: object) -> Outcome:
    terms = offering.OfferTerms(
        **{
            "steps": dict.fromkeys(TENORS, ((300, 498_000),)),
            "capacity": 600,
            "breaks": ((150, 7_000),),
            **given,
        }
    )
    return await offering.place_offer(market, mill, a_command(), strip_id, terms)


async def signed(market: Market | None = None, *, tier: int = 0, **terms: object) -> Signed:
    """Return a market in which three buyers' months have become one contract.

    The first buyer holds the tier of this number.
    """
    market = market or a_market()
    await with_sugar(market, "GX", "GD")
    buyers = tuple([await a_firm(market, f"buyer{n}") for n in range(3)])
    mill = await a_firm(market, "mill", kind="mill")
    await with_tier(buyers[0].organisation_id, tier)
    for number, buyer in enumerate(buyers):
        await with_place(market, buyer, f"{number + 1}号仓")
    await with_members(*buyers)
    strip_id = await a_strip(market, **terms)
    for buyer, tenor, lots in zip(buyers, TENORS, LOTS, strict=True):
        await order(market, buyer, strip_id, tenor, lots)
    await offer(market, mill, strip_id)
    market.clock.set(START + timedelta(days=2))
    await closing.close(market, strip_id)
    [contract] = await Pool().rows("select id from strip_contract")
    slots = await Pool().rows("select id from contract_slot order by tenor")
    return Signed(market, strip_id, contract["id"], mill, buyers, tuple(row["id"] for row in slots))
