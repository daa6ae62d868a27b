"""Bids through the journal: receipts, deposits, who may come, and time."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from aggregator.auctions import bidding, queries
from aggregator.auctions.bundle import record_of
from aggregator.auctions.errors import GroupAlreadyBids, KindNotAdmitted, RelatedToOwner
from aggregator.auctions.facts import BidderEntered
from aggregator.auctions.keys import key_of
from aggregator.bus.memory import MemoryBus
from aggregator.errors import InsufficientFunds, NotAllowed, NotFound
from aggregator.ids import RandomIds
from aggregator.ledger import verifying
from aggregator.market import Command, Market
from aggregator.reactions import ON_FACT
from matching.auctions.events import BidPlaced, CloseExtended
from matching.auctions.refusals import BidEarly, BidLate, NotImproving, OffTick
from tests.builders import START, a_command, an_actor, an_organisation, with_cash
from tests.integration.auctions.building import (
    CLOSES_AT,
    PRICE,
    STEP,
    a_scene,
    facts_of,
    journal_of,
)

MINUTE = timedelta(minutes=1)


async def test_a_bid_gets_a_receipt_with_its_place_in_the_chain(orm: str) -> None:
    scene = await a_scene()
    auction_id = await scene.open()
    await scene.bid("ann", auction_id, PRICE)

    receipt = await scene.bid("bob", auction_id, PRICE + STEP)

    journal = await journal_of(auction_id)
    entry = next(e for e in journal if getattr(e.fact, "seq", 0) == 2)
    key = key_of(auction_id, (e.fact for e in journal))
    chain, _ = record_of(auction_id, key, journal)
    assert receipt["hash"] == chain.head.hex()
    assert receipt["bid_id"] == entry.fact.bid_id
    assert (receipt["seq"], receipt["lots"], receipt["is_leading"]) == (1, 100, True)
    assert receipt["closes_at"] == "2027-01-04T02:00:00.000Z"


async def test_a_deposit_covers_the_standing_bid_and_only_that(orm: str) -> None:
    scene = await a_scene()
    auction_id = await scene.open()

    await scene.bid("ann", auction_id, PRICE)
    first = await scene.held_by("ann")
    await scene.bid("bob", auction_id, PRICE + STEP)
    outbid = await scene.held_by("ann")
    await scene.bid("ann", auction_id, PRICE + 2 * STEP)

    assert first == outbid == PRICE * 100 // 10
    assert await scene.held_by("ann") == (PRICE + 2 * STEP) * 100 // 10
    assert (await verifying.verify()).differences == ()


async def test_a_bid_without_funds_is_refused_and_the_earlier_one_stands(orm: str) -> None:
    scene = await a_scene()
    poor = await an_organisation(scene.market, "Firm poor", kind="trader")
    await with_cash(scene.market, poor, PRICE * 10)
    scene.actors["poor"] = an_actor(poor, "buyer")
    auction_id = await scene.open()
    await scene.bid("poor", auction_id, PRICE)
    before = await journal_of(auction_id)

    with pytest.raises(InsufficientFunds) as refused:
        await scene.bid("poor", auction_id, PRICE + STEP)

    assert refused.value.required_minor == (PRICE + STEP) * 10
    assert refused.value.available_minor == PRICE * 10
    assert await journal_of(auction_id) == before
    assert await scene.held_by("poor") == PRICE * 10


async def test_a_command_sent_again_places_one_bid(orm: str) -> None:
    scene = await a_scene()
    auction_id = await scene.open()
    command = Command.of("my-own-id", {"price": PRICE})

    async def send() -> tuple[dict[str, object], bool]:
        outcome = await bidding.place_bid(
            scene.market, scene.actors["ann"], command, auction_id, price_minor=PRICE
        )
        return outcome.answer, outcome.replayed

    (first, was_replayed), (again, is_replayed) = await send(), await send()

    assert first == again
    assert (was_replayed, is_replayed) == (False, True)
    assert len(await facts_of(auction_id, BidPlaced)) == 1


async def test_a_leading_bid_near_the_end_extends_the_close(orm: str) -> None:
    scene = await a_scene()
    auction_id = await scene.open()
    scene.clock.set(CLOSES_AT - MINUTE)

    receipt = await scene.bid("ann", auction_id, PRICE)

    assert receipt["closes_at"] == "2027-01-04T02:01:00.000Z"
    assert await facts_of(auction_id, CloseExtended) != []
    await scene.pass_to(CLOSES_AT)
    assert (await queries.auction(None, auction_id))["phase"] == "open"
    assert (await queries.list_auctions(None))[0].closes_at == CLOSES_AT + MINUTE
    await scene.pass_to(CLOSES_AT + MINUTE)
    assert (await queries.auction(None, auction_id))["phase"] == "closed"


async def test_a_bid_at_the_closing_instant_is_late(orm: str) -> None:
    scene = await a_scene()
    auction_id = await scene.open()
    scene.clock.set(CLOSES_AT)

    with pytest.raises(BidLate):
        await scene.bid("ann", auction_id, PRICE)

    assert await facts_of(auction_id, BidPlaced) == []
    assert await scene.held_by("ann") == 0


async def test_a_scheduled_auction_takes_bids_from_its_opening(orm: str) -> None:
    scene = await a_scene()
    auction_id = await scene.open(opens_at=START + MINUTE)
    with pytest.raises(BidEarly):
        await scene.bid("ann", auction_id, PRICE)
    scheduled = (await queries.auction(None, auction_id))["phase"]

    await scene.pass_to(START + MINUTE)

    assert (scheduled, (await queries.auction(None, auction_id))["phase"]) == ("scheduled", "open")
    assert (await queries.list_auctions(None, state="open"))[0].auction_id == auction_id
    await scene.bid("ann", auction_id, PRICE)


async def test_the_owners_group_may_not_bid(orm: str) -> None:
    scene = await a_scene()
    auction_id = await scene.open()

    for name in ("mill", "twin"):
        with pytest.raises(RelatedToOwner):
            await scene.bid(name, auction_id, PRICE)


async def test_one_firm_of_an_owner_group_bids(orm: str) -> None:
    scene = await a_scene()
    auction_id = await scene.open()
    await scene.bid("bob", auction_id, PRICE)

    with pytest.raises(GroupAlreadyBids):
        await scene.bid("bob2", auction_id, PRICE + STEP)

    assert [e.organisation_id for e in await facts_of(auction_id, BidderEntered)] == [
        scene.id_of("bob")
    ]


async def test_only_admitted_kinds_and_roles_bid(orm: str) -> None:
    scene = await a_scene()
    auction_id = await scene.open(kinds=("refiner",))

    with pytest.raises(KindNotAdmitted):
        await scene.bid("ann", auction_id, PRICE)
    scene.actors["clerk"] = an_actor(scene.id_of("bob"), "seller")
    with pytest.raises(NotAllowed):
        await scene.bid("clerk", auction_id, PRICE)
    await scene.bid("bob", auction_id, PRICE)


async def test_an_auction_by_invitation_is_absent_for_others(orm: str) -> None:
    scene = await a_scene()
    auction_id = await scene.open(invited=(scene.id_of("ann"),))

    with pytest.raises(NotFound):
        await scene.bid("cat", auction_id, PRICE)
    with pytest.raises(NotFound):
        await queries.auction(None, auction_id)

    assert await queries.list_auctions(scene.actors["cat"]) == []
    assert len(await queries.list_auctions(scene.actors["ann"])) == 1
    assert len(await queries.list_auctions(scene.actors["mill"])) == 1
    await scene.bid("ann", auction_id, PRICE)


async def test_an_absent_auction_leaves_no_stream(orm: str) -> None:
    scene = await a_scene()

    with pytest.raises(NotFound):
        await scene.bid("ann", "auc_nowhere", PRICE)

    assert await journal_of("auc_nowhere") == []


async def test_refused_bids_say_the_figures(orm: str) -> None:
    scene = await a_scene()
    auction_id = await scene.open()
    await scene.bid("ann", auction_id, PRICE)

    with pytest.raises(OffTick):
        await scene.bid("bob", auction_id, PRICE + 1050)
    with pytest.raises(NotImproving) as refused:
        await scene.bid("bob", auction_id, PRICE)

    assert refused.value.next_allowed_minor == PRICE + STEP


async def test_two_processes_keep_one_auction_consistent(orm: str) -> None:
    scene = await a_scene()
    auction_id = await scene.open(improve="own", disclosure="rank", lots=100, max_share=50)
    other = Market(scene.clock, MemoryBus(), RandomIds(scene.clock), ON_FACT)

    async def bid(market: Market, name: str, step: int) -> dict[str, object] | None:
        price = PRICE + step * STEP
        try:
            outcome = await bidding.place_bid(
                market,
                scene.actors[name],
                a_command([name, step]),
                auction_id,
                price_minor=price,
                lots=20,
            )
        except NotImproving:
            return None
        return outcome.answer

    answers = await asyncio.gather(
        *(
            bid(market, name, step)
            for step in range(8)
            for name in ("ann", "bob", "cat")
            for market in (scene.market, other)
        )
    )

    placed = await facts_of(auction_id, BidPlaced)
    journal = await journal_of(auction_id)
    assert [e.seq for e in journal] == list(range(1, len(journal) + 1))
    assert [bid.seq for bid in placed] == list(range(1, len(placed) + 1))
    accepted = {answer["bid_id"] for answer in answers if answer is not None}
    assert accepted == {bid.bid_id for bid in placed}
    for name in ("ann", "bob", "cat"):
        mine = [b.price_minor for b in placed if b.bidder == scene.id_of(name)]
        assert mine == sorted(set(mine))
        assert await scene.held_by(name) == mine[-1] * 20 // 10
    assert (await verifying.verify()).differences == ()
