"""What each part plays: the scene that is set for it, what the others do, and its steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aggregator.amounts import decimal_text, minor_of
from web.demonstration.company import Company, Part, neighbour_login
from web.demonstration.months import tenors_from
from web.demonstration.tour import Played, Progress, Seen, Step, Tour
from web.demonstration.visitor import Refused
from web.demonstration.world import COLLEAGUE_LOGIN, OPERATOR_LOGIN, Firm

_BUYERS = (("guigang", 110), ("yulin", 100), ("hechi", 120))
_NEIGHBOURS = (
    Firm("liucheng", "柳城糕点厂", "Liucheng Cakes", "factory", "GX", 110),
    Firm("luzhai", "鹿寨糖果厂", "Luzhai Sweets", "factory", "GX", 100),
    Firm("xiangshan", "象山饼干厂", "Xiangshan Biscuits", "factory", "GX", 120),
)
_OVER = ("settled", "returned", "lapsed", "defaulted", "cancelled")
_ACCEPTED = ("accepted", "invoiced", "settled", "returned")
_SHIPPED = ("shipping", "delivered", *_ACCEPTED)
_REST = 2  # beats between two bids of the others: long enough to read the room
_MARGIN = 4000
_RESALE = 6000  # what the refineries pay above the start: more than the traders do
_OFFERED_M = 5  # longer than any pool here gathers


class Factory:
    """Joins a group buy with others of its size, and accepts what comes."""

    kind = "factory"
    roles: tuple[str, ...] = ("buyer", "logistics")
    name, name_en = "访客食品厂", "Visitor Foods"

    async def prepare(self, company: Company, code: str) -> str:
        await offer(company, code, "laibin", "4880.00")
        await offer(company, code, "baise", "4890.00")
        return await gather(company, code, {"mode": "breaks"}, firming_s=150, closes_s=180)

    async def beat(self, company: Company, tour: Tour, played: Played) -> bool:
        seen = await company.seen(tour)
        if seen.scene["phase"] in ("gathering", "firming"):
            if seen.scene["you"] is not None and played.joined < len(_NEIGHBOURS):
                await join(company, tour, played)
            return True
        deal = seen.deal("buyer")
        if deal is None:
            return bool(seen.scene["phase"] == "closed")
        await company.carry_on(tour, deal, mine=None)
        members = [neighbour_login(tour.code, firm) for firm in _NEIGHBOURS]
        return await carry_members(company, tour, members) or deal["state"] not in _OVER

    def progress(self, tour: Tour, seen: Seen) -> Progress:
        pool, deal = f"/pools/{tour.scene}", seen.deal("buyer")
        state, phase = deal["state"] if deal else "", seen.scene["phase"]
        path = pool if deal is None else f"/deals/{deal['deal_id']}"
        is_in = seen.did("pools.pledge")
        steps = (
            Step("join", pool, is_in),
            Step("gather", pool, deal is not None),
            Step("pay", path, state not in ("", "formed")),
            Step("accept", path, state in _ACCEPTED),
            Step("price", f"/prices/{seen.scene['cell']}", state in ("settled", "returned")),
        )
        is_past = phase in ("awarded", "lapsed") or (phase == "closed" and not is_in)
        return Progress(steps, is_missed=deal is None and is_past)


class Mill:
    """Stands with price breaks, undercuts others in an auction, ships and invoices."""

    kind = "mill"
    roles: tuple[str, ...] = ("seller", "logistics")
    name, name_en = "访客糖厂", "Visitor Mill"

    async def prepare(self, company: Company, code: str) -> str:
        await offer(company, code, "laibin", "4940.00")
        terms = {"mode": "both", "auction_minutes": 2}
        pool_id = await gather(company, code, terms, firming_s=75, closes_s=90)
        for login, lots in _BUYERS:
            await company.pledge(code, pool_id, login, lots)
        return pool_id

    async def beat(self, company: Company, tour: Tour, played: Played) -> bool:
        seen = await company.seen(tour)
        room = room_of(tour, seen)
        if room is not None and room["state"] == "open":
            await outbid(company, tour, played, room["auction_id"], ("baise", "chongzuo"))
            return True
        members = [login for login, _ in _BUYERS]
        is_left = await carry_members(company, tour, members)
        return is_left or seen.scene["phase"] not in ("awarded", "lapsed")

    def progress(self, tour: Tour, seen: Seen) -> Progress:
        pool, room, deal = f"/pools/{tour.scene}", room_of(tour, seen), seen.deal("seller")
        state = deal["state"] if deal else ""
        market = pool if room is None else f"/auctions/{room['auction_id']}"
        path = market if deal is None else f"/deals/{deal['deal_id']}"
        is_bid = seen.did("auctions.bid")
        steps = (
            # Who comes to the auction first has no list to put up any more.
            Step("offer", "/offers", seen.did("supply.offer") or room is not None),
            Step("bid", market, is_bid),
            Step("win", market, deal is not None),
            Step("ship", path, state in _SHIPPED),
            Step("deliver", path, state in ("delivered", *_ACCEPTED)),
            Step("invoice", path, state in ("invoiced", "settled", "returned")),
        )
        is_past = seen.scene["phase"] in ("awarded", "lapsed")
        return Progress(steps, is_missed=deal is None and is_past)


class Trader:
    """Buys in a mill's auction and sells in one of its own."""

    kind = "trader"
    roles: tuple[str, ...] = ("buyer", "seller", "logistics")
    name, name_en = "访客贸易", "Visitor Trading"

    async def prepare(self, company: Company, code: str) -> str:
        return await auction(company, code, minutes=2, soft_close_s=20)

    async def beat(self, company: Company, tour: Tour, played: Played) -> bool:
        seen = await company.seen(tour)
        if seen.scene["phase"] == "open":
            await outbid(company, tour, played, tour.scene, ("nanning", "zhanjiang"))
            return True
        for room in own_rooms(tour, seen):
            if room["state"] == "open" and room["format"] == "english":
                refineries = ("beihai", "yuxi")
                await outbid(company, tour, played, room["auction_id"], refineries, margin=_RESALE)
        for deal in seen.deals:
            await company.carry_on(tour, deal, mine=None)
        return True

    def progress(self, tour: Tour, seen: Seen) -> Progress:
        room, deal = f"/auctions/{tour.scene}", seen.deal("buyer")
        state = deal["state"] if deal else ""
        path = room if deal is None else f"/deals/{deal['deal_id']}"
        own = next(iter(own_rooms(tour, seen)), None)
        steps = (
            Step("bid", room, seen.did("auctions.bid")),
            Step("win", room, deal is not None),
            Step("accept", path, state in _ACCEPTED),
            Step("sell", "/auctions", own is not None),
            Step(
                "sold",
                "/auctions" if own is None else f"/auctions/{own['auction_id']}",
                own is not None and (own["state"] != "open" or seen.deal("seller") is not None),
            ),
        )
        is_past = seen.scene["phase"] in ("closed", "cancelled")
        return Progress(steps, is_missed=deal is None and is_past and not _is_fresh(seen))


