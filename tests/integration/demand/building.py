"""Firms with a settled past, on top of the pools' scene."""

from __future__ import annotations

from typing import Any

from aggregator.deals import funding
from aggregator.demand import drafting, store
from aggregator.demand.terms import RequestTerms
from aggregator.fulfilment import accepting, delivering, shipping
from aggregator.fulfilment.delivering import Receipt
from aggregator.invoices import issuing
from aggregator.market import Actor
from tests.builders import a_command, a_deal, an_actor
from tests.integration.pools.building import Scene


def staff(scene: Scene, name: str, *roles: str) -> Actor:
    return an_actor(scene.id_of(name), *roles, group=f"group {name}")


async def settle(
    scene: Scene,
    buyer: str,
    lots: int,
    *,
    seller: str = "m",
    goods_minor: int = 500_000,
    freight_minor: int = 2_000,
    region: str = "GX",
) -> str:
    """Play a deal of the past from award to settlement, at the clock's instant."""
    market = scene.market
    deal_id = await a_deal(
        market,
        buyer=scene.id_of(buyer),
        seller=scene.id_of(seller),
        source="strip",
        source_id="strip_past",
        region=region,
        tenor=f"{scene.clock.now():%Y-%m}",
        lots=lots,
        goods_minor=goods_minor,
        freight_minor=freight_minor,
    )
    sells = staff(scene, seller, "seller", "logistics")
    buys = staff(scene, buyer, "buyer", "finance", "logistics")
    receipt = Receipt(lots, "Nanning warehouse 3", "WB-0001", lots * 1000)
    await funding.fund(market, buys, a_command(), deal_id)
    await shipping.ship(market, sells, a_command(), deal_id, lots=lots, carrier="Rail")
    await delivering.deliver(market, sells, a_command(), deal_id, receipt)
    await accepting.accept(market, buys, a_command(), deal_id, lots=lots)
    await issuing.issue(market, sells, a_command(), deal_id)
    return deal_id


async def a_draft(scene: Scene, name: str, **terms: Any) -> str:
    """Draft a need of 100 lots for March with a limit of 5100.00."""
    outcome = await drafting.draft(scene.market, scene.actors[name], a_command(), need(**terms))
    return str(outcome.answer["request_id"])


async def a_template(scene: Scene, name: str, **terms: Any) -> str:
    outcome = await drafting.keep_template(
        scene.market, scene.actors[name], a_command(), need(**terms)
    )
    return str(outcome.answer["request_id"])


def need(**terms: Any) -> RequestTerms:
    given: dict[str, Any] = {
        "instrument_id": "SUGAR-W1",
        "region": "GX",
        "first_tenor": "2027-03",
        "last_tenor": "2027-03",
        "lots": 100,
        "limit_minor": 510_000,
        **terms,
    }
    return RequestTerms(**given)


async def state_of(scene: Scene, name: str, request_id: str) -> str:
    return (await store.own(scene.id_of(name), request_id)).state
