"""The close: once, by its timer, on what stood before it; what it awards and frees."""

from __future__ import annotations

from datetime import timedelta

import pytest

from aggregator.auctions import queries, stopping, store
from aggregator.auctions.facts import AuctionAwarded, AuctionFailed, StopApproved
from aggregator.auctions.outage import after_outage
from aggregator.auctions.topic import AuctionTopic
from aggregator.deals.facts import DealFormed
from aggregator.errors import InvalidField, NotAllowed, NotFound, SamePerson, WrongState
from aggregator.journal.reading import Pool
from aggregator.ledger import verifying
from aggregator.market import Actor, Market, Unit
from matching.auctions import engine
from matching.auctions.events import EVENT_TYPES, Award, Closed, Paused, Resumed
from matching.auctions.refusals import AuctionCancelled, AuctionPaused
from tests.builders import START, a_command, a_market
from tests.integration.auctions.building import (
    CLOSES_AT,
    COLLEAGUE,
    OPERATOR,
    PRICE,
    STEP,
    a_scene,
    close,
    facts_of,
    journal_of,
    opened_within,
)

MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)


async def test_the_close_awards_frees_deposits_and_forms_the_deal(orm: str) -> None:
    scene = await a_scene()
    auction_id = await scene.open()
    await scene.bid("ann", auction_id, PRICE)
    await scene.bid("bob", auction_id, PRICE + STEP)

    await scene.pass_to(CLOSES_AT)

    (awarded,) = await facts_of(auction_id, AuctionAwarded)
    (won,) = awarded.awards
    assert (won.bidder, won.lots, won.price_minor) == (scene.id_of("bob"), 100, PRICE + STEP)
    assert (awarded.side, awarded.cell) == ("sell", "SUGAR-W1/GX/2027-03")
    assert await scene.held_by("ann") == 0
    formed = await Pool().rows("select body from journal where kind = 'DealFormed'")
    assert len(formed) == 1
    deals = await Pool().rows("select source_id, buyer_id, seller_id, goods_minor, lots from deal")
    assert [dict(row) for row in deals] == [
        {
            "source_id": auction_id,
            "buyer_id": scene.id_of("bob"),
            "seller_id": scene.id_of("mill"),
            "goods_minor": PRICE + STEP,
            "lots": 100,
        }
    ]
    assert (await verifying.verify()).differences == ()


async def test_closing_twice_or_early_changes_nothing(orm: str) -> None:
    scene = await a_scene()
    auction_id = await scene.open()
    await scene.bid("ann", auction_id, PRICE)
    await close(scene.market, auction_id)
    early = await facts_of(auction_id, Closed)

    await scene.pass_to(CLOSES_AT + MINUTE)
    once = await journal_of(auction_id)
    await close(scene.market, auction_id)

    assert early == []
    assert await journal_of(auction_id) == once
    assert await Pool().rows("select key from timer where kind like 'auctions.%'") == []


async def test_without_a_bid_or_the_reserve_the_auction_fails(orm: str) -> None:
    scene = await a_scene()
    empty = await scene.open()
    short = await scene.open(reserve_minor=PRICE + 10 * STEP)
    await scene.bid("ann", short, PRICE)

    await scene.pass_to(CLOSES_AT)

    assert [f.outcome for f in await facts_of(empty, AuctionFailed)] == ["no_bids"]
    assert [f.outcome for f in await facts_of(short, AuctionFailed)] == ["reserve_not_met"]
    assert await scene.held_by("ann") == 0


async def test_a_volume_from_above_hears_of_its_award_in_the_same_transaction(orm: str) -> None:
    scene = await a_scene()
    heard: list[tuple[AuctionAwarded, int]] = []

    async def listen(unit: Unit, fact: AuctionAwarded) -> None:
        held = await unit.rows("select id from hold where state = 'pending'")
        heard.append((fact, len(held)))

    scene.market.reactions = {AuctionAwarded: [listen]}
    auction_id = await opened_within(scene, barred_groups=("bob",))
    with pytest.raises(Exception, match="related_to_owner"):
        await scene.bid("bob", auction_id, PRICE)
    await scene.bid("ann", auction_id, PRICE - STEP)

    await scene.pass_to(CLOSES_AT)

    (fact, pending), *rest = heard
    assert rest == []
    assert pending == 0
    assert (fact.reference, fact.owner_id, fact.side) == ("pool:p1:1", None, "buy")
    assert [(a.bidder, a.price_minor) for a in fact.awards] == [(scene.id_of("ann"), PRICE - STEP)]
    assert isinstance(fact.awards[0], Award)
    assert await Pool().rows("select id from deal") == []