class Operator:
    """Finds an owner for money, opens a group buy, and stops an auction with a colleague."""

    kind = "operator"
    roles: tuple[str, ...] = ("operator",)
    name, name_en = "聚糖市场运营", "Market operator"

    async def prepare(self, company: Company, code: str) -> str:
        payer = await company.person("guilin")
        name = (await payer.get("/me"))["organisation_name"]
        line = {
            "account": "CNY-1",
            "entry_reference": f"GUEST-{code}",
            "booked_on": company.soon()[:10],
            "amount": "20000.00",
            "currency": "CNY",
            "direction": "credit",
            "payer": name,
            "remittance": f"货款 {code[:4].upper()}",
        }
        operator = await company.person(OPERATOR_LOGIN)
        await operator.post("/bank/lines", {"lines": [line]})
        return await auction(company, code, minutes=30, soft_close_s=120)

    async def beat(self, company: Company, tour: Tour, played: Played) -> bool:
        colleague = await company.person(COLLEAGUE_LOGIN)
        room = await colleague.get(f"/auctions/{tour.scene}")
        for motion in room["motions"]:
            path = f"/auctions/{tour.scene}/motions/{motion['motion_id']}/approve"
            await colleague.post(path, key=f"tour-{motion['motion_id']}")
        if room["phase"] == "open" and played.beats % 8 == 1:
            bidder = await company.person(("nanning", "zhanjiang")[played.joined % 2])
            played.joined += 1
            await bid_next(bidder, tour.scene, limit=minor_of(room["start"]) + _MARGIN)
        return room["phase"] in ("open", "paused")

    def progress(self, tour: Tour, seen: Seen) -> Progress:
        room = f"/auctions/{tour.scene}"
        is_open = seen.scene["phase"] == "open"
        is_paused = seen.did("auctions.pause")
        steps = (
            Step("assign", "/desk", seen.did("settlement.assign")),
            Step("open", "/pools", seen.did("pools.open")),
            Step("pause", room, is_paused and (not is_open or seen.did("auctions.pause", 2))),
            Step("resume", room, seen.did("auctions.pause", 2) and is_open),
        )
        is_past = seen.scene["phase"] in ("closed", "cancelled")
        return Progress(steps, is_missed=is_past and not steps[-1].is_done)


PLAYED: Mapping[str, Part] = {
    "factory": Factory(),
    "mill": Mill(),
    "trader": Trader(),
    "operator": Operator(),
}


