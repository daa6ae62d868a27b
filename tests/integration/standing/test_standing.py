"""Standing from real deals: marks with their events, tiers up and down, and what a tier is for."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

import asyncpg
import pytest

from aggregator.db import orm as market_orm
from aggregator.db import walls
from aggregator.errors import Conflict, InvalidField, NotAllowed, NotFound
from aggregator.journal.reading import Pool
from aggregator.market import Unit
from aggregator.market.eyes import reading_for
from aggregator.standing import privileges, queries, ruling, store
from matching.standing.foreseeing import Supposed
from matching.standing.moving import NOTICE, Held
from matching.standing.rulebook import FIRST, PAYMENT, RulebookRefused, document_of
from tests.integration.deals.conftest import bank, trading
from tests.integration.deals.playing import RICH, act, funded, give_back, settled

if TYPE_CHECKING:
    from tests.integration.deals.conftest import Trading

__all__ = ["bank", "trading"]


async def lines_of(trading: Trading, name: str, role: str = "owner") -> list[tuple[str, bool]]:
    found = await queries.lines(trading.actor(name, role), trading.clock.now(), limit=99)
    return sorted((line.axis, line.is_kept) for line in found)


async def told(name_id: str) -> list[str]:
    rows = await Pool().rows(
        "select kind from notice where organisation_id = $1 and kind like 'tier%' order by at, id",
        name_id,
    )
    return [row["kind"] for row in rows]


async def marked(trading: Trading, name: str, count: int) -> None:
    """Give a firm so many paid deals at once, and look at its tier."""

    async def step(unit: Unit) -> dict[str, object]:
        for number in range(count):
            await store.mark(unit, trading.id_of(name), PAYMENT, f"deal_{number}", is_kept=True)
        return {}

    await trading.market.perform(trading.actor("operator", "operator").SYSTEM, "test", step)
    await settled_and_reviewed(trading)


async def settled_and_reviewed(trading: Trading) -> None:
    await settled(trading)
    await trading.at(trading.clock.now())


async def test_a_settled_deal_leaves_marks_on_both_sides_and_a_return_takes_some_back(
    trading: Trading,
) -> None:
    deal_id = await settled(trading)
    buyer, seller = await lines_of(trading, "factory"), await lines_of(trading, "mill")
    await give_back(trading, deal_id, 10)

    assert buyer == [("forecast", True), ("payment", True), ("turnover", True)]
    assert seller == [
        *(("claims", True), ("delivery", True), ("forecast", True), ("turnover", True))
    ]
    assert ("claims", False) in await lines_of(trading, "mill")
    own = await queries.own(trading.actor("factory", "viewer"), trading.clock.now())
    assert own.score.points > 0
    assert {mark.subject for mark in own.marks if mark.axis == "payment"} == {deal_id}
    assert await lines_of(trading, "bakery") == []


async def test_what_is_not_paid_counts_against_the_buyer_and_earns_nobody(
    trading: Trading,
) -> None:
    for name in ("factory", "mill"):
        await trading.give(name, 10_000_000)
    await trading.form()

    await trading.at(trading.clock.now() + timedelta(days=4))

    assert await lines_of(trading, "factory") == [("payment", False)]
    assert await lines_of(trading, "mill") == []


async def test_what_is_not_delivered_counts_against_the_seller(trading: Trading) -> None:
    await funded(trading)

    await trading.at(trading.clock.now() + timedelta(days=60))

    assert await lines_of(trading, "mill") == [("delivery", False)]
    assert await lines_of(trading, "factory") == []


async def test_a_tier_rises_at_once_and_falls_after_notice(trading: Trading) -> None:
    factory = trading.id_of("factory")
    await marked(trading, "factory", 20)
    up = await store.held(Pool(), factory)

    await trading.at(trading.clock.now() + timedelta(days=400))
    announced = await store.held(Pool(), factory)
    own = await queries.own(trading.actor("factory", "viewer"), trading.clock.now())
    assert announced.drop_at is not None
    await trading.at(announced.drop_at)

    assert up == Held(2)
    assert (announced.tier, announced.drop_to) == (2, 0)
    assert announced.drop_at == trading.clock.now()
    assert own.drop_to is not None
    assert own.missing_to_stay == FIRST.tiers[2].least
    assert await store.held(Pool(), factory) == Held(0)
    assert await told(factory) == ["tier_raised", "tier_drop_announced", "tier_dropped"]
    assert "tier_raised" not in await told(trading.id_of("bakery"))
    notices = await Pool().rows(
        "select figures from notice where kind = 'tier_drop_announced' and organisation_id = $1",
        factory,
    )
    assert json.loads(notices[0]["figures"]).items() >= {
        ("deposit_off", "20.00 → 0.00"),
        ("early_hours", "12 → 0"),
        ("own_pools", "1 → 0"),
        ("return_days_more", "3 → 0"),
    }


async def test_a_tier_lowers_the_deposit_and_nothing_else(trading: Trading) -> None:
    before = await privileges.deposit_off(trading.id_of("factory"), trading.clock.now())
    await marked(trading, "factory", 20)
    off_bps = await privileges.deposit_off(trading.id_of("factory"), trading.clock.now())

    deal_id = await trading.form(deposit_off_bps=off_bps)

    (deal,) = await Pool().rows(
        "select total_minor, deposit_minor from deal where id = $1", deal_id
    )
    assert (before, off_bps) == (0, FIRST.tiers[2].deposit_off_bps)
    # A tenth of 574,873.95, and a fifth less of it; halves go to the even cent.
    assert (deal["total_minor"], deal["deposit_minor"]) == (57_487_395, 4_598_992)
    assert privileges.lowered(1_001, off_bps) == 801


async def test_a_tier_gives_longer_for_returns_until_a_frozen_instant(trading: Trading) -> None:
    await trading.give("factory", RICH)
    await trading.give("mill", RICH)
    more = FIRST.tiers[2].return_days_more
    plain = await trading.form()
    await marked(trading, "factory", 20)
    factory, now = trading.id_of("factory"), trading.clock.now()
    days = await privileges.return_days_more(factory, now, Pool())
    longer = await trading.form(return_days_more=days)
    most = await trading.form(return_days_more=365)

    rows = await Pool().rows("select id, return_days from deal")
    kept = {row["id"]: row["return_days"] for row in rows}
    assert more > 0
    assert (kept[plain], kept[longer], kept[most]) == (30, 30 + more, 365)


async def test_what_might_come_is_worked_out_and_nothing_is_done(trading: Trading) -> None:
    actor, now = trading.actor("factory", "viewer"), trading.clock.now()

    found, tier = await queries.foreseen(actor, now, Supposed(bought=6))

    assert (found.points, tier.name) == (700, "proven")
    own = await queries.own(actor, now)
    assert own.score.points == 0
    assert own.next_tier is not None
    assert own.next_tier.deals_bought == 3
    assert await lines_of(trading, "factory") == []


async def test_counterparties_see_a_tier_and_neither_score_nor_marks_nor_drop(
    trading: Trading,
) -> None:
    await marked(trading, "factory", 20)
    await trading.at(trading.clock.now() + timedelta(days=400))
    mill, rival = trading.actor("mill", "owner"), trading.actor("rival", "owner")
    factory, now = trading.id_of("factory"), trading.clock.now()

    with reading_for(mill):
        tier = await queries.tier_of(mill, factory, now)
        seen = [
            len(await Pool().rows(f"select from {table} where organisation_id = $1", factory))
            for table in ("standing_mark", "standing_drop", "referral")
        ]
    with reading_for(rival):
        hidden = await Pool().rows("select tier from standing_tier")
        for wanted in (factory, "org_nobody"):
            with pytest.raises(NotFound):
                await queries.tier_of(rival, wanted, now)

    assert hidden == []
    assert tier.name == "proven"
    assert seen == [0, 0, 0]
    assert walls.viewer() is None


async def test_a_mark_is_never_changed(trading: Trading) -> None:
    await settled(trading)

    async with market_orm.raw() as connection:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("update standing_mark set is_kept = false")


async def test_a_referral_counts_once_the_firm_has_settled(trading: Trading) -> None:
    factory, bakery = trading.id_of("factory"), trading.id_of("bakery")
    await act(ruling.refer, trading, "operator", "operator", factory, referred_by=bakery)
    early = await lines_of(trading, "bakery")
    with pytest.raises(Conflict):
        await act(ruling.refer, trading, "operator", "operator", factory, referred_by=bakery)

    await settled(trading)
    await settled(trading)

    assert early == []
    assert await lines_of(trading, "bakery") == [("referrals", True)]
    with pytest.raises(Conflict):
        await act(
            ruling.refer, trading, "operator", "operator", trading.id_of("mill"), referred_by=bakery
        )
    with pytest.raises(NotAllowed):
        await act(ruling.refer, trading, "bakery", "owner", bakery, referred_by=factory)


async def test_a_new_rulebook_is_published_ninety_days_ahead_and_never_against_the_law(
    trading: Trading,
) -> None:
    now, document = trading.clock.now(), {**document_of(FIRST), "penalty": 5}

    async def publish(given: dict[str, object], **more: object) -> None:
        await act(ruling.publish, trading, "operator", "operator", given, **more)

    with pytest.raises(InvalidField):
        await publish(document, in_force_at=now + timedelta(days=89))
    with pytest.raises(RulebookRefused):
        await publish({**document, "turnover": 400}, in_force_at=now + NOTICE)
    await publish(document, in_force_at=now + NOTICE)
    with pytest.raises(InvalidField):
        await publish(document, in_force_at=now + NOTICE)

    at = [await store.in_force(Pool(), now + NOTICE - timedelta(seconds=1))]
    at.append(await store.in_force(Pool(), now + NOTICE))
    assert [(one.version, one.book.penalty) for one in at] == [(1, 3), (2, 5)]
    assert len(await queries.rulebooks()) == 2
