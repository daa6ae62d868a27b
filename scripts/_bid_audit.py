"""What must hold after a storm of bids, whoever was killed: one story told by all.

Journal, command rows, receipts, stamps and ledger are compared one by one, and each auction is
ended, where it has not, and played again.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from aggregator.app import market_on
from aggregator.auctions import closing, replaying, sealing, store
from aggregator.clock import SimulatedClock, SystemClock
from aggregator.journal.facts import stamp
from aggregator.journal.reading import Pool, decoded, entries
from aggregator.ledger.verifying import verify
from matching.auctions.events import BidPlaced
from scripts._bid_storm import Asked, Bidder, Witnesses
from tests.builders import START

CLOCKS_AGREE = timedelta(seconds=1)
"""How far a stamp may lie from the time by which it is judged; clocks are off by far more."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What the storm asked and was told."""

    auctions: list[str]
    bidders: list[Bidder]
    witnesses: Witnesses


async def audit(heard: Heard, dsn: str) -> None:
    later = SimulatedClock(SystemClock().now() + timedelta(days=30))
    async with market_on(dsn, clock=later) as market:
        told = await commands_told(heard)
        heard.witnesses.seen["auctions that closed in the storm"] = await closed_already()
        for auction in heard.auctions:
            await audit_bids(heard, auction, told)
        for auction in heard.auctions:
            await closing.end(market, auction)
            await closing.conclude(market, auction)
            replayed = await replaying.replay(auction)
            if replayed.difference:
                heard.witnesses.broken(f"{auction} replays differently: {replayed.difference}")
        for difference in (await verify()).differences:
            heard.witnesses.broken(f"ledger: {difference}")


async def closed_already() -> int:
    [row] = await Pool().rows("select count(*) as found from auction where state = 'closed'")
    return int(row["found"])


async def commands_told(heard: Heard) -> dict[str, Any]:
    """Compare each command's row with the answer its firm was given."""
    rows = await Pool().rows("select id, outcome, answer from command where act = 'auctions.bid'")
    told = {row["id"]: (row["outcome"], sealing.readable(decoded(row["answer"]))) for row in rows}
    for bidder in heard.bidders:
        for asked in bidder.asked:
            if asked.answer is None:
                continue
            status, said = asked.answer
            outcome, kept = told.get(asked.command_id, ("absent", {}))
            if status == 201 and (outcome != "done" or kept["bid_id"] != said["bid_id"]):
                heard.witnesses.broken(f"{asked.command_id} was acknowledged and is {outcome}")
            if status != 201 and outcome == "done":
                heard.witnesses.broken(f"{asked.command_id} was refused and is done")
    return told


async def audit_bids(heard: Heard, auction: str, told: dict[str, Any]) -> None:
    """Compare the journal's bids with command rows and receipts, one by one and in order."""
    broken = heard.witnesses.broken
    acknowledged = {
        asked.command_id: asked
        for bidder in heard.bidders
        for asked in bidder.asked
        if asked.auction == auction and asked.answer is not None and asked.answer[0] == 201
    }
    receipts = {name: asked.answer[1] for name, asked in acknowledged.items() if asked.answer}
    rows = await Pool().rows(
        "select seq, command from journal"
        " where stream = $1 and kind = any($2::text[]) order by seq",
        store.stream_of(auction),
        ["BidPlaced", "ActSealed"],
    )
    command_of = {row["seq"]: row["command"] for row in rows}
    applied = Counter(command_of.values())
    for command_id, count in applied.items():
        if count != 1:
            broken(f"{command_id} was applied {count} times")
    for command_id in receipts.keys() - applied.keys():
        broken(f"{command_id} was acknowledged and is lost")
    room, own, last_at, number = store.Room(), Counter[str](), START, 0
    for entry in sealing.history(auction, await entries(None, store.stream_of(auction))):
        is_over = room.state is not None and room.state.phase == "closed"
        room = store.advance(room, entry)
        if not isinstance(entry.fact, BidPlaced):
            continue
        if is_over:
            broken(f"{entry.fact.bid_id} stands after the close")
        bid, number = entry.fact, number + 1
        own[bid.bidder] += 1
        outcome, answer = told.get(command_of[entry.seq], ("absent", {}))
        if outcome != "done" or answer["bid_id"] != bid.bid_id:
            broken(f"{bid.bid_id} stands in the journal; its command is {outcome}")
        if bid.seq != number or (number > 1 and bid.at < last_at):
            broken(f"{bid.bid_id} stands at {bid.seq}, {bid.at}; {number} was its place")
        last_at = bid.at
        audit_stamp(heard, bid, acknowledged.get(command_of[entry.seq]))
        receipt = receipts.get(command_of[entry.seq])
        head = room.chain.head.hex() if room.chain else ""
        expected = (bid.bid_id, own[bid.bidder], stamp(bid.at), head)
        if receipt and tuple(receipt[name] for name in ("bid_id", "seq", "at", "hash")) != expected:
            broken(f"{bid.bid_id}: the receipt says {receipt}, the journal {expected}")
    heard.witnesses.seen["bids in the journal"] += number


def audit_stamp(heard: Heard, bid: BidPlaced, asked: Asked | None) -> None:
    """A bid is stamped between the instants at which it was asked for and answered."""
    if asked is None or asked.answered_at is None:
        return
    if not asked.asked_at - CLOCKS_AGREE <= bid.at <= asked.answered_at + CLOCKS_AGREE:
        heard.witnesses.broken(
            f"{bid.bid_id} is stamped {bid.at}; it was asked for at {asked.asked_at}"
            f" and answered at {asked.answered_at}"
        )
    heard.witnesses.seen["stamps compared with the true time"] += 1
