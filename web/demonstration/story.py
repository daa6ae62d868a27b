"""The sugar story, from pledge to live price, in chapters a to g."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import datetime, timedelta

from aggregator.amounts import decimal_text, minor_of
from aggregator.journal.facts import stamp
from web.demonstration.founding import found
from web.demonstration.months import tenors_from
from web.demonstration.settling import deals, recompute, return_wet_lot, settle
from web.demonstration.stage import Stage
from web.demonstration.told import INSTRUMENT, Told
from web.demonstration.watching import Watcher
from web.demonstration.world import (
    FURTHER_DEALS,
    MOST_CALLED_OFF,
    OPERATOR_LOGIN,
    POOL_MEMBERS,
    STRIP_MEMBERS,
    STRIP_MILL,
    TRANCHE_BIDS,
)

WATCHERS = 5


async def play(stage: Stage) -> Told:
    """Play the whole story; every statement of it is checked and put into the report."""
    tell = stage.report.tell
    tell("聚糖示范市场 · The demonstration market of sugar")
    tell(f"  it is served at {stage.base_url}, its feed at {stage.feed_url}")
    told = Told(await found(stage), tenors_from(stage.clock.now()))
    tell(f"  {len(told.firms)} firms are registered and have their money in")
    async with AsyncExitStack() as exits:
        watchers = [
            await exits.enter_async_context(Watcher(stage.base_url, f"watcher-{n}"))
            for n in range(WATCHERS)
        ]
        await _offers(stage, told)
        await _gather(stage, told)
        await _open_strip(stage, told)
        await _sell_tranches(stage, told)
        told.further = await sell_further(stage, told.pool_cell)
        await _firm_up(stage, told)
        await _clear_strip(stage, told)
        await _buy_pool(stage, told)
        await settle(stage, told, watchers)
    await return_wet_lot(stage)
    await recompute(stage, told)
    return told


async def _offers(stage: Stage, told: Told) -> None:
    """Let two mills stand in the pool's cell with price breaks."""
    until = stamp(stage.clock.now() + timedelta(days=20))
    for mill, breaks in (
        ("laibin", (("1", "5000.00"), ("200", "4960.00"), ("300", "4900.00"))),
        ("baise", (("1", "5010.00"), ("250", "4950.00"))),
    ):
        seller = await stage.visitor(mill)
        await seller.post(
            "/offers",
            {
                "cell": told.pool_cell,
                "breaks": [{"from_lots": int(lots), "price": price} for lots, price in breaks],
                "capacity_lots": 2000,
                "valid_until": until,
            },
        )


async def _gather(stage: Stage, told: Told) -> None:
    """(a) Factories of similar size pledge; two are not enough for the break."""
    stage.report.tell("\na. 广西三家相近规模的工厂聚成一团 · Factories of similar size gather")
    now = stage.clock.now()
    operator = await stage.visitor(OPERATOR_LOGIN)
    made = await operator.post(
        "/pools",
        {
            "cell": told.pool_cell,
            "firming_at": stamp(now + timedelta(days=2)),
            "closes_at": stamp(now + timedelta(days=3)),
            "mode": "both",
            "auction_minutes": 30,
        },
    )
    told.pool = made["pool_id"]
    for key in POOL_MEMBERS[:-1]:
        await _pledge(stage, told, key)
        await stage.pass_by(hours=2)


async def _pledge(stage: Stage, told: Told, key: str) -> None:
    lots = {"guinan": 80, "yongjiang": 100, "liuzhou": 150}[key]
    buyer = await stage.visitor(key)
    await buyer.post(
        f"/pools/{told.pool}/pledges",
        {"lots": lots, "limit": "5040.00", "freight": "30.00"},
    )
    stage.report.tell(f"  {key} pledges {lots} t")


async def _firm_up(stage: Stage, told: Told) -> None:
    """The last member joins while commitments are one-way; the break is reached."""
    await stage.pass_by(days=2)
    await _pledge(stage, told, POOL_MEMBERS[-1])
    shown = await (await stage.visitor(POOL_MEMBERS[0])).get(f"/pools/{told.pool}")
    stage.report.check(
        "a",
        "the pool is firming when it reaches its break",
        holds=shown["phase"] == "firming",
        found=shown["phase"],
    )


