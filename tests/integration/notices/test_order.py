"""Notices stand in the order in which they were told, those of one instant too."""

from __future__ import annotations

from aggregator.market import Actor, Answer, Unit
from aggregator.notices import queries
from aggregator.notices.telling import tell
from aggregator.settlement.facts import PaymentMade
from tests.builders import a_market, an_actor, an_organisation


async def test_notices_of_one_instant_stand_in_the_order_they_were_told(orm: str) -> None:
    market = a_market()
    firm = await an_organisation(market, "Guinan Foods")
    amounts = list(range(100, 1_300, 100))
    for amount_minor in amounts:
        paid = PaymentMade(f"p{amount_minor}", firm, amount_minor, "CNY")

        async def step(unit: Unit, paid: PaymentMade = paid) -> Answer:
            await tell(unit, paid)
            return {}

        await market.perform(Actor.SYSTEM, "test.tell", step)

    found = await queries.notices(an_actor(firm, "finance"))

    assert len({one.at for one in found}) == 1
    assert [one.figures["amount_minor"] for one in found] == amounts[::-1]
