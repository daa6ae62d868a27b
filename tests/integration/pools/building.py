"""A cell with factories, mills and a pool between them, on a fresh database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from aggregator.auctions import bidding
from aggregator.catalogue.tenors import Cell
from aggregator.clock import SimulatedClock
from aggregator.journal.reading import Entry, Pool, entries
from aggregator.ledger import queries as ledger
from aggregator.ledger.verifying import verify
from aggregator.market import Actor, Market
from aggregator.pools import opening, pledging, queries
from aggregator.pools.stating import BEAT
from aggregator.reactions import ON_TIMER
from aggregator.supply import offering
from aggregator.workers.ringing import ring_due
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
CELL = Cell("SUGAR-W1", "GX", "2027-03")
DAY = timedelta(days=1)
FIRMING_AT = START + 2 * DAY
CLOSES_AT = START + 3 * DAY
RICH = 10**11
BREAKS = ((1, 500_000), (300, 495_000), (500, 490_000))


@dataclass
class Scene:
    """Firms by short names: factories a, b, c … and mills m, n."""

    market: Market
    clock: SimulatedClock
    actors: dict[str, Actor]

    def id_of(self, name: str) -> str:
        return self.actors[name].organisation_id

    async def offer(self, name: str, **terms: Any) -> str:
        """Publish an offer of 1,000 lots, from 5000.00 down to 4900.00 at 500 lots."""
        given: dict[str, Any] = {"cell": CELL, "breaks": BREAKS, "capacity_lots": 1000, **terms}
        outcome = await offering.publish_offer(
            self.market, self.actors[name], a_command(), offering.OfferTerms(**given)
        )
        return str(outcome.answer["offer_id"])

    async def bid(
        self, name: str, auction_id: str, price_minor: int, lots: int | None = None
    ) -> None:
        """Bid in a pool's auction; for all of its volume unless for fewer lots."""
        await bidding.place_bid(
            self.market,
            self.actors[name],
            a_command(),
            auction_id,
            price_minor=price_minor,
            lots=lots,
        )

    async def open(self, **terms: Any) -> str:
        """Open a pool that firms after two days and closes after three."""
        given: dict[str, Any] = {
            "cell": CELL,
            "firming_at": FIRMING_AT,
            "closes_at": CLOSES_AT,
            **terms,
        }
        outcome = await opening.open_pool(
            self.market, OPERATOR, a_command(), opening.PoolTerms(**given)
        )
        return str(outcome.answer["pool_id"])

    async def pledge(self, name: str, pool_id: str, lots: int = 100, **terms: Any) -> str:
        """Join with a limit of 5100.00 landed."""
        given: dict[str, Any] = {"lots": lots, "limit_minor": 510_000, **terms}
        outcome = await pledging.pledge(
            self.market, self.actors[name], a_command(), pool_id, pledging.PledgeTerms(**given)
        )
        return str(outcome.answer["pledge_id"])

    async def change(self, name: str, pool_id: str, pledge_id: str, **wanted: Any) -> None:
        await pledging.change(
            self.market,
            self.actors[name],
            a_command(),
            pool_id,
            pledge_id,
            pledging.PledgeChange(**wanted),
        )

    async def pass_to(self, instant: Any) -> None:
        self.clock.set(instant)
        await ring_due(self.market, ON_TIMER)

    async def beat(self) -> None:
        """Pass to just after the next statement of progress."""
        await self.pass_to(self.clock.now() + BEAT)

    async def view(self, name: str | None, pool_id: str) -> dict[str, Any]:
        return await queries.pool(self.actors[name] if name else None, pool_id)

    async def held_by(self, name: str) -> int:
        found = await ledger.balances(self.id_of(name))
        return sum(account.held_minor for account in found)

    async def facts(self, pool_id: str) -> list[Any]:
        return [entry.fact for entry in await self.journal(pool_id)]

    async def journal(self, pool_id: str) -> list[Entry]:
        return await entries(None, f"pool:{pool_id}")

    async def deals(self) -> list[dict[str, Any]]:
        found = await Pool().rows(
            "select d.* from deal d join pledge p on p.deal_id = d.id order by p.seq"
        )
        return [dict(row) for row in found]


async def a_scene(
    buyers: str = "abcdef",
    sellers: str = "mn",
    market: Market | None = None,
    tiers: Mapping[str, int] | None = None,
) -> Scene:
    """Rich factories of 100 lots a month, and rich mills; `tiers` holds those above the first."""
    if market is None:
        market = a_market(SimulatedClock(START))
    clock = market.clock
    assert isinstance(clock, SimulatedClock)
    await with_sugar(market)
    actors: dict[str, Actor] = {}
    for name in (*buyers, *sellers):
        kind, role = ("mill", "seller") if name in sellers else ("factory", "buyer")
        firm = await an_organisation(market, f"firm {name}", kind=kind, group=f"group {name}")
        await with_cash(market, firm, RICH)
        if tiers and name in tiers:
            await with_tier(firm, tiers[name])
        actors[name] = an_actor(firm, role, group=f"group {name}")
    return Scene(market, clock, actors)


async def assert_books_agree() -> None:
    """After any scenario the ledger sums to zero and no offer is oversold."""
    assert (await verify()).differences == ()
    oversold = await Pool().rows(
        "select f.id from offer f left join (select g.offer_id, sum(g.lots - coalesce("
        "(select sum(s.left_lots) from pool_substitution s where s.pool_id = g.pool_id"
        " and s.number = g.number and s.state = 'ended'), 0)) as lots"
        " from pool_group g where g.state = 'formed' or g.state = 'auctioned' and g.is_reserved"
        " or g.state = 'awarded' and g.is_reserved and g.seller_id ="
        " (select seller_id from offer where id = g.offer_id)"
        " and g.paid_goods_minor = g.goods_minor group by g.offer_id) t on t.offer_id = f.id"
        " where f.taken_lots <> coalesce(t.lots, 0) or f.taken_lots > f.capacity_lots"
    )
    assert oversold == []
