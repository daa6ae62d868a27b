"""What the demonstration leaves open for whoever comes in."""

from __future__ import annotations

from datetime import timedelta

from aggregator.journal.facts import stamp
from web.demonstration.months import tenors_from
from web.demonstration.stage import Stage
from web.demonstration.story import bid
from web.demonstration.told import INSTRUMENT
from web.demonstration.world import LEFT_OPEN, OPERATOR_LOGIN


async def leave_open(stage: Stage) -> None:
    """Leave a pool, an auction and a forward window open."""
    cell = f"{INSTRUMENT}/GX/{tenors_from(stage.clock.now())[1]}"
    await _offers(stage, cell)
    await _pool(stage, cell)
    await _auction(stage, cell)
    await _packages(stage)
    await _strip(stage)


async def _offers(stage: Stage, cell: str) -> None:
    for key, deepest in (("laibin", "4880.00"), ("baise", "4890.00")):
        seller = await stage.visitor(key)
        await seller.post(
            "/offers",
            {
                "cell": cell,
                "breaks": [
                    {"from_lots": 1, "price": "5000.00"},
                    {"from_lots": 150, "price": "4950.00"},
                    {"from_lots": 300, "price": deepest},
                ],
                "capacity_lots": 2000,
                "valid_until": stamp(stage.clock.now() + timedelta(days=20)),
            },
        )


async def _pool(stage: Stage, cell: str) -> None:
    now = stage.clock.now()
    operator = await stage.visitor(OPERATOR_LOGIN)
    pool = await operator.post(
        "/pools",
        {
            "cell": cell,
            "firming_at": stamp(now + timedelta(days=2)),
            "closes_at": stamp(now + timedelta(days=3)),
            "mode": "both",
            "auction_minutes": 30,
        },
    )
    for key, lots in LEFT_OPEN:
        buyer = await stage.visitor(key)
        await buyer.post(
            f"/pools/{pool['pool_id']}/pledges",
            {"lots": lots, "limit": "5040.00", "freight": "25.00"},
        )


async def _auction(stage: Stage, cell: str) -> None:
    mill = await stage.visitor("wuxuan")
    auction = await mill.post(
        "/auctions",
        {
            "side": "sell",
            "cell": cell,
            "lots": 200,
            "title": "武宣糖厂 200 吨 · Wuxuan Mill 200 t",
            "start": "4900.00",
            "step": "5.00",
            "closes_at": stamp(stage.clock.now() + timedelta(hours=24)),
        },
    )
    await bid(stage, auction["auction_id"], "guilin", "4905.00", 200)


async def _packages(stage: Stage) -> None:
    """A mill sells three months in packages; two buyers' sealed packages wait for the close."""
    mill = await stage.visitor("wuxuan")
    months = tenors_from(stage.clock.now())[:3]
    auction = await mill.post(
        "/auctions",
        {
            "side": "sell",
            "format": "packages",
            "cell": f"{INSTRUMENT}/GX/{months[0]}",
            "lots": 300,
            "items": [{"tenor": month, "lots": 100, "start": "4800.00"} for month in months],
            "step": "5.00",
            "title": "武宣糖厂 三个月组合 · Wuxuan Mill, three months",
            "closes_at": stamp(stage.clock.now() + timedelta(hours=30)),
        },
    )
    path = f"/auctions/{auction['auction_id']}/packages"
    for key, items, price in (
        ("guilin", months, "4850.00"),
        ("yulin", months[:2], "4870.00"),
        ("yulin", months[2:], "4830.00"),
    ):
        buyer = await stage.visitor(key)
        await buyer.post(path, {"items": items, "price": price})


async def _strip(stage: Stage) -> None:
    now = stage.clock.now()
    operator = await stage.visitor(OPERATOR_LOGIN)
    await operator.post(
        "/strips",
        {
            "title": "广西三个月远期 · Guangxi, three months",
            "instrument": INSTRUMENT,
            "region": "GX",
            "tenors": tenors_from(now),
            "closes_at": stamp(now + timedelta(days=4)),
        },
    )
