"""Everybody else in a visitor's tour: they trade through the public interface, at demo speed."""

from __future__ import annotations

import asyncio
import secrets
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, Protocol

import httpx
from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send

from aggregator import logs
from aggregator.journal.facts import stamp
from aggregator.market import Market
from aggregator.parties import trail
from aggregator.parties.queries import organisations
from aggregator.tasks import Tasks
from web.demonstration.tour import Played, Progress, Seen, Tour
from web.demonstration.visitor import Refused, Visitor
from web.demonstration.world import COLLEAGUE_LOGIN, FIRMS, OPERATOR_LOGIN, PASSWORD, Firm

BEAT_S = 3
# A visitor who still looks has his tour begun again; one who left frees his place.
_BEATS = 300
_MOST_TOURS = 40
_SESSION = timedelta(minutes=15)
_ADDRESS = "https://demonstration"
_TRAIL = 500
_MONEY = "3000000.00"


def neighbour_login(code: str, firm: Firm) -> str:
    """Return who trades for a firm that was founded beside a visitor's."""
    return f"guest.{code}.{firm.key}"


class TooManyTours(Exception):
    """So many visitors are on their way that a further one has to wait."""


class Part(Protocol):
    """What a part plays: its firm, its scene, what the others do at each beat, its steps."""

    kind: str
    roles: tuple[str, ...]
    name: str
    name_en: str

    async def prepare(self, company: Company, code: str) -> str:
        """Set the scene and return its id."""
        ...

    async def beat(self, company: Company, tour: Tour, played: Played) -> bool:
        """Let the others do what is theirs just now; return whether there is more to come."""
        ...

    def progress(self, tour: Tour, seen: Seen) -> Progress:
        """Return how far the visitor has come."""
        ...


