"""Layered quotes: who is in a group sees the offers that are for it, and nobody else does."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from aggregator.catalogue.tenors import parse_cell
from aggregator.errors import InvalidField, NotAllowed, NotFound
from aggregator.journal.reading import Pool
from aggregator.market import Actor, Unit
from aggregator.market.eyes import reading_for
from aggregator.standing.store import note_month
from aggregator.supply import audiences, offering, queries
from tests.builders import with_tier
from tests.integration.deals.conftest import bank, trading
from tests.integration.deals.playing import RICH, act

if TYPE_CHECKING:
    from tests.integration.deals.conftest import Trading

__all__ = ["bank", "trading"]


async def offered(trading: Trading, price_minor: int, **more: object) -> str:
    terms = offering.OfferTerms(
        cell=parse_cell("SUGAR-W1/GX/2027-04"),
        breaks=((1, price_minor),),
        capacity_lots=10,
        valid_until=trading.clock.now() + timedelta(days=9),
        **more,  # type: ignore[arg-type]
    )
    made = await act(offering.publish_offer, trading, "mill", "seller", terms)
    return str(made.answer["offer_id"])


async def with_month(trading: Trading, name: str, lots: int) -> None:
    """Let a firm's standing see so many lots as its usual month."""

    async def step(unit: Unit) -> dict[str, object]:
        await note_month(unit, trading.id_of(name), lots)
        return {}

    await trading.market.perform(Actor.SYSTEM, "test", step)


async def seen(trading: Trading, name: str) -> list[str]:
    actor = trading.actor(name, "buyer")
    with reading_for(actor):
        return sorted(view.id for view in await queries.offers(actor))


async def test_a_group_sees_what_is_for_it_and_neither_its_name_nor_the_others(
    trading: Trading,
) -> None:
    for name in ("factory", "mill"):
        await trading.give(name, RICH)
    await trading.form()
    group = {"called": "Friends", "members": [trading.id_of("factory")]}
    made = await act(audiences.set_group, trading, "mill", "seller", **group)
    to = (str(made.answer["group_id"]),)
    public, hidden = (
        await offered(trading, 500_000),
        await offered(trading, 490_000, is_public=False),
    )
    named = await offered(trading, 480_000, is_public=False, shown_to=to)

    assert await seen(trading, "mill") == sorted([public, hidden, named])
    assert await seen(trading, "factory") == sorted([public, named])
    assert await seen(trading, "bakery") == [public]
    assert await audiences.shown_to(trading.actor("mill", "seller")) == {named: ["Friends"]}
    assert await audiences.shown_to(trading.actor("factory", "buyer")) == {}
    for name, rows in (("factory", 1), ("bakery", 0)):
        with reading_for(trading.actor(name, "buyer")):
            assert len(await Pool().rows("select organisation_id from counterparty")) == rows
            assert not await Pool().rows("select name from counterparty_group")

    await act(audiences.set_group, trading, "mill", "seller", called="Friends", members=[])
    assert await seen(trading, "factory") == [public]
    [kept] = await audiences.groups(trading.actor("mill", "seller"))
    assert (kept["name"], kept["members"]) == ("Friends", [])


async def test_an_offer_for_a_tier_is_seen_from_it_upwards_and_not_at_all_below(
    trading: Trading,
) -> None:
    for name in ("factory", "mill"):
        await trading.give(name, RICH)
    await trading.form()
    members = [trading.id_of("factory")]
    made = await act(
        audiences.set_group, trading, "mill", "seller", called="Friends", members=members
    )
    for name, tier in (("factory", 1), ("bakery", 2), ("rival", 3)):
        await with_tier(trading.id_of(name), tier)
    proven = await offered(trading, 490_000, is_public=False, from_tier="proven")
    both = await offered(
        trading,
        480_000,
        is_public=False,
        from_tier="leading",
        shown_to=(str(made.answer["group_id"]),),
    )

    assert await seen(trading, "mill") == sorted([proven, both])
    assert await seen(trading, "factory") == [both]
    assert await seen(trading, "bakery") == [proven]
    assert await seen(trading, "rival") == sorted([proven, both])
    assert await queries.offers(None) == []
    for name, wanted in (("factory", [both]), ("bakery", [proven]), ("rival", [proven, both])):
        with reading_for(trading.actor(name, "buyer")):
            rows = await Pool().rows("select id from offer where not is_public order by seq")
            assert [row["id"] for row in rows] == wanted
    why = {view.id: view.is_named for view in await queries.offers(trading.actor("rival", "buyer"))}
    assert why == {proven: False, both: False}

    await with_tier(trading.id_of("bakery"), 1)
    assert await seen(trading, "bakery") == []