async def test_lots_are_split_over_several_winners(orm: str) -> None:
    scene = await a_scene()
    auction_id = await scene.open(improve="own", disclosure="rank", pricing="last_accepted")
    await scene.bid("ann", auction_id, PRICE + 2 * STEP, 60)
    await scene.bid("bob", auction_id, PRICE + STEP, 60)
    await scene.bid("cat", auction_id, PRICE, 60)

    await scene.pass_to(CLOSES_AT)

    (awarded,) = await facts_of(auction_id, AuctionAwarded)
    won = [(award.bidder, award.lots, award.price_minor) for award in awarded.awards]
    assert won == [
        (scene.id_of("ann"), 60, PRICE + STEP),
        (scene.id_of("bob"), 40, PRICE + STEP),
    ]
    assert len(await Pool().rows("select id from deal")) == 2


async def test_replaying_the_journal_gives_the_live_state(orm: str) -> None:
    scene = await a_scene()
    auction_id = await scene.open(opens_at=START + MINUTE, reserve_minor=PRICE)
    await scene.pass_to(START + MINUTE)
    await scene.bid("ann", auction_id, PRICE)
    await scene.stop("pause", auction_id, "storm")
    scene.clock.advance(MINUTE)
    await scene.stop("resume", auction_id)
    scene.clock.set(CLOSES_AT)
    await scene.bid("bob", auction_id, PRICE + STEP)
    await scene.pass_to(CLOSES_AT + 10 * MINUTE)
    live = await store.read(None, auction_id)
    journal = await journal_of(auction_id)

    events = [e.fact for e in journal if isinstance(e.fact, tuple(EVENT_TYPES.values()))]
    topic, room = AuctionTopic(), AuctionTopic().initial(auction_id)
    for entry in journal:
        room = topic.evolve(room, entry)

    assert live.state is not None
    assert live.state.phase == "closed"
    assert engine.fold(events) == live.state
    assert room == live


async def test_the_row_follows_what_happens(orm: str) -> None:
    scene = await a_scene()
    auction_id = await scene.open()

    async def state() -> tuple[str, str]:
        (row,) = await queries.list_auctions(None)
        return row.state, f"{row.closes_at:%H:%M}"

    states = [await state()]
    await scene.stop("pause", auction_id, "storm")
    states.append(await state())
    scene.clock.set(CLOSES_AT + MINUTE)
    await scene.pass_to(CLOSES_AT + MINUTE)
    with pytest.raises(AuctionPaused):
        await scene.bid("ann", auction_id, PRICE)
    await scene.stop("resume", auction_id)
    states.append(await state())
    await scene.pass_to(CLOSES_AT + MINUTE + timedelta(hours=1))
    states.append(await state())

    assert states == [
        ("open", "02:00"),
        ("paused", "02:00"),
        ("open", "03:01"),
        ("closed", "03:01"),
    ]


async def test_a_cancelled_auction_releases_everything(orm: str) -> None:
    scene = await a_scene()
    auction_id = await scene.open()
    await scene.bid("ann", auction_id, PRICE)

    await scene.stop("cancel", auction_id, "wrong lots")

    assert await scene.held_by("ann") == 0
    assert (await queries.auction(None, auction_id))["reason"] == "wrong lots"
    assert [f.outcome for f in await facts_of(auction_id, AuctionFailed)] == ["cancelled"]
    with pytest.raises(AuctionCancelled):
        await scene.bid("ann", auction_id, PRICE + STEP)
    await scene.pass_to(CLOSES_AT)
    assert await facts_of(auction_id, Closed) == []


async def test_only_the_operator_stops_an_auction(orm: str) -> None:
    scene = await a_scene()
    auction_id = await scene.open()

    for act in ("pause", "resume", "cancel"):
        with pytest.raises(NotAllowed):
            await stopping.propose(
                scene.market,
                scene.actors["mill"],
                a_command(),
                auction_id,
                act=act,  # type: ignore[arg-type]
                reason="I say so",
            )


