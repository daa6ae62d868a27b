"""The sugar story, from pledge to live price, in chapters a to g."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from aggregator.amounts import decimal_text, minor_of
from aggregator.journal.facts import stamp
from aggregator.laboratory.clearing import (
    GuaranteeBroken,
    canonical_json,
    check_documents,
    clear_document,
)
from aggregator.ledger.verifying import verify
from web.demonstration.founding import Registered, found
from web.demonstration.stage import Stage
from web.demonstration.watching import Watcher
from web.demonstration.world import (
    AUDITOR_LOGIN,
    FURTHER_DEALS,
    OPERATOR_LOGIN,
    POOL_MEMBERS,
    STRIP_MEMBERS,
    TRANCHE_BIDS,
)

INSTRUMENT = "SUGAR-W1"
WATCHERS = 5


@dataclass
class Told:
    """What the story has brought about so far."""

    firms: Mapping[str, Registered]
    tenors: Sequence[str]
    pool: str = ""
    pool_auction: str = ""
    tranches: tuple[str, ...] = ()
    further: tuple[str, ...] = ()
    strip: str = ""

    @property
    def pool_cell(self) -> str:
        return f"{INSTRUMENT}/GX/{self.tenors[0]}"

    @property
    def mill_cell(self) -> str:
        return f"{INSTRUMENT}/YN/{self.tenors[0]}"


async def play(stage: Stage) -> Told:
    """Play the whole story; every statement of it is checked and put into the report."""
    tell = stage.report.tell
    tell("聚糖示范市场 · The demonstration market of sugar")
    told = Told(await found(stage), _tenors(stage.clock.now()))
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
        await _sell_further(stage, told)
        await _firm_up(stage, told)
        await _clear_strip(stage, told)
        await _buy_pool(stage, told)
        await _settle(stage, told, watchers)
    await _return_wet_lot(stage)
    await _verify(stage, told)
    return told


def _tenors(now: datetime) -> list[str]:
    """Return the second, third and fourth month from now."""
    months = [now.year * 12 + now.month - 1 + ahead for ahead in (2, 3, 4)]
    return [f"{month // 12}-{month % 12 + 1:02d}" for month in months]


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
    deals = await _deals(stage, POOL_MEMBERS, "pool")
    prices = sorted({deal["goods"] for deal in deals})
    stage.report.check(
        "a",
        "the pool is bought under 5000, one goods price for all",
        holds=shown["phase"] == "awarded"
        and len(deals) == len(POOL_MEMBERS)
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
                "title": f"崇左糖厂 {lots} 吨",
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
        await _bid(stage, opened[0], bidder, price, lots)
        await stage.pass_by(minutes=5)
    await _bid(stage, opened[1], "nanning", "5100.00", 3000)
    await _bid(stage, opened[2], "qinzhou", "5200.00", 2000)
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


async def _bid(stage: Stage, auction_id: str, bidder: str, price: str, lots: int) -> None:
    visitor = await stage.visitor(bidder)
    await visitor.post(f"/auctions/{auction_id}/bids", {"price": price, "lots": lots})


async def _sell_further(stage: Stage, told: Told) -> None:
    """Let other firms of the pool's cell trade, each in an auction of its own."""
    opened = []
    for seller, buyer, lots, price in FURTHER_DEALS:
        mill = await stage.visitor(seller)
        made = await mill.post(
            "/auctions",
            {
                "side": "sell",
                "cell": told.pool_cell,
                "lots": lots,
                "title": f"{lots} t",
                "start": decimal_text(minor_of(price) - 1000),
                "step": "5.00",
                "closes_at": stamp(stage.clock.now() + timedelta(minutes=30)),
            },
        )
        opened.append(made["auction_id"])
        await _bid(stage, made["auction_id"], buyer, price, lots)
    told.further = tuple(opened)
    await stage.pass_by(hours=1)


async def _open_strip(stage: Stage, told: Told) -> None:
    """(c) Three buyers with three pick-up months place forward orders."""
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