class Company:
    """The others of all tours that this process plays, every `beat_s` seconds."""

    def __init__(self, market: Market, parts: Mapping[str, Part], *, beat_s: int = BEAT_S) -> None:
        self.market = market
        self.beat_s = beat_s
        self.parts = parts
        self._app: Starlette | None = None
        self._people: dict[str, Visitor] = {}
        self._doors: dict[str, asyncio.Lock] = {}
        self._tasks = Tasks()
        self._plays: dict[str, asyncio.Task[None]] = {}

    def enter(self, app: Starlette) -> None:
        """Act in what `app` serves from now on."""
        self._app = app

    async def _served(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request of one of the others, which needs no line in the log."""
        assert self._app is not None
        scope["app"] = self._app
        await self._app.router(scope, receive, send)

    async def stop(self) -> None:
        await self._tasks.stop()
        for person in list(self._people.values()):
            await person.aclose()
        self._people.clear()

    async def person(self, login: str) -> Visitor:
        """Return somebody of the demonstration, signed in."""
        transport = httpx.ASGITransport(self._served, client=("demonstration", 0))
        async with self._doors.setdefault(login, asyncio.Lock()):
            found = self._people.get(login)
            if found is None:
                found = Visitor(_ADDRESS, login, run=secrets.token_hex(8), transport=transport)
                self._people[login] = found
            now = self.market.clock.now()
            if found.signed_in_at is None or now - found.signed_in_at > _SESSION:
                await found.sign_in(PASSWORD)
                found.signed_in_at = now
            return found

    def soon(self, **span: int) -> str:
        """Return an instant so far from now, as the API takes it."""
        return stamp(self.market.clock.now() + timedelta(**span))

    async def begin(self, part: str) -> Tour:
        """Found a visitor's firm, with people and money, and set his scene.

        Raises:
            TooManyTours: others have to end first.

        """
        if len(self._plays) >= _MOST_TOURS:
            raise TooManyTours
        code, played = secrets.token_hex(4), self.parts[part]
        operator = await self.person(OPERATOR_LOGIN)
        login, name = f"guest.{code}", f"访客 {code[:4].upper()}"
        if part == "operator":
            organisation_id = (await operator.get("/me"))["organisation"]
            person_id = await self._admit(organisation_id, login, name, played.roles)
        else:
            firm = Firm(
                login, played.name, played.name_en, played.kind, "GX", 100, roles=played.roles
            )
            organisation_id, person_id = await self._found(firm, code, name)
        scene = await played.prepare(self, code)
        tour = Tour(part, code, person_id, organisation_id, scene)
        self.keep(tour)
        return tour

    def keep(self, tour: Tour) -> None:
        """Play the others of a tour, unless this process does so already."""
        if tour.code not in self._plays and len(self._plays) < _MOST_TOURS:
            play = self._tasks.start(self._play(tour), name=f"tour-{tour.code}")
            self._plays[tour.code] = play
            play.add_done_callback(lambda _: self._forget(tour))

    def _forget(self, tour: Tour) -> None:
        self._plays.pop(tour.code, None)
        for login in [one for one in self._doors if one.startswith(tour.login)]:
            self._people.pop(login, None)
            self._doors.pop(login, None)

    async def progress(self, tour: Tour) -> Progress:
        """Return how far the visitor of a tour has come."""
        return self.parts[tour.part].progress(tour, await self.seen(tour))

    async def seen(self, tour: Tour) -> Seen:
        """Return what the visitor has done, and what he sees."""
        lines = await trail.trail(tour.organisation_id, limit=_TRAIL)
        mine = (line for line in lines if line["person_id"] == tour.person_id)
        acts = Counter(line["name"] for line in mine if line["outcome"] == "done")
        guest = await self.person(tour.login)
        if tour.scene.startswith("pool_"):
            scene = await guest.get(f"/pools/{tour.scene}")
        else:
            scene = await guest.get(f"/auctions/{tour.scene}")
        deals: Sequence[Mapping[str, Any]] = ()
        if tour.part != "operator":
            deals = (await guest.get("/deals?limit=50"))["deals"]
        auctions = (await guest.get("/auctions?limit=50"))["auctions"]
        return Seen(acts, scene, deals, auctions)

    async def pledge(self, tour_code: str, pool_id: str, login: str, lots: int) -> None:
        """Let one of the others join a pool, once."""
        buyer = await self.person(login)
        await buyer.post(
            f"/pools/{pool_id}/pledges",
            {"lots": lots, "limit": "5040.00", "freight": "25.00"},
            key=f"tour-{tour_code}-pledge",
        )

    async def carry_on(self, tour: Tour, deal: Mapping[str, Any], *, mine: str | None) -> None:
        """Take a deal one act further, where the next act is not the visitor's.

        Args:
            tour: whose scene it is.
            deal: as one of its parties reads it.
            mine: the log-in of the party that reads it; None where it is the visitor.

        """
        logins = await self._logins(tour)
        own, other = mine or tour.login, logins.get(deal["counterparty_id"], "")
        buyer, seller = (own, other) if deal["side"] == "buyer" else (other, own)
        path, lots, state = f"/deals/{deal['deal_id']}", deal["lots"], deal["state"]
        acts: dict[str, tuple[str, str, dict[str, Any]]] = {
            "formed": (f"{buyer}.pay", "fund", {}),
            "funded": (seller, "ship", {"lots": lots, "carrier": "桂运物流", "vehicle": "桂A·8"}),
            "shipping": (
                seller,
                "deliver",
                {"lots": lots, "place": "买方仓库", "document": f"磅单 {deal['deal_id'][-6:]}"},
            ),
            "delivered": (buyer, "accept", {"lots": lots}),
            "accepted": (seller, "invoice", {}),
        }
        if state not in acts or not buyer or not seller:
            return
        who, act, body = acts[state]
        if who == tour.login:
            return
        await (await self.person(who)).post(f"{path}/{act}", body, key=f"tour-{path}-{act}")

    async def _logins(self, tour: Tour) -> Mapping[str, str]:
        keys = {firm.name: firm.key for firm in FIRMS}
        found = {one.id: keys[one.name] for one in await organisations() if one.name in keys}
        return {**found, tour.organisation_id: tour.login}

    async def neighbour(self, code: str, firm: Firm) -> str:
        """Found a firm beside a visitor's, once, and return the log-in of who trades for it.

        Nobody has dealt with it, so its size is what it says. The firms of the story have grown
        with all their deals, and would be of no visitor's size.
        """
        own = replace(firm, key=neighbour_login(code, firm))
        await self._found(own, code, "采购同行")
        return own.key

    async def _found(self, firm: Firm, code: str, trader: str) -> tuple[str, str]:
        """Found a firm with people and money; return its id and that of who trades for it."""
        operator, short = await self.person(OPERATOR_LOGIN), code[:4].upper()
        name = f"{firm.name} {short}"
        made = await operator.post(
            "/organisations",
            {
                "name": name,
                "name_en": f"{firm.name_en} {short}",
                "kind": firm.kind,
                "owner_group": firm.key,
                "region": firm.region,
                "monthly_lots": firm.monthly_lots,
            },
            key=f"tour-{firm.key}-firm",
        )
        line = {
            "account": "CNY-1",
            "entry_reference": f"FIRM-{firm.key}",
            "booked_on": self.soon()[:10],
            "amount": _MONEY,
            "currency": "CNY",
            "direction": "credit",
            "payer": name,
            "remittance": made["deposit_reference"],
        }
        await operator.post("/bank/lines", {"lines": [line]}, key=f"tour-{firm.key}-money")
        organisation_id = str(made["organisation_id"])
        person_id = await self._admit(organisation_id, firm.key, trader, firm.roles)
        # The owner comes last: from then on a firm's people invite each other.
        await self._admit(organisation_id, firm.finance, "财务同事", ("finance", "owner"))
        return organisation_id, person_id

    async def _admit(
        self, organisation_id: str, login: str, name: str, roles: tuple[str, ...]
    ) -> str:
        operator = await self.person(OPERATOR_LOGIN)
        made = await operator.post(
            f"/organisations/{organisation_id}/people",
            {"login": login, "name": name, "password": PASSWORD, "roles": list(roles)},
            key=f"tour-{login}-person",
        )
        if consent_id := made.get("consent_id"):
            # Into a desk of the market it takes two.
            colleague = await self.person(COLLEAGUE_LOGIN)
            await colleague.post(f"/consents/{consent_id}/agree", key=f"tour-{login}-agree")
        return str(made["person_id"])

    async def _play(self, tour: Tour) -> None:
        played = Played()
        part = self.parts[tour.part]
        while played.beats < _BEATS:
            await asyncio.sleep(self.beat_s)
            played.beats += 1
            try:
                if not await part.beat(self, tour, played):
                    return
            except Refused as refused:
                # Somebody was faster, or the time was up: the next beat looks anew.
                logs.logger().info("tour_refused", code=tour.code, reason=str(refused)[:200])