async def _buy_pool(stage: Stage, told: Told) -> None:
    """The close opens an auction below the earned price; mills undercut each other."""
    member = await stage.visitor(POOL_MEMBERS[0])
    shown = await member.get(f"/pools/{told.pool}")
    await stage.pass_time(datetime.fromisoformat(shown["closes_at"]))
    member = await stage.visitor(POOL_MEMBERS[0])
    listed = await member.get("/auctions?side=buy&state=open")
    [auction] = [a for a in listed["auctions"] if a["reference"].startswith(f"pool:{told.pool}")]
    told.pool_auction = auction["auction_id"]
    room = await member.get(f"/auctions/{told.pool_auction}")
    stage.report.tell(
        f"  the pool of {room['lots']} t closed at {room['start']}; the auction is open below it"
    )
    path = f"/auctions/{told.pool_auction}/bids"
    for mill, price in (("baise", "4890.00"), ("laibin", "4880.00"), ("chongzuo", "4870.00")):
        await (await stage.visitor(mill)).post(path, {"price": price, "lots": room["lots"]})
        await stage.pass_by(minutes=9)
    await stage.pass_by(minutes=2)
    last = await (await stage.visitor("laibin")).post(
        path, {"price": "4860.00", "lots": room["lots"]}
    )
    stage.report.check(
        "a",
        "a leading bid in the last two minutes moves the close",
        holds=last["closes_at"] > room["closes_at"],
        found=last["closes_at"],
    )
    await stage.pass_by(minutes=5)
    shown = await member.get(f"/pools/{told.pool}")
    bought = await deals(stage, POOL_MEMBERS, "pool")
    prices = sorted({deal["goods"] for deal in bought})
    stage.report.check(
        "a",
        "the pool is bought under 5000, one goods price for all",
        holds=shown["phase"] == "awarded"
        and len(bought) == len(POOL_MEMBERS)
        and len(prices) == 1
        and minor_of(prices[0]) < minor_of("5000.00"),
        found=", ".join(prices),
    )


async def _sell_tranches(stage: Stage, told: Told) -> None:
    """(b) A mill auctions 5,000 t upward, and sells 3,000 t and 2,000 t at its list prices."""
    stage.report.tell("\nb. 崇左糖厂向上拍卖 · A mill auctions its tranches upward")
    mill = await stage.visitor("chongzuo")
    opened = []
    for lots, start in ((5000, "5000.00"), (3000, "5100.00"), (2000, "5200.00")):
        made = await mill.post(
            "/auctions",
            {
                "side": "sell",
                "cell": told.mill_cell,
                "lots": lots,
                "title": f"崇左糖厂 {lots} 吨 · Chongzuo Mill {lots} t",
                "start": start,
                "step": "10.00",
                "closes_at": stamp(stage.clock.now() + timedelta(hours=1)),
                "pricing": "last_accepted",
                "kinds": ["trader", "refiner"],
            },
        )
        opened.append(made["auction_id"])
    told.tranches = tuple(opened)
    for bidder, lots, price in TRANCHE_BIDS:
        await bid(stage, opened[0], bidder, price, lots)
        await stage.pass_by(minutes=5)
    await bid(stage, opened[1], "nanning", "5100.00", 3000)
    await bid(stage, opened[2], "qinzhou", "5200.00", 2000)
    await stage.pass_by(hours=2)
    shown = await mill.get(f"/auctions/{opened[0]}")
    awards = shown["result"]["awards"]
    price = shown["result"]["clearing_price"]
    stage.report.check(
        "b",
        "the 5,000 t are sold above 5000",
        holds=sum(award["lots"] for award in awards) == 5000
        and minor_of(price) > minor_of("5000.00"),
        found=f"{price} to {len(awards)} firms",
    )


async def bid(stage: Stage, auction_id: str, bidder: str, price: str, lots: int) -> None:
    visitor = await stage.visitor(bidder)
    await visitor.post(f"/auctions/{auction_id}/bids", {"price": price, "lots": lots})


