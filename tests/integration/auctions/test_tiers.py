"""What a buyer's tier is for in an auction: deposit and returns of what he wins, nothing before."""

from __future__ import annotations

from aggregator.journal.reading import Pool
from matching.standing.rulebook import FIRST
from tests.builders import with_tier
from tests.integration.auctions.building import CLOSES_AT, PRICE, a_scene


async def test_a_tier_lowers_the_deposit_of_what_is_won_and_no_bidders(orm: str) -> None:
    scene = await a_scene()
    auction_id = await scene.open()
    await with_tier(scene.id_of("ann"), 3)
    await scene.bid("ann", auction_id, PRICE)
    held = await scene.held_by("ann")

    await scene.pass_to(CLOSES_AT)

    (deal,) = await Pool().rows(
        "select buyer_id, total_minor, deposit_minor, d.return_days, i.return_days as days"
        " from deal d join instrument i on i.id = d.instrument_id"
    )
    whole_minor = -(-deal["total_minor"] // 10)
    off_minor = whole_minor * FIRST.tiers[3].deposit_off_bps // 10_000
    assert deal["buyer_id"] == scene.id_of("ann")
    assert held == PRICE * 100 // 10
    assert off_minor
    assert deal["return_days"] == deal["days"] + FIRST.tiers[3].return_days_more > deal["days"]
    assert abs(deal["deposit_minor"] - (whole_minor - off_minor)) <= 1