async def test_an_offer_is_for_a_tier_that_is_in_force_and_above_the_first(
    trading: Trading,
) -> None:
    await trading.give("mill", RICH)

    for audience in (
        {"is_public": False, "from_tier": "entry"},
        {"is_public": False, "from_tier": "golden"},
        {"from_tier": "proven"},
    ):
        with pytest.raises(InvalidField) as refusal:
            await offered(trading, 480_000, **audience)
        assert refusal.value.pointer == "/from_tier"
    assert await seen(trading, "mill") == []


async def test_an_offer_for_a_class_is_seen_by_its_industry_and_size_alone(
    trading: Trading,
) -> None:
    await trading.give("mill", RICH)
    hidden = {"is_public": False}
    factories = await offered(trading, 490_000, **hidden, for_kind="factory")
    middle = await offered(trading, 480_000, **hidden, for_size="middle")
    both = await offered(trading, 470_000, **hidden, for_kind="factory", for_size="small")

    async def check(name: str, *wanted: str) -> None:
        assert await seen(trading, name) == sorted(wanted)
        with reading_for(trading.actor(name, "buyer")):
            rows = await Pool().rows("select id from offer")
            assert sorted(row["id"] for row in rows) == sorted(wanted)

    await check("factory", factories, both)
    await with_month(trading, "factory", 101)
    await check("factory", factories, middle)
    assert await queries.offers(None) == []
    why = {view.id: view.is_for_class for view in await queries.offers(trading.actor("factory"))}
    assert why == {factories: True, middle: True}


@pytest.mark.parametrize(
    ("pointer", "audience"),
    [
        ("/for_kind", {"is_public": False, "for_kind": "operator"}),
        ("/for_size", {"is_public": False, "for_size": "giant"}),
        ("/for_kind", {"for_kind": "factory"}),
        ("/for_size", {"for_size": "small"}),
    ],
)
async def test_an_offer_is_for_a_class_that_there_is(
    trading: Trading, pointer: str, audience: dict[str, object]
) -> None:
    await trading.give("mill", RICH)

    with pytest.raises(InvalidField) as refusal:
        await offered(trading, 480_000, **audience)

    assert refusal.value.pointer == pointer


async def test_only_counterparties_join_a_group_and_only_own_groups_are_shown_to(
    trading: Trading,
) -> None:
    for name in ("factory", "mill", "rival"):
        await trading.give(name, RICH)
    await trading.form()
    factory, bakery = trading.id_of("factory"), trading.id_of("bakery")
    made = await act(
        audiences.set_group, trading, "mill", "seller", called="Friends", members=[factory]
    )
    to = (str(made.answer["group_id"]),)

    for member in (bakery, "org_nobody", trading.id_of("mill")):
        with pytest.raises(NotFound):
            await act(audiences.set_group, trading, "mill", "seller", called="x", members=[member])
    with pytest.raises(NotAllowed):
        await act(audiences.set_group, trading, "mill", "buyer", called="x", members=[factory])
    with pytest.raises(InvalidField):
        await offered(trading, 480_000, shown_to=to)
    with pytest.raises(NotFound):
        await offered(trading, 480_000, is_public=False, shown_to=("grp_nobody",))
    [known] = await audiences.counterparties(trading.actor("mill", "seller"))
    assert known["organisation_id"] == factory
