"""A mill, its bidders and an auction between them, on a fresh database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from aggregator.auctions import bidding, closing, opening, stopping, store
from aggregator.auctions.opening import AuctionTerms
from aggregator.auctions.stopping import Stop
from aggregator.catalogue.tenors import Cell
from aggregator.clock import SimulatedClock
from aggregator.journal.reading import Entry, Pool, entries
from aggregator.ledger import queries as ledger
from aggregator.market import Actor, Answer, Market, Unit
from aggregator.reactions import ON_TIMER
from aggregator.workers.ringing import ring_due
from tests.builders import START, a_command, a_market, an_actor, an_organisation, with_cash
from tests.builders import with_sugar as sugar

OPERATOR = an_actor("operator", "operator")
COLLEAGUE = an_actor("operator", "operator", person="per_colleague")
HOUR = timedelta(hours=1)
CLOSES_AT = START + HOUR
PRICE = 500_000
STEP = 1_000
RICH = 10**12


@dataclass
class Scene:
    """A mill with lots to sell and traders with money; `actors` go by short names."""

    market: Market
    clock: SimulatedClock
    actors: dict[str, Actor]

    def id_of(self, name: str) -> str:
        return self.actors[name].organisation_id

    async def bid(
        self, name: str, auction_id: str, price_minor: int, lots: int | None = None, **how: Any
    ) -> dict[str, Any]:
        outcome = await bidding.place_bid(
            self.market,
            self.actors[name],
            a_command([name, price_minor, lots]),
            auction_id,
            price_minor=price_minor,
            lots=lots,
            **how,
        )
        return outcome.answer

    async def open(self, **terms: Any) -> str:
        """Open an auction of the mill: 100 lots from 5000.00 up, for one hour."""
        outcome = await opening.open_auction(
            self.market, self.actors["mill"], a_command(), some_terms(**terms)
        )
        return str(outcome.answer["auction_id"])

    async def stop(self, act: Stop, auction_id: str, reason: str = "storm") -> dict[str, Any]:
        """Let one person of the operator propose and another one approve."""
        proposed = await stopping.propose(
            self.market, OPERATOR, a_command(), auction_id, act=act, reason=reason
        )
        motion_id = str(proposed.answer["motion_id"])
        done = await stopping.approve(self.market, COLLEAGUE, a_command(), auction_id, motion_id)
        return done.answer

    async def pass_to(self, instant: datetime) -> None:
        self.clock.set(instant)
        await ring_due(self.market, ON_TIMER)

    async def held_by(self, name: str) -> int:
        found = await ledger.balances(self.id_of(name))
        return sum(account.held_minor for account in found)


def some_terms(**given: Any) -> AuctionTerms:
    terms: dict[str, Any] = {
        "side": "sell",
        "cell": Cell("SUGAR-W1", "GX", "2027-03"),
        "lots": 100,
        "closes_at": CLOSES_AT,
        "start_minor": PRICE,
        "step_minor": STEP,
    }
    return AuctionTerms(**{**terms, **given})


async def close(market: Market, auction_id: str) -> None:
    """Do what the two timers of a close do."""
    await closing.end(market, auction_id)
    await closing.conclude(market, auction_id)


async def opened_within(scene: Scene, reference: str = "pool:p1:1", **terms: Any) -> str:
    """Open a buy-side auction for a volume that stands above auctions."""

    async def step(unit: Unit) -> Answer:
        given = some_terms(**{"side": "buy", **terms})
        return {"auction_id": await opening.open_within(unit, given, reference)}

    outcome = await scene.market.perform(Actor.SYSTEM, "auctions.open", step)
    return str(outcome.answer["auction_id"])


async def a_scene() -> Scene:
    clock = SimulatedClock(START)
    market = a_market(clock)
    await sugar(market)
    actors = {}
    for name, kind, roles, group in (
        ("mill", "mill", ("seller", "buyer"), "mill group"),
        ("twin", "trader", ("buyer", "seller"), "mill group"),
        ("ann", "trader", ("buyer", "seller"), "ann"),
        ("bob", "refiner", ("buyer", "seller"), "bob"),
        ("bob2", "trader", ("buyer",), "bob"),
        ("cat", "trader", ("buyer",), "cat"),
    ):
        organisation_id = await an_organisation(market, f"Firm {name}", kind=kind, group=group)
        await with_cash(market, organisation_id, RICH)
        actors[name] = an_actor(organisation_id, *roles, group=group)
    actors["operator"] = OPERATOR
    return Scene(market, clock, actors)


async def journal_of(auction_id: str) -> list[Entry]:
    return await entries(None, store.stream_of(auction_id))


async def facts_of(auction_id: str, kind: type) -> list[Any]:
    return [e.fact for e in await journal_of(auction_id) if isinstance(e.fact, kind)]


async def rows_of_all_tables() -> str:
    """Everything the database holds, as an operator or a backup would read it."""
    tables = await Pool().rows(
        "select table_name from information_schema.tables where table_schema = 'public'"
    )
    found = []
    for table in tables:
        rows = await Pool().rows(f"select row_to_json(t)::text as row from {table['table_name']} t")
        found += [row["row"] for row in rows]
    return "\n".join(found)
