"""512 bidders follow one auction: what a bid's views cost, in bursts and one bid at a time.

Bids are facts that are at hand already, so only views are measured: who sees what, its number,
its frames. One bid at a time, every audience's whole view is made anew and compared, as a topic
is folded that tells nothing of what its views share.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from aggregator.auctions.facts import AuctionListed, BidderEntered
from aggregator.auctions.topic import AuctionTopic
from aggregator.journal.reading import Entry
from aggregator.market import PUBLIC, Audience
from matching.auctions.commands import PlaceBid
from matching.auctions.engine import decide, evolve, initial, next_allowed, open_auction
from matching.auctions.rules import Rules
from web.feed.folds import ALL, Fold
from web.feed.shared import SharedFold

BIDDERS, BIDS, BURST, ALONE = 512, 2_000, 64, 4
WORDS = ("full", "best", "rank", "blind")
FIRMS = [f"org_{number:03}" for number in range(BIDDERS)]
AUDIENCES = [
    *(Audience("member", firm) for firm in FIRMS),
    *(PUBLIC, Audience("owner", "mill"), Audience("operator", "market")),
]
OPENS = datetime(2027, 1, 5, 11, tzinfo=UTC)


def measured(seed: int) -> Iterator[tuple[str, float, str]]:
    """Return rows: a name, a figure, a unit."""
    for word in WORDS:
        before, bids = journal(word, random.Random(seed))
        name = f"512 bidders follow, {word}:"
        plain = followed(Fold, before)
        alone_us = took_us(plain, bids[:ALONE], burst=1) / ALONE
        bursts_us = took_us(followed(SharedFold, before), bids, burst=BURST) / BIDS
        yield f"{name} a bid's views, in bursts of {BURST}", bursts_us, "us"
        yield f"{name} one bid at a time, all views anew", alone_us, "us"
        yield f"{name} times as fast", alone_us / bursts_us, "x"
        at_once_us = took_us(followed(SharedFold, before), bids, burst=BIDS)
        yield f"{name} last view of {BIDS:,} bids at once after", at_once_us / 1000, "ms"


def journal(word: str, chance: random.Random) -> tuple[list[Entry], list[Entry]]:
    """Return what an auction's journal holds once each has bid, and the bids after that."""
    rules = Rules(
        side="sell",
        format="english",
        opens_at=OPENS,
        closes_at=OPENS + timedelta(hours=1),
        lots=100,
        tick_minor=10,
        start_minor=1_000,
        disclosure=word,
    )
    opened = open_auction(rules, OPENS)
    facts: list[Any] = [listing(), opened]
    facts += [BidderEntered(firm, firm, f"Firm {firm}") for firm in FIRMS]
    state = initial(opened)
    for number in range(BIDDERS + BIDS):
        firm = FIRMS[number] if number < BIDDERS else chance.choice(FIRMS)
        price_minor = (next_allowed(state, firm) or 0) + 10 * chance.randrange(40)
        bid = PlaceBid(f"bid_{number}", firm, price_minor, 10)
        for fact in decide(state, bid, OPENS + timedelta(milliseconds=number)):
            state = evolve(state, fact)
            facts.append(fact)
    found = [
        Entry("auction:a", seq, OPENS, fact, "", b"") for seq, fact in enumerate(facts, start=1)
    ]
    return found[:-BIDS], found[-BIDS:]


def listing() -> AuctionListed:
    words = (
        "auction_id reference owner_id owner_name title instrument_id instrument_name_zh"
        " instrument_name_en lot_text region region_name_zh region_name_en tenor cell"
    )
    basis_points = "deposit_bps tax_bps fee_bps service_tax_bps"
    return AuctionListed(
        currency="CNY",
        kinds=(),
        invited=(),
        barred_groups=(),
        **dict.fromkeys(words.split(), "words"),
        **dict.fromkeys(basis_points.split(), 0),
    )


def followed(kind: type[Fold], before: list[Entry]) -> Fold:
    """Return a fold that all begin to follow after those entries; only the views count here."""
    fold = kind("auction:a", "a", AuctionTopic(), "auction:a", origin="bench", window=1_000)
    fold.take(before)
    for audience in AUDIENCES:
        fold.open(audience)
    return fold


def took_us(fold: Fold, bids: list[Entry], *, burst: int) -> float:
    began = time.perf_counter()
    for at in range(0, len(bids), burst):
        for entry in bids[at : at + burst]:
            fold.note(entry)
        fold.show(ALL)
    return (time.perf_counter() - began) * 1e6