async def sell_further(stage: Stage, cell: str, above_minor: int = 0) -> tuple[str, ...]:
    """Let other firms trade in a cell, each in an auction of its own; return the auctions.

    Their prices stand `above_minor` above those of the story.
    """
    opened = []
    for seller, buyer, lots, price in FURTHER_DEALS:
        mill, paid_minor = await stage.visitor(seller), minor_of(price) + above_minor
        made = await mill.post(
            "/auctions",
            {
                "side": "sell",
                "cell": cell,
                "lots": lots,
                "start": decimal_text(paid_minor - 1000),
                "step": "5.00",
                "closes_at": stamp(stage.clock.now() + timedelta(minutes=30)),
            },
        )
        opened.append(made["auction_id"])
        await bid(stage, made["auction_id"], buyer, decimal_text(paid_minor), lots)
    await stage.pass_by(hours=1)
    return tuple(opened)


async def _open_strip(stage: Stage, told: Told) -> None:
    """(c) Three buyers with three pick-up months place forward orders."""
    await _declare_years(stage, told.tenors)
    operator = await stage.visitor(OPERATOR_LOGIN)
    made = await operator.post(
        "/strips",
        {
            "title": "广东春季远期 · Guangdong spring",
            "instrument": INSTRUMENT,
            "region": "GD",
            "tenors": list(told.tenors),
            "closes_at": stamp(stage.clock.now() + timedelta(days=2, hours=12)),
        },
    )
    told.strip = made["strip_id"]
    for key, tenor, lots in zip(STRIP_MEMBERS, told.tenors, (40, 60, 80), strict=True):
        await (await stage.visitor(key)).post(
            f"/strips/{told.strip}/orders",
            {"form": "period", "tenor": tenor, "lots": lots, "limit": "5000.00"},
        )
    for mill, extra in (("baise", 0), ("laibin", 1500)):
        steps = {
            tenor: [{"lots": 300, "price": decimal_text(498_000 + extra + 500 * month)}]
            for month, tenor in enumerate(told.tenors)
        }
        await (await stage.visitor(mill)).post(
            f"/strips/{told.strip}/offers",
            {"steps": steps, "capacity": 600, "breaks": [{"lots": 150, "rebate": "70.00"}]},
        )


async def _clear_strip(stage: Stage, told: Told) -> None:
    stage.report.tell("\nc. 三家三个月份捆成一单 · Three months become one negotiation")
    await stage.pass_by(hours=13)
    for key in STRIP_MEMBERS:
        shown = await (await stage.visitor(key)).get(f"/strips/{told.strip}")
        [order] = shown["orders"]
        paid, single = minor_of(order["paid"]), minor_of(order["single"] or "0.00")
        stage.report.check(
            "c",
            f"{key} beats its single offer",
            holds=order["state"] == "awarded" and paid < single,
            found=f"{order['paid']} instead of {order['single']}",
        )
    await _call_off(stage)


async def _call_off(stage: Stage) -> None:
    """Call off the months, one of them in part, and let the mill confirm: deals are formed."""
    formed = 0
    for key in STRIP_MEMBERS:
        buyer = await stage.visitor(key)
        [summary] = (await buyer.get("/contracts"))["contracts"]
        [slot] = (await buyer.get(f"/contracts/{summary['contract_id']}"))["slots"]
        lots = min(slot["left_lots"], MOST_CALLED_OFF)
        nominated = await buyer.post(
            f"/slots/{slot['slot_id']}/call-offs",
            {"lots": lots, "delivery_on": slot["delivery_from"]},
        )
        mill = await stage.visitor(STRIP_MILL)
        answer = await mill.post(f"/call-offs/{nominated['call_off_id']}/confirm")
        formed += answer["state"] == "confirmed"
    stage.report.check("c", "the mill confirms every call-off", holds=formed == len(STRIP_MEMBERS))


async def _declare_years(stage: Stage, tenors: Sequence[str]) -> None:
    """Let the operator declare the years that nobody knows yet, so that the story can be told."""
    operator = await stage.visitor(OPERATOR_LOGIN)
    known = {year["year"] for year in (await operator.get("/calendars/CN"))["years"]}
    first = int(tenors[0][:4]) - (tenors[0][5:] == "01")
    for year in sorted(set(range(first, int(tenors[-1][:4]) + 1)) - known):
        await operator.put(f"/calendars/CN/{year}", {"status": "provisional", "days": []})