async def test_two_persons_stop_an_auction_and_one_cannot(orm: str) -> None:
    scene = await a_scene()
    auction_id = await scene.open()
    proposed = await stopping.propose(
        scene.market, OPERATOR, a_command(), auction_id, act="pause", reason="storm"
    )
    motion_id = proposed.answer["motion_id"]

    async def approved_by(actor: Actor) -> None:
        await stopping.approve(scene.market, actor, a_command(), auction_id, motion_id)

    with pytest.raises(SamePerson):
        await approved_by(OPERATOR)
    with pytest.raises(NotAllowed):
        await approved_by(scene.actors["mill"])
    still = (await queries.auction(None, auction_id))["phase"]
    scene.clock.advance(stopping.STANDS_FOR)
    with pytest.raises(WrongState):
        await approved_by(COLLEAGUE)
    await scene.stop("pause", auction_id)
    with pytest.raises(NotFound):
        await stopping.approve(scene.market, COLLEAGUE, a_command(), auction_id, "mot_nothing")

    (approved,) = await facts_of(auction_id, StopApproved)
    seen = await queries.auction(None, auction_id)
    assert (still, seen["phase"], seen["reason"]) == ("open", "paused", "storm")
    assert "motions" not in seen
    assert approved.person_id == COLLEAGUE.person_id
    shown = (await queries.auction(scene.actors["operator"], auction_id))["motions"]
    assert [one["motion_id"] for one in shown] == [motion_id]


async def test_lost_time_is_given_back_after_an_outage(orm: str) -> None:
    scene = await a_scene()
    auction_id = await scene.open()
    down_at, up_at = CLOSES_AT - 30 * SECOND, CLOSES_AT + 5 * MINUTE
    scene.clock.set(up_at)

    await after_outage(scene.market, down_at, up_at)
    await after_outage(scene.market, down_at, up_at)
    await scene.pass_to(up_at)

    (paused,), (resumed,) = await facts_of(auction_id, Paused), await facts_of(auction_id, Resumed)
    assert (paused.at, paused.reason) == (down_at, "outage")
    lost = up_at - down_at
    assert resumed.closes_at == max(CLOSES_AT + lost, up_at + lost + MINUTE)
    assert await facts_of(auction_id, Closed) == []
    assert (await scene.bid("ann", auction_id, PRICE))["is_leading"]


async def test_a_short_silence_is_no_outage(orm: str) -> None:
    scene = await a_scene()
    auction_id = await scene.open()
    scene.clock.advance(10 * SECOND)

    await after_outage(scene.market, START + 8 * SECOND, START + 10 * SECOND)

    assert await facts_of(auction_id, Paused) == []


async def test_a_long_outage_waits_for_a_person(orm: str) -> None:
    scene = await a_scene()
    auction_id = await scene.open()
    up_at = START + timedelta(hours=5)
    scene.clock.set(up_at)

    await after_outage(scene.market, START + MINUTE, up_at)
    await scene.pass_to(up_at)

    assert (await queries.auction(None, auction_id))["phase"] == "paused"
    assert await facts_of(auction_id, Closed) == []
    await scene.stop("resume", auction_id)
    assert (await queries.auction(None, auction_id))["phase"] == "open"


async def test_a_broken_rule_names_its_field(orm: str) -> None:
    scene = await a_scene()

    for terms, pointer in (
        ({"closes_at": START}, "/closes_at"),
        ({"lots": 0}, "/lots"),
        ({"step_minor": 150}, "/step"),
        ({"start_minor": PRICE + 1}, "/start"),
        ({"opens_at": START - SECOND}, "/opens_at"),
        ({"format": "candle"}, "/format"),
        ({"kinds": ("bank",)}, "/kinds"),
        ({"invited": ("org_nobody",)}, "/invited/0"),
        ({"shares": (60, 50)}, "/shares"),
    ):
        with pytest.raises(InvalidField) as refused:
            await scene.open(**terms)
        assert refused.value.pointer == pointer


async def test_nobody_opens_for_another_firm(orm: str) -> None:
    scene = await a_scene()

    with pytest.raises(NotAllowed):
        await scene.open(owner_id=scene.id_of("ann"))


async def test_another_process_closes_what_this_one_opened(orm: str) -> None:
    scene = await a_scene()
    auction_id = await scene.open()
    await scene.bid("ann", auction_id, PRICE)
    other: Market = a_market(scene.clock)
    scene.clock.set(CLOSES_AT)

    await close(other, auction_id)
    await close(scene.market, auction_id)

    assert len(await facts_of(auction_id, Closed)) == 1
    assert DealFormed.__name__ in {
        row["kind"] for row in await Pool().rows("select kind from journal")
    }