async def _deals(stage: Stage, keys: Sequence[str], source: str) -> list[dict[str, Any]]:
    found = []
    for key in keys:
        listed = await (await stage.visitor(key)).get("/deals?limit=200")
        found += [d for d in listed["deals"] if d["source"] == source and d["side"] == "buyer"]
    return found


async def _settle(stage: Stage, told: Told, watchers: Sequence[Watcher]) -> None:
    """(d) Money, goods and invoice agree; (e) only then does a price appear, everywhere."""
    stage.report.tell("\nd. 钱、货、票三清 · Money, goods and invoice agree")
    buyers = sorted({*POOL_MEMBERS, *STRIP_MEMBERS, *(b for b, _, _ in TRANCHE_BIDS)})
    settled = 0
    for key in buyers:
        for deal in await _deals_of(stage, key):
            await carry_out(stage, told, key, deal)
            settled += 1
    quiet = all(watcher.frames == 0 and not watcher.prices for watcher in watchers)
    stage.report.check("e", f"{settled} deals settled and no price was pushed yet", holds=quiet)
    for _, key, _, _ in FURTHER_DEALS:
        for deal in await _deals_of(stage, key):
            await carry_out(stage, told, key, deal)
            settled += 1
    stage.report.check("d", "every deal of the story settled", holds=settled >= 15, found=settled)
    stage.report.tell("\ne. 价格出现 · A price appears")
    arrived = [await watcher.price_of(told.pool_cell) for watcher in watchers]
    board = await (await stage.visitor(OPERATOR_LOGIN)).get("/prices")
    rows = {row["cell"]: row for row in board["cells"]}
    price = rows[told.pool_cell]["price"]
    stage.report.check(
        "e",
        "every subscribed socket got the cell's price",
        holds=price is not None and arrived == [price["value"]] * len(watchers),
        found=f"{told.pool_cell} {arrived[0]}",
    )
    mill = rows[told.mill_cell]
    stage.report.check(
        "e",
        "the mill's cell stays suppressed, and the board names the rule",
        holds=mill["price"] is None and bool(mill["suppressed_by"]),
        found=mill["suppressed_by"],
    )


async def _deals_of(stage: Stage, key: str) -> list[dict[str, Any]]:
    listed = await (await stage.visitor(key)).get("/deals?limit=200")
    return [deal for deal in listed["deals"] if deal["side"] == "buyer"]


async def carry_out(stage: Stage, told: Told, buyer: str, deal: Mapping[str, Any]) -> None:
    """Take one deal from formed to settled, each act by who may do it."""
    path, lots = f"/deals/{deal['deal_id']}", deal["lots"]
    by_id = {firm.id: key for key, firm in told.firms.items()}
    seller = by_id[deal["counterparty_id"]]
    await (await stage.visitor(f"{buyer}.pay")).post(f"{path}/fund")
    await (await stage.visitor(seller)).post(
        f"{path}/ship", {"lots": lots, "carrier": "桂运物流", "vehicle": "桂A·10086"}
    )
    await (await stage.visitor(seller)).post(
        f"{path}/deliver",
        {"lots": lots, "place": "买方仓库", "document": f"磅单 {deal['deal_id'][-6:]}"},
    )
    await (await stage.visitor(buyer)).post(f"{path}/accept", {"lots": lots})
    await (await stage.visitor(seller)).post(f"{path}/invoice")
    shown = await (await stage.visitor(buyer)).get(path)
    if shown["state"] != "settled":
        stage.report.check("d", f"{path} settles", holds=False, found=shown["state"])


