"""Chapters d to g: deals settle, a price appears, a lot goes back, everything is recomputed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from aggregator.amounts import decimal_text, minor_of
from aggregator.laboratory.clearing import (
    GuaranteeBroken,
    canonical_json,
    check_documents,
    clear_document,
)
from aggregator.ledger.verifying import verify
from web.demonstration.stage import Stage
from web.demonstration.told import Told
from web.demonstration.visitor import Refused
from web.demonstration.watching import Watcher
from web.demonstration.world import (
    AUDITOR_LOGIN,
    FURTHER_DEALS,
    OPERATOR_LOGIN,
    POOL_MEMBERS,
    STRIP_MEMBERS,
    TRANCHE_BIDS,
)


async def deals(stage: Stage, keys: Sequence[str], source: str) -> list[dict[str, Any]]:
    found = []
    for key in keys:
        listed = await (await stage.visitor(key)).get("/deals?limit=200")
        found += [d for d in listed["deals"] if d["source"] == source and d["side"] == "buyer"]
    return found


async def settle(stage: Stage, told: Told, watchers: Sequence[Watcher]) -> None:
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
    settled += await settle_further(stage, told)
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


async def settle_further(stage: Stage, told: Told) -> int:
    """Carry out what the further firms have bought; return how many deals settled."""
    settled = 0
    for _, key, _, _ in FURTHER_DEALS:
        for deal in await _deals_of(stage, key):
            if deal["state"] == "formed":
                await carry_out(stage, told, key, deal)
                settled += 1
    return settled


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


async def return_wet_lot(stage: Stage) -> None:
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


async def recompute(stage: Stage, told: Told) -> None:
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
        try:
            broken = _recomputed(await auditor.get(path))
        except Refused as refused:
            broken = str(refused)
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