async def offer(company: Company, code: str, mill: str, deepest: str) -> None:
    """Let a mill stand with price breaks for as long as a tour's pool gathers.

    A mill with as many offers as it may have stands for this tour already.
    """
    breaks = [(1, "5000.00"), (150, "4950.00"), (300, deepest)]
    seller = await company.person(mill)
    try:
        await seller.post(
            "/offers",
            {
                "cell": cell_of(company),
                "breaks": [{"from_lots": lots, "price": price} for lots, price in breaks],
                "capacity_lots": 600,
                "valid_until": company.soon(minutes=_OFFERED_M),
            },
            key=f"tour-{code}-offer",
        )
    except Refused as refused:
        if refused.problem["code"] != "too_many_offers":
            raise


async def gather(
    company: Company, code: str, terms: Mapping[str, Any], *, firming_s: int, closes_s: int
) -> str:
    """Let the operator open a tour's pool."""
    operator = await company.person(OPERATOR_LOGIN)
    made = await operator.post(
        "/pools",
        {
            "cell": cell_of(company),
            "firming_at": company.soon(seconds=firming_s),
            "closes_at": company.soon(seconds=closes_s),
            **terms,
        },
        key=f"tour-{code}-pool",
    )
    return str(made["pool_id"])


async def auction(company: Company, code: str, *, minutes: int, soft_close_s: int) -> str:
    """Let a mill sell 100 lots upward."""
    mill = await company.person("wuxuan")
    made = await mill.post(
        "/auctions",
        {
            "side": "sell",
            "cell": cell_of(company),
            "lots": 100,
            "title": f"武宣糖厂 100 吨 · Wuxuan Mill 100 t {code[:4].upper()}",
            "start": "4900.00",
            "step": "5.00",
            "soft_close_s": soft_close_s,
            "closes_at": company.soon(minutes=minutes),
        },
        key=f"tour-{code}-auction",
    )
    return str(made["auction_id"])


async def join(company: Company, tour: Tour, played: Played) -> None:
    firm = _NEIGHBOURS[played.joined]
    login = await company.neighbour(tour.code, firm)
    await company.pledge(tour.code, tour.scene, login, firm.monthly_lots)
    played.joined += 1


async def outbid(
    company: Company,
    tour: Tour,
    played: Played,
    auction_id: str,
    rivals: Sequence[str],
    *,
    margin: int = _MARGIN,
) -> None:
    """Let a rival begin, and answer the visitor while the price is worth it."""
    if played.beats - played.last_bid_at < _REST:
        return
    room = await (await company.person(tour.login)).get(f"/auctions/{auction_id}")
    is_led = room.get("is_leading") or room.get("my_rank") == 1
    if not is_led and played.joined and tour.organisation_id != room["owner_id"]:
        return
    rival = await company.person(rivals[played.joined % len(rivals)])
    start = minor_of(room["start"])
    limit = start + margin if room["side"] == "sell" else start - margin
    played.last_bid_at = played.beats
    played.joined += 1
    await bid_next(rival, auction_id, limit=limit)


async def bid_next(bidder: Any, auction_id: str, *, limit: int) -> None:
    """Bid the next price that leads, up or down to a limit."""
    room = await bidder.get(f"/auctions/{auction_id}")
    price = minor_of(room.get("next_allowed") or room["start"])
    is_beyond = price > limit if room["side"] == "sell" else price < limit
    if room["phase"] == "open" and not room.get("is_leading") and not is_beyond:
        body = {"price": decimal_text(price), "lots": room["lots"]}
        await bidder.post(f"/auctions/{auction_id}/bids", body)


async def carry_members(company: Company, tour: Tour, members: Sequence[str]) -> bool:
    """Carry the other members' deals of a tour's pool on; return whether any is left."""
    is_left = False
    for login in members:
        listed = await (await company.person(login)).get("/deals?limit=50")
        for deal in listed["deals"]:
            if deal["source_id"].startswith(tour.scene) and deal["state"] not in _OVER:
                is_left = True
                await company.carry_on(tour, deal, mine=login)
    return is_left


def cell_of(company: Company) -> str:
    return f"SUGAR-W1/GX/{tenors_from(company.market.clock.now())[0]}"


def room_of(tour: Tour, seen: Seen) -> Mapping[str, Any] | None:
    """Return the auction that a tour's pool has opened."""
    of_pool = f"pool:{tour.scene}"
    found = (room for room in seen.auctions if room["reference"].startswith(of_pool))
    return next(found, None)


def own_rooms(tour: Tour, seen: Seen) -> Sequence[Mapping[str, Any]]:
    return [room for room in seen.auctions if room["owner_id"] == tour.organisation_id]


def _is_fresh(seen: Seen) -> bool:
    """Whether the visitor leads where the hammer has just fallen: his deal is on its way."""
    return bool(seen.scene.get("is_leading"))
