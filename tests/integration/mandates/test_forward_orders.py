"""Forward orders under a mandate: each month that one can take counts, and money once."""

from datetime import timedelta

import pytest

from aggregator.forwards import closing, offering, ordering
from aggregator.mandates.errors import BeyondMandate
from tests.builders import a_command
from tests.integration.forwards.signing import TENORS, a_strip
from tests.integration.mandates.building import HOUR, PRICE, Firm

MARCH, APRIL, MAY = TENORS


async def a_window(firm: Firm, hours: int = 12) -> str:
    return await a_strip(firm.market, closes_at=firm.clock.now() + timedelta(hours=hours))


async def a_bound_clerk(firm: Firm, **terms: object) -> str:
    await firm.bind("forwards.order")
    return await firm.mandate(acts=("forwards.order",), **terms)


async def order(firm: Firm, strip_id: str, form: str, **terms: object) -> str:
    wanted = ordering.OrderTerms(form=form, limit_minor=PRICE, **terms)
    clerk = firm.people["clerk"]
    placed = await ordering.place_order(firm.market, clerk, a_command(), strip_id, wanted)
    return str(placed.answer["order_id"])


async def used(firm: Firm, mandate_id: str) -> int:
    return int((await firm.of_mandate(mandate_id))["used_minor"])


@pytest.mark.parametrize(
    ("form", "terms"),
    [
        ("block", {"schedule": {MARCH: 10, APRIL: 20}}),
        ("flexible", {"window": (MARCH, APRIL), "lots": 30, "per_tenor_max": 20}),
    ],
)
async def test_an_order_of_several_months_counts_in_each(
    firm: Firm, form: str, terms: dict
) -> None:
    strip_id = await a_window(firm)
    mandate_id = await a_bound_clerk(firm, max_lots=20)

    await order(firm, strip_id, form, **terms)

    assert await used(firm, mandate_id) == 30 * PRICE
    with pytest.raises(BeyondMandate) as refused:
        await order(firm, strip_id, "period", tenor=APRIL, lots=1)
    assert refused.value.rule == "lots"
    await order(firm, strip_id, "period", tenor=MAY, lots=20)


@pytest.mark.parametrize(
    ("form", "terms"),
    [
        ("block", {"schedule": {MARCH: 10, APRIL: 21}}),
        ("flexible", {"window": (MARCH, MAY), "lots": 30, "per_tenor_max": 21}),
        ("flexible", {"window": (MARCH, MAY), "lots": 30}),
    ],
)
async def test_no_month_of_an_order_is_beyond_the_mandate(
    firm: Firm, form: str, terms: dict
) -> None:
    strip_id = await a_window(firm)
    mandate_id = await a_bound_clerk(firm, max_lots=20)

    with pytest.raises(BeyondMandate) as refused:
        await order(firm, strip_id, form, **terms)

    assert (refused.value.rule, await used(firm, mandate_id)) == ("lots", 0)


async def test_a_cleared_order_keeps_the_months_that_it_was_served(firm: Firm) -> None:
    strip_id, later_id = await a_window(firm), await a_window(firm, hours=20)
    mandate_id = await a_bound_clerk(firm, max_lots=20)
    flexible = {"window": (MARCH, APRIL), "lots": 30, "per_tenor_max": 20}
    await order(firm, strip_id, "flexible", **flexible)
    await order(firm, strip_id, "period", tenor=MAY, lots=5)
    steps = {MARCH: ((20, PRICE - 1_000),)}
    offer = offering.OfferTerms(steps, capacity=20)
    await offering.place_offer(firm.market, firm.mill, a_command(), strip_id, offer)

    with pytest.raises(BeyondMandate):
        await order(firm, later_id, "period", tenor=APRIL, lots=1)
    firm.clock.set(firm.clock.now() + 12 * HOUR)
    await closing.close(firm.market, strip_id)

    assert await used(firm, mandate_id) == 20 * (PRICE - 1_000)
    with pytest.raises(BeyondMandate):
        await order(firm, later_id, "period", tenor=MARCH, lots=1)
    await order(firm, later_id, "period", tenor=APRIL, lots=20)


async def test_a_suppliers_offer_counts_in_each_of_its_months(firm: Firm) -> None:
    strip_id = await a_window(firm)
    await firm.hire("clerk2", "seller")
    await firm.bind("forwards.offer")
    await firm.mandate("clerk2", acts=("forwards.offer",), max_lots=20)

    async def offer(*lots: int) -> None:
        steps = {tenor: ((n, PRICE),) for tenor, n in zip(TENORS, lots, strict=False)}
        terms = offering.OfferTerms(steps, capacity=sum(lots))
        seller = firm.people["clerk2"]
        await offering.place_offer(firm.market, seller, a_command(), strip_id, terms)

    with pytest.raises(BeyondMandate):
        await offer(10, 21)
    await offer(20, 20)