async def _return_wet_lot(stage: Stage) -> None:
    """(f) One wet lot goes back: credit note, reversal, no restatement."""
    stage.report.tell("\nf. 一吨受潮退货 · One wet lot is returned")
    key = POOL_MEMBERS[1]
    await stage.pass_by(days=1)
    buyer = await stage.visitor(key)
    board = await buyer.get("/prices")
    before = {row["cell"]: row["price"] for row in board["cells"]}
    [deal] = [d for d in await _deals_of(stage, key) if d["source"] == "pool"]
    cash = await _cash(stage, key)
    await buyer.post(
        f"/deals/{deal['deal_id']}/return",
        {"lots": 1, "reason": "wet", "evidence": "袋底结块，含水 0.6%"},
    )
    shown = await buyer.get(f"/deals/{deal['deal_id']}")
    notes = [d for d in shown["documents"] if d["kind"] == "credit_note"]
    stage.report.check(
        "f",
        "a credit note was issued",
        holds=len(notes) >= 1,
        found=", ".join(note["total"] for note in notes),
    )
    back = await _cash(stage, key) - cash
    stage.report.check("f", "the money came back", holds=back > 0, found=decimal_text(back))
    board = await buyer.get("/prices")
    after = {row["cell"]: row["price"] for row in board["cells"]}
    stage.report.check("f", "no published price was restated", holds=before == after)


async def _cash(stage: Stage, key: str) -> int:
    money = await (await stage.visitor(f"{key}.pay")).get("/money")
    return sum(minor_of(a["balance"]) for a in money["balances"] if a["purpose"] == "cash")


async def _verify(stage: Stage, told: Told) -> None:
    """(g) The ledger adds up, and every result follows from its inputs."""
    stage.report.tell("\ng. 复核 · Everything is recomputed")
    report = await verify()
    stage.report.check(
        "g",
        "the ledger has no difference",
        holds=not report.differences,
        found=f"{report.accounts} accounts, {report.postings} postings",
    )
    auditor = await stage.visitor(AUDITOR_LOGIN)
    results = [
        ("pool", f"/pools/{told.pool}/evidence"),
        ("strip", f"/strips/{told.strip}/evidence"),
    ]
    auctions = (told.pool_auction, *told.tranches, *told.further)
    results += [("auction", f"/auctions/{auction}/evidence") for auction in auctions]
    for what, path in results:
        evidence = await auditor.get(path)
        broken = _recomputed(evidence)
        stage.report.check(
            "g",
            f"{what} {path.split('/')[2]} follows from its inputs",
            holds=not broken,
            found=broken,
        )


def _recomputed(evidence: Mapping[str, Any]) -> str:
    """Clear an instance anew and check the given result; return what is wrong, or nothing."""
    instance = json.dumps(evidence["instance"]).encode()
    given = canonical_json(evidence["result"])
    try:
        check_documents(instance, given.encode())
    except GuaranteeBroken as broken:
        return str(broken)
    again = canonical_json(clear_document(instance))
    return "" if again == given else "clearing it anew gives another result"


async def leave_open(stage: Stage) -> None:
    """Leave a pool, an auction and a forward window open for whoever comes in."""
    now = stage.clock.now()
    tenors = _tenors(now)
    cell = f"{INSTRUMENT}/GX/{tenors[1]}"
    operator = await stage.visitor(OPERATOR_LOGIN)
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
                "valid_until": stamp(now + timedelta(days=20)),
            },
        )
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
    for key, lots in (("guigang", 110), ("yulin", 100), ("hechi", 120)):
        buyer = await stage.visitor(key)
        await buyer.post(
            f"/pools/{pool['pool_id']}/pledges",
            {"lots": lots, "limit": "5040.00", "freight": "25.00"},
        )
    wuxuan = await stage.visitor("wuxuan")
    auction = await wuxuan.post(
        "/auctions",
        {
            "side": "sell",
            "cell": cell,
            "lots": 200,
            "title": "武宣糖厂 200 吨",
            "start": "4900.00",
            "step": "5.00",
            "closes_at": stamp(now + timedelta(hours=24)),
        },
    )
    await _bid(stage, auction["auction_id"], "guilin", "4905.00", 200)
    await operator.post(
        "/strips",
        {
            "title": "广西春夏远期 · Guangxi spring and summer",
            "instrument": INSTRUMENT,
            "region": "GX",
            "tenors": tenors,
            "closes_at": stamp(now + timedelta(days=4)),
        },
    )
