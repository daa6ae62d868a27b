"""A firm with a boss, a clerk and a treasurer, and auctions and pools to commit it in."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from aggregator.approvals.asking import terms_of
from aggregator.approvals.executing import approve_and_execute
from aggregator.auctions import bidding, opening
from aggregator.auctions.opening import AuctionTerms
from aggregator.catalogue.tenors import Cell
from aggregator.clock import SimulatedClock
from aggregator.journal.reading import Pool
from aggregator.ledger import queries as ledger
from aggregator.ledger.verifying import verify
from aggregator.mandates import granting, policies, queries, requesting
from aggregator.mandates.granting import MandateTerms
from aggregator.mandates.policies import PolicyTerms
from aggregator.market import Actor, Market
from aggregator.parties.sessions import member
from aggregator.pools import opening as pool_opening
from aggregator.pools import pledging
from aggregator.pools.pledging import PledgeTerms
from aggregator.reactions import ON_TIMER
from aggregator.workers.ringing import ring_due
from tests.builders import (
    START,
    a_command,
    a_market,
    a_person,
    an_actor,
    an_organisation,
    with_cash,
    with_sugar,
)

OPERATOR = an_actor("operator", "operator")
CELL = Cell("SUGAR-W1", "GX", "2027-03")
HOUR = timedelta(hours=1)
PRICE = 500_000
RICH = 10**11


@dataclass
class Firm:
    """One firm under policies; its people go by short names."""

    market: Market
    clock: SimulatedClock
    id: str
    people: dict[str, Actor] = field(default_factory=dict)
    mill: Actor = field(default_factory=lambda: an_actor("nobody"))

    async def hire(self, name: str, *roles: str) -> Actor:
        login = f"{name}-{self.id[-12:].lower()}"
        person_id = await a_person(self.market, self.id, login, *roles)
        self.people[name] = await member(person_id, self.id)
        return self.people[name]

    async def bind(self, act: str = "auctions.bid", *chain: str, **terms: Any) -> None:
        wanted = PolicyTerms(act=act, chain=chain or ("role:owner",), **terms)
        await policies.set_policy(self.market, self.people["boss"], a_command(), wanted)

    async def mandate(self, name: str = "clerk", **terms: Any) -> str:
        """Let the clerk bid and pledge up to 100 lots' worth a time, 300 lots' worth in all."""
        given: dict[str, Any] = {
            "person_id": self.people[name].person_id,
            "acts": ("auctions.bid", "pools.pledge"),
            "per_act_minor": 100 * PRICE,
            "total_minor": 300 * PRICE,
            "ends_at": self.clock.now() + 24 * HOUR,
            **terms,
        }
        granted = await granting.grant(
            self.market, self.people["boss"], a_command(), MandateTerms(**given)
        )
        mandate_id = str(granted.answer["mandate_id"])
        if given.get("reserve_minor"):
            await granting.reserve(self.market, self.people["treasurer"], a_command(), mandate_id)
        return mandate_id

    async def auction(self, **terms: Any) -> str:
        given: dict[str, Any] = {
            "side": "sell",
            "cell": CELL,
            "lots": 100,
            "closes_at": self.clock.now() + HOUR,
            "start_minor": PRICE,
            "step_minor": 1_000,
        }
        opened = await opening.open_auction(
            self.market, self.mill, a_command(), AuctionTerms(**{**given, **terms})
        )
        return str(opened.answer["auction_id"])

    async def bid(
        self, auction_id: str, lots: int = 10, price_minor: int = PRICE, *, by: str = "clerk"
    ) -> dict[str, Any]:
        done = await bidding.place_bid(
            self.market,
            self.people[by],
            a_command(),
            auction_id,
            price_minor=price_minor,
            lots=lots,
        )
        return done.answer

    async def pool(self) -> str:
        opened = await pool_opening.open_pool(
            self.market,
            OPERATOR,
            a_command(),
            pool_opening.PoolTerms(
                cell=CELL,
                firming_at=self.clock.now() + 24 * HOUR,
                closes_at=self.clock.now() + 48 * HOUR,
            ),
        )
        return str(opened.answer["pool_id"])

    async def pledge(self, pool_id: str, lots: int = 10) -> dict[str, Any]:
        terms = PledgeTerms(lots=lots, limit_minor=PRICE)
        done = await pledging.pledge(self.market, self.people["clerk"], a_command(), pool_id, terms)
        return done.answer

    async def ask_to_bid(
        self, auction_id: str, lots: int = 10, price_minor: int = PRICE, *, by: str = "clerk"
    ) -> str:
        terms = {"price_minor": price_minor, "lots": lots, "all_or_none": False}
        asking = requesting.Asking(
            act="auctions.bid",
            subject=auction_id,
            terms=terms,
            amount_minor=price_minor * lots,
            currency="CNY",
        )
        asked = await requesting.ask(self.market, self.people[by], a_command(), asking)
        return str(asked.answer["approval_id"])

    async def ask_to_pledge(self, pool_id: str, lots: int = 10) -> str:
        asking = requesting.Asking(
            act="pools.pledge",
            subject=pool_id,
            terms=terms_of(PledgeTerms(lots=lots, limit_minor=PRICE)),
            amount_minor=PRICE * lots,
            currency="CNY",
        )
        asked = await requesting.ask(self.market, self.people["clerk"], a_command(), asking)
        return str(asked.answer["approval_id"])

    async def approve(self, approval_id: str, by: str = "boss") -> dict[str, Any]:
        seen = await queries.approval(self.people["boss"], self.clock.now(), approval_id)
        done = await approve_and_execute(
            self.market,
            self.people[by],
            a_command(),
            approval_id,
            fingerprint=seen["fingerprint"],
        )
        return done.answer

    async def approval(self, approval_id: str) -> dict[str, Any]:
        return dict(await queries.approval(self.people["boss"], self.clock.now(), approval_id))

    async def of_mandate(self, mandate_id: str) -> dict[str, Any]:
        found = await queries.mandates(self.people["boss"])
        return dict(next(row for row in found if row["mandate_id"] == mandate_id))

    async def held(self) -> int:
        return sum(account.held_minor for account in await ledger.balances(self.id))

    async def pass_to(self, hours: int) -> None:
        self.clock.set(START + hours * HOUR)
        await self.ring()

    async def ring(self) -> None:
        await ring_due(self.market, ON_TIMER)


async def a_firm(cash_minor: int = RICH, *, market: Market | None = None) -> Firm:
    """A refiner under no policy yet, and a mill that opens auctions."""
    clock = SimulatedClock(START)
    market = market or a_market(clock)
    await with_sugar(market)
    firm = Firm(market, clock, await an_organisation(market, "Refiner", kind="refiner"))
    await firm.hire("boss", "owner")
    await firm.hire("clerk", "buyer")
    await firm.hire("treasurer", "finance")
    await with_cash(market, firm.id, cash_minor)
    mill = await an_organisation(market, "Mill", kind="mill")
    await with_cash(market, mill, RICH)
    firm.mill = an_actor(mill, "seller")
    return firm


async def uses_agree() -> list[str]:
    """Return each mandate whose uses do not add up to what it says is used."""
    rows = await Pool().rows(
        "select m.id from mandate m left join mandate_use u on u.mandate_id = m.id"
        " group by m.id, m.used_minor, m.total_minor"
        " having m.used_minor <> coalesce(sum(u.amount_minor), 0)"
        " or m.used_minor > m.total_minor order by m.id"
    )
    return [row["id"] for row in rows]


async def books_agree() -> None:
    assert await uses_agree() == []
    assert (await verify()).differences == ()
