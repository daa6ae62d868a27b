"""What a buyer's tier is for in an auction: the deposit of what he wins, and nothing before."""

from __future__ import annotations

from aggregator.journal.reading import Pool
from matching.standing.rulebook import FIRST
from tests.integration.auctions.building import CLOSES_AT, PRICE, a_scene


async def test_a_tier_lowers_the_deposit_of_what_is_won_and_no_bidders(orm: str) -> None:
    scene = await a_scene()
    auction_id = await scene.open()
    await Pool().rows(
        "insert into standing_tier (organisation_id, tier, since) values ($1, 3, now())"
        " returning tier",
        scene.id_of("ann"),
    )
    await scene.bid("ann", auction_id, PRICE)
    held = await scene.held_by("ann")

    await scene.pass_to(CLOSES_AT)

    (deal,) = await Pool().rows("select buyer_id, total_minor, deposit_minor from deal")
    whole_minor = -(-deal["total_minor"] // 10)
    off_minor = whole_minor * FIRST.tiers[3].deposit_off_bps // 10_000
    assert deal["buyer_id"] == scene.id_of("ann")
    assert held == PRICE * 100 // 10
    assert off_minor
    assert abs(deal["deposit_minor"] - (whole_minor - off_minor)) <= 1
