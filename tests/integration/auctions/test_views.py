"""What each audience sees, and that what the rules hide leaves no trace in a topic."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

import pytest

from aggregator.auctions import queries
from aggregator.auctions.records import Chain
from aggregator.auctions.topic import AuctionTopic
from aggregator.errors import NotFound
from aggregator.journal.reading import entries
from aggregator.market import Actor
from aggregator.topics import TOPICS
from tests.builders import START
from tests.integration.auctions.building import CLOSES_AT, PRICE, STEP, Scene, a_scene, journal_of

MINUTE = timedelta(minutes=1)


async def views_of(auction_id: str, actor: Actor | None) -> list[dict[str, Any]]:
    """Fold a topic as the feed does: one numbered view for each change that shows."""
    topic = AuctionTopic()
    audience = await topic.allow(actor, auction_id)
    state = topic.initial(auction_id)
    shown = [topic.view(state, audience)]
    for entry in await entries(None, topic.stream(auction_id, actor)):
        state = topic.evolve(state, entry)
        seen = topic.view(state, audience)
        if seen != shown[-1]:
            shown.append(seen)
    return shown


def everyone(scene: Scene) -> list[Actor | None]:
    return [None, *(scene.actors[name] for name in ("mill", "ann", "bob", "cat", "operator"))]


async def test_the_topic_and_the_query_show_the_same(orm: str) -> None:
    scene = await a_scene()
    auction_id = await scene.open(title="5,000 t of March")
    await scene.bid("ann", auction_id, PRICE)

    assert isinstance(TOPICS["auction"], AuctionTopic)
    for actor in everyone(scene):
        assert (await views_of(auction_id, actor))[-1] == await queries.auction(actor, auction_id)


async def test_amounts_are_decimal_texts_with_names_beside_them(orm: str) -> None:
    scene = await a_scene()
    auction_id = await scene.open(title="5,000 t of March", steps=((0, 1000), (600_000, 2000)))
    await scene.bid("ann", auction_id, PRICE)

    seen = await queries.auction(scene.actors["ann"], auction_id)

    assert (seen["start"], seen["best"], seen["my_best"]) == ("5000.00", "5000.00", "5000.00")
    assert seen["next_allowed"] == "5010.00"
    assert seen["steps"] == [
        {"from": "0.00", "step": "10.00"},
        {"from": "6000.00", "step": "20.00"},
    ]
    assert (seen["instrument_name_zh"], seen["owner_name"]) == ("一级白砂糖", "Firm mill")
    assert not [key for key in seen if key.endswith("_minor")]


@pytest.mark.parametrize("disclosure", ["rank", "blind"])
async def test_a_rivals_hidden_bid_leaves_no_trace(orm: str, disclosure: str) -> None:
    scene = await a_scene()
    auction_id = await scene.open(disclosure=disclosure)
    await scene.bid("ann", auction_id, PRICE + 5 * STEP)
    watchers = [None, scene.actors["ann"]]
    before = [await views_of(auction_id, actor) for actor in watchers]

    await scene.bid("bob", auction_id, PRICE)
    await scene.bid("cat", auction_id, PRICE + STEP)

    assert [await views_of(auction_id, actor) for actor in watchers] == before


async def test_ranks_are_shown_where_the_rules_say_rank(orm: str) -> None:
    scene = await a_scene()
    auction_id = await scene.open(disclosure="rank")
    await scene.bid("ann", auction_id, PRICE)

    receipt = await scene.bid("bob", auction_id, PRICE + STEP)
    ann = await queries.auction(scene.actors["ann"], auction_id)

    assert (receipt["my_rank"], receipt["is_leading"]) == (1, True)
    assert receipt["seq"] == 1
    assert (ann["my_rank"], ann["is_leading"], ann["next_allowed"]) == (2, False, "5010.00")
    assert "best" not in ann
    assert "standing" not in ann


async def test_a_blind_receipt_tells_nothing_of_rivals(orm: str) -> None:
    scene = await a_scene()
    alone, contested = [await scene.open(disclosure="blind") for _ in range(2)]
    await scene.bid("ann", contested, PRICE + STEP)

    receipts = [await scene.bid("bob", auction_id, PRICE) for auction_id in (alone, contested)]

    told = [
        {key: receipt[key] for key in receipt if key not in ("auction_id", "bid_id", "hash")}
        for receipt in receipts
    ]
    assert told[0] == told[1]
    assert (told[0]["my_rank"], told[0]["is_leading"], told[0]["seq"]) == (None, None, 1)


async def test_two_receipts_do_not_tell_whether_a_rival_bid_between_them(orm: str) -> None:
    scene = await a_scene()
    auction_id = await scene.open(disclosure="blind")
    first = await scene.bid("bob", auction_id, PRICE)

    second = await scene.bid("bob", auction_id, PRICE + STEP)

    # All that the bidder knows, were nothing in between, but for the salt that he never learns.
    (mine,) = (e.fact for e in await journal_of(auction_id) if getattr(e.fact, "seq", 0) == 2)
    for key in (bytes(32), hashlib.sha256(auction_id.encode()).digest()):
        for n in range(1, 10):
            guess = Chain(key, n, bytes.fromhex(first["hash"])).advanced(mine, mine.at)
            assert guess.head.hex() != second["hash"]


async def test_a_hidden_bid_does_not_tell_that_the_window_is_open(orm: str) -> None:
    scene = await a_scene()
    auction_id = await scene.open(opens_at=START + MINUTE, disclosure="blind")
    scene.clock.set(START + MINUTE)
    before = await views_of(auction_id, None)

    await scene.bid("ann", auction_id, PRICE)

    assert await views_of(auction_id, None) == before
    assert before[-1]["phase"] == "scheduled"
    await scene.pass_to(START + MINUTE)
    assert (await views_of(auction_id, None))[-1]["phase"] == "open"


async def test_the_reserve_is_the_owners_secret(orm: str) -> None:
    scene = await a_scene()
    auction_id = await scene.open(reserve_minor=PRICE + STEP)

    for actor in everyone(scene):
        seen = await queries.auction(actor, auction_id)
        is_owner = actor is scene.actors["mill"]
        assert seen["reserve"] == ("5010.00" if is_owner else None)


async def test_the_owner_sees_who_bids_and_a_rival_does_not(orm: str) -> None:
    scene = await a_scene()
    auction_id = await scene.open(disclosure="full")
    await scene.bid("ann", auction_id, PRICE)

    owner = await queries.auction(scene.actors["mill"], auction_id)

    assert owner["bidders"] == {scene.id_of("ann"): "Firm ann"}
    assert owner["bidders_en"] == {scene.id_of("ann"): ""}
    assert owner["standing"][0]["price"] == "5000.00"
    for actor in (None, scene.actors["bob"]):
        assert scene.id_of("ann") not in str(await queries.auction(actor, auction_id))


async def test_an_absent_auction_and_one_by_invitation_look_alike(orm: str) -> None:
    scene = await a_scene()
    auction_id = await scene.open(invited=(scene.id_of("ann"),))

    for topic_id in (auction_id, "auc_nowhere"):
        for actor in (None, scene.actors["cat"]):
            with pytest.raises(NotFound) as refused:
                await AuctionTopic().allow(actor, topic_id)
            assert refused.value.figures() == {"what": "auction"}
    assert (await AuctionTopic().allow(scene.actors["ann"], auction_id)).kind == "member"


async def test_the_winner_sees_the_award_and_others_only_that_there_is_one(orm: str) -> None:
    scene = await a_scene()
    auction_id = await scene.open(disclosure="rank")
    await scene.bid("ann", auction_id, PRICE)
    await scene.bid("bob", auction_id, PRICE + STEP)

    await scene.pass_to(CLOSES_AT)

    bob = await queries.auction(scene.actors["bob"], auction_id)
    ann = await queries.auction(scene.actors["ann"], auction_id)
    assert bob["my_award"] == {"lots": 100, "price": "5010.00"}
    assert ann["my_award"] is None
    assert (await queries.auction(None, auction_id))["result"] == {"is_awarded": True}


@pytest.mark.parametrize(
    ("shown", "rank", "worst"),
    [("full", 3, "5020.00"), ("rank", 3, None), ("best", None, None), ("blind", None, None)],
)
async def test_a_loser_is_told_what_counted_within_his_rights(
    orm: str, shown: str, rank: int | None, worst: str | None
) -> None:
    scene = await a_scene()
    auction_id = await scene.open(disclosure=shown, improve="own", pricing="pay_as_bid")
    await scene.bid("ann", auction_id, PRICE + STEP, 60)
    await scene.bid("bob", auction_id, PRICE + 3 * STEP, 60)
    await scene.bid("cat", auction_id, PRICE + 2 * STEP, 60)

    await scene.pass_to(CLOSES_AT)

    loser = await queries.auction(scene.actors["ann"], auction_id)
    assert loser["my_outcome"] == "outbid"
    told = {"counted": "price", "tie": "time", "rank": rank, "asked_lots": 60, "won_lots": 0}
    assert loser["my_explanation"] == told | ({"worst_winning": worst} if worst else {})
    cut = await queries.auction(scene.actors["cat"], auction_id)
    assert (cut["my_explanation"]["asked_lots"], cut["my_explanation"]["won_lots"]) == (60, 40)
    if shown in ("rank", "blind"):
        assert "5030.00" not in str(loser)
