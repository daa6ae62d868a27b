"""Changes by consent: previewed to the fen, frozen, carried out once, never into cash."""

from datetime import UTC, date, datetime, timedelta

import pytest

from aggregator.errors import (
    Conflict,
    InsufficientFunds,
    InvalidField,
    NotFound,
    WrongState,
)
from aggregator.forwards import calling, contract_queries, places, proposals, proposing
from aggregator.forwards.errors import ClosesIntoCash, TermsChanged
from aggregator.forwards.plans import Change
from aggregator.journal.reading import Pool
from aggregator.ledger.queries import balances, escrow_balance
from aggregator.ledger.verifying import verify
from aggregator.market import Actor
from aggregator.reactions import ON_TIMER
from aggregator.standing.privileges import lowered
from aggregator.workers.ringing import ring_due
from matching.standing.rulebook import FIRST
from tests.builders import a_command, with_tier
from tests.integration.forwards.signing import (
    MILLION,
    Signed,
    a_firm,
    signed,
    with_members,
    with_place,
)


async def propose(world: Signed, actor: Actor, slot: int, change: Change, to: str = "") -> dict:
    outcome = await proposing.propose(
        world.market, actor, a_command(), world.slot_ids[slot], change, to
    )
    return outcome.answer


async def consent(
    world: Signed, actor: Actor, proposal_id: str, slot_id: str | None = None
) -> dict:
    shown = await proposing.offered(world.market, actor, proposal_id, slot_id)
    outcome = await proposing.consent(
        world.market,
        actor,
        a_command(),
        proposal_id,
        terms_sha256=shown["terms_sha256"],
        slot_id=slot_id,
    )
    return outcome.answer


async def cash(actor: Actor) -> tuple[int, int]:
    [row] = [r for r in await balances(actor.organisation_id) if r.purpose == "cash"]
    return row.balance_minor, row.held_minor


async def sound() -> bool:
    """Tell whether the ledger balances and every slot's escrow is what its row says."""
    rows = await Pool().rows("select id, deposit_minor from contract_slot")
    held = [await escrow_balance(row["id"], "CNY") == row["deposit_minor"] for row in rows]
    return all(held) and (await verify()).differences == ()


async def test_a_preview_tells_each_party_its_own_money_to_the_fen(orm: str) -> None:
    world = await signed()
    buyer = world.buyers[0]

    shown = await proposing.preview(
        world.market, buyer, world.slot_ids[0], Change(kind="lots", lots=44)
    )

    def total(lots: int) -> int:
        goods = lots * 491_000
        fee = goods * 2 // 1000
        return goods + goods * 13 // 100 + fee + (fee * 6 + 50) // 100

    assert [row["total_minor"] for row in shown["before"]] == [total(40)]
    assert [row["total_minor"] for row in shown["after"]] == [total(44)]
    assert shown["deposit"] == {
        "refunded_minor": (total(40) + 5) // 10,
        "taken_minor": (total(44) + 5) // 10,
    }
    seller = await proposing.preview(
        world.market, world.mill, world.slot_ids[0], Change(kind="lots", lots=44)
    )
    assert seller["deposit"] == {"refunded_minor": 0, "taken_minor": 0}
    assert seller["terms_sha256"] == shown["terms_sha256"]


async def test_a_tier_lowers_the_deposit_from_the_order_on_and_for_its_buyer_alone(
    orm: str,
) -> None:
    off_bps = FIRST.tiers[3].deposit_off_bps

    def lower(total_minor: int) -> int:
        return lowered((total_minor + 5) // 10, off_bps)

    world = await signed(tier=3)
    buyer, other = world.buyers[:2]
    slot = await world.slot(buyer, world.slot_ids[0])
    whole = await world.slot(other, world.slot_ids[1])
    rows = await Pool().rows(
        "select h.amount_minor, o.deposit_off_bps from strip_order o join account a"
        " on a.organisation_id = o.organisation_id and a.purpose = 'cash' join hold h"
        " on h.account_id = a.id and h.reference = 'strip:' || o.strip_id order by o.seq"
    )
    await with_tier(buyer.organisation_id, 0)
    made = await propose(world, buyer, 0, Change(kind="lots", lots=44))
    changed = await consent(world, world.mill, made["proposal_id"])
    kept = await world.slot(buyer, changed["slot_ids"][0])

    assert [row["deposit_off_bps"] for row in rows] == [off_bps, 0, 0]
    # At the limit of 5,000.00, with tax and fees, a tenth; the other's is that of 60 lots.
    assert rows[0]["amount_minor"] == lowered(rows[1]["amount_minor"] * 40 // 60, off_bps)
    assert slot["deposit_minor"] == lower(slot["total_minor"])
    assert whole["deposit_minor"] == (whole["total_minor"] + 5) // 10
    assert kept["deposit_minor"] == lower(kept["total_minor"])

    moving = Change(kind="transfer")
    asked = await proposing.propose(
        world.market, buyer, a_command(), kept["slot_id"], moving, other.organisation_id
    )
    done = await consent(world, other, asked.answer["proposal_id"])
    moved = await world.slot(other, done["slot_ids"][0])
    assert moved["deposit_minor"] == (moved["total_minor"] + 5) // 10
    assert await sound()


@pytest.mark.parametrize(
    ("change", "after"),
    [
        (Change(kind="lots", lots=36), {"lots": 36, "tenor": "2027-03"}),
        (Change(kind="lots", lots=44), {"lots": 44, "tenor": "2027-03"}),
        (Change(kind="month", tenor="2027-05"), {"lots": 40, "tenor": "2027-05"}),
    ],
)
async def test_a_change_that_both_consent_to_is_carried_out_once(
    orm: str, change: Change, after: dict
) -> None:
    world = await signed()
    made = await propose(world, world.buyers[0], 0, change)

    done = await consent(world, world.mill, made["proposal_id"])

    assert done["state"] == "executed"
    fresh = await world.slot(world.buyers[0], done["slot_ids"][0])
    assert {name: fresh[name] for name in after} == after
    assert (await world.slot(world.buyers[0], world.slot_ids[0]))["state"] == "replaced"
    assert await cash(world.buyers[0]) == (MILLION - fresh["deposit_minor"], 0)
    with pytest.raises(WrongState):
        await proposing.consent(
            world.market,
            world.mill,
            a_command(),
            made["proposal_id"],
            terms_sha256=made["terms_sha256"],
        )
    assert await sound()


async def test_a_place_changes_with_its_freight(orm: str) -> None:
    world = await signed()
    place_id = await with_place(world.market, world.buyers[0], "广州港", region="GD")
    change = Change(kind="place", place_id=place_id, freight_minor=10_600)
    made = await propose(world, world.mill, 0, change)

    done = await consent(world, world.buyers[0], made["proposal_id"])

    fresh = await world.slot(world.mill, done["slot_ids"][0])
    assert (fresh["place"], fresh["freight_minor"]) == ("广州港", 10_600)
    assert await sound()


async def test_a_cancelled_slot_gives_every_deposit_back(orm: str) -> None:
    world = await signed()
    made = await propose(world, world.buyers[0], 0, Change(kind="cancel"))

    done = await consent(world, world.mill, made["proposal_id"])

    assert done == {"proposal_id": made["proposal_id"], "state": "executed", "slot_ids": []}
    assert await cash(world.buyers[0]) == (MILLION, 0)
    assert (await world.slot(world.mill, world.slot_ids[0]))["state"] == "cancelled"
    assert await sound()


async def test_a_slot_moves_to_a_buyer_with_a_place_and_the_funds(orm: str) -> None:
    world = await signed()
    taker = await a_firm(world.market, "taker")
    await with_members(taker)
    await with_place(world.market, taker, "柳州库")
    made = await propose(world, world.buyers[1], 1, Change(kind="transfer", lots=25), "taker")

    done = await consent(world, taker, made["proposal_id"])

    assert done["state"] == "executed", "the seller is indifferent within the region"
    [slot_id] = done["slot_ids"]
    fresh = await world.slot(taker, slot_id)
    assert (fresh["lots"], fresh["price_minor"], fresh["place"]) == (25, 491_000, "柳州库")
    assert await cash(taker) == (MILLION - fresh["deposit_minor"], 0)
    schedule = await contract_queries.contract(
        world.mill, world.contract_id, world.market.clock.now()
    )
    living = [slot for slot in schedule.slots if slot["state"] == "open"]
    assert sorted((slot["buyer"], slot["lots"]) for slot in living) == [
        ("buyer0", 40),
        ("buyer1", 35),
        ("buyer2", 80),
        ("taker", 25),
    ]
    assert await sound()


async def test_a_far_place_asks_the_seller_too(orm: str) -> None:
    world = await signed()
    taker = await a_firm(world.market, "taker")
    await with_members(taker)
    await with_place(world.market, taker, "广州港", region="GD")
    change = Change(kind="transfer", freight_minor=10_600)
    made = await propose(world, world.buyers[1], 1, change, "taker")

    waiting = await consent(world, taker, made["proposal_id"])
    assert waiting["state"] == "open"
    assert (await cash(taker))[1] > 0, "what it costs is set aside until the seller has spoken"
    done = await consent(world, world.mill, made["proposal_id"])

    assert done["state"] == "executed"
    assert (await cash(taker))[1] == 0
    assert await sound()


async def test_two_buyers_of_one_contract_swap_months(orm: str) -> None:
    world = await signed()
    first, second = world.buyers[0], world.buyers[2]
    swap = Change(kind="swap", tenor="2027-05", lots=30)
    made = await propose(world, first, 0, swap, second.organisation_id)

    done = await consent(world, second, made["proposal_id"], world.slot_ids[2])

    assert done["state"] == "executed"
    found = await contract_queries.contract(world.mill, world.contract_id, world.market.clock.now())
    living = sorted(
        (slot["buyer"], slot["tenor"], slot["lots"], slot["place"])
        for slot in found.slots
        if slot["state"] == "open"
    )
    assert living == [
        ("buyer0", "2027-03", 10, "1号仓"),
        ("buyer0", "2027-05", 30, "1号仓"),
        ("buyer1", "2027-04", 60, "2号仓"),
        ("buyer2", "2027-03", 30, "3号仓"),
        ("buyer2", "2027-05", 50, "3号仓"),
    ]
    assert await sound()


async def test_what_would_close_into_cash_is_refused(orm: str) -> None:
    world = await signed()
    first, third = world.buyers[0], world.buyers[2]
    sister = await a_firm(world.market, "sister")
    await with_members(sister, world.mill)
    await with_place(world.market, sister)
    await with_place(world.market, world.mill)
    await Pool().rows(
        "update organisation set owner_group = 'mill' where name = 'sister' returning id"
    )

    with pytest.raises(ClosesIntoCash) as same:
        await propose(world, first, 0, Change(kind="swap", tenor="2027-03"), "buyer2")
    with pytest.raises(ClosesIntoCash) as back:
        await propose(world, first, 0, Change(kind="transfer"), "mill")
    with pytest.raises(ClosesIntoCash) as sisters:
        await propose(world, first, 0, Change(kind="transfer"), "sister")
    made = await propose(world, first, 0, Change(kind="transfer"), "buyer2")
    [slot_id] = (await consent(world, third, made["proposal_id"]))["slot_ids"]
    with pytest.raises(ClosesIntoCash) as round_trip:
        await proposing.propose(
            world.market, third, a_command(), slot_id, Change(kind="transfer"), "buyer0"
        )
    swap = Change(kind="swap", tenor="2027-04")
    longer = await propose(world, third, 2, swap, "buyer1")
    with pytest.raises(ClosesIntoCash) as unequal:
        await consent(world, world.buyers[1], longer["proposal_id"], world.slot_ids[1])

    assert [one.value.rule for one in (same, back, sisters, round_trip, unequal)] == [
        "cash.same_month",
        "cash.back_to_seller",
        "cash.back_to_seller",
        "cash.came_from_there",
        "cash.unequal_lots",
    ]


async def test_a_buyer_without_a_place_or_without_the_funds_takes_nothing_over(orm: str) -> None:
    world = await signed()
    poor = await a_firm(world.market, "poor", cash=100)
    await with_members(poor)

    with pytest.raises(InvalidField) as nowhere:
        await propose(world, world.buyers[0], 0, Change(kind="transfer"), "poor")
    with pytest.raises(InvalidField) as nobody:
        await propose(world, world.buyers[0], 0, Change(kind="transfer"), "nobody at all")
    await with_place(world.market, poor)
    made = await propose(world, world.buyers[0], 0, Change(kind="transfer"), "poor")
    with pytest.raises(InsufficientFunds):
        await consent(world, poor, made["proposal_id"])

    assert nowhere.value.rule == nobody.value.rule == "a buyer with a receiving place"
    assert (await world.slot(world.buyers[0], world.slot_ids[0]))["state"] == "open"
    assert await sound()


async def test_terms_are_frozen_a_call_off_in_between_ends_the_consent(orm: str) -> None:
    world = await signed()
    made = await propose(world, world.buyers[0], 0, Change(kind="month", tenor="2027-05"))
    nominated = await calling.nominate(
        world.market,
        world.buyers[0],
        a_command(),
        world.slot_ids[0],
        lots=10,
        delivery_on=date(2027, 3, 15),
    )

    with pytest.raises(Conflict):
        await consent(world, world.mill, made["proposal_id"])
    await calling.confirm(world.market, world.mill, a_command(), nominated.answer["call_off_id"])
    with pytest.raises(TermsChanged):
        await consent(world, world.mill, made["proposal_id"])
    with pytest.raises(TermsChanged):
        await proposing.consent(
            world.market,
            world.mill,
            a_command(),
            made["proposal_id"],
            terms_sha256="0" * 64,
        )


async def test_a_withdrawn_refused_or_expired_proposal_frees_what_it_held(orm: str) -> None:
    world = await signed()
    buyer = world.buyers[0]
    untouched = await cash(buyer)

    more = Change(kind="lots", lots=44)
    first = await propose(world, buyer, 0, more)
    assert (await cash(buyer))[1] > 0
    await proposing.withdraw(world.market, buyer, a_command(), first["proposal_id"])
    second = await propose(world, buyer, 0, more)
    await proposing.withdraw(world.market, world.mill, a_command(), second["proposal_id"])
    third = await propose(world, buyer, 0, more)
    world.market.clock.set(datetime(2027, 1, 12, tzinfo=UTC) + timedelta(hours=16))
    await ring_due(world.market, ON_TIMER)

    ids = [made["proposal_id"] for made in (first, second, third)]
    states = [(await proposals.load(Pool(), one)).state for one in ids]
    assert states == ["withdrawn", "refused", "expired"]
    assert await cash(buyer) == untouched


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        (Change(kind="lots", lots=45), "/lots"),
        (Change(kind="lots", lots=40), "/lots"),
        (Change(kind="lots"), "/lots"),
        (Change(kind="month", tenor="2027-03"), "/tenor"),
        (Change(kind="month", tenor="2027-09"), "/tenor"),
        (Change(kind="place", place_id="plc_none", freight_minor=0), "/place_id"),
    ],
)
async def test_a_faulty_change_names_its_field(orm: str, change: Change, pointer: str) -> None:
    world = await signed()

    with pytest.raises(InvalidField) as refusal:
        await propose(world, world.buyers[0], 0, change)

    assert refusal.value.pointer == pointer


async def test_a_fixed_price_is_not_amended(orm: str) -> None:
    world = await signed()

    with pytest.raises(Conflict):
        await propose(world, world.buyers[0], 0, Change(kind="price"))


async def test_strangers_see_neither_slot_nor_proposal(orm: str) -> None:
    world = await signed()
    made = await propose(world, world.buyers[0], 0, Change(kind="cancel"))

    with pytest.raises(NotFound):
        await propose(world, world.buyers[1], 0, Change(kind="cancel"))
    with pytest.raises(NotFound):
        await consent(world, world.buyers[1], made["proposal_id"])
    found = await contract_queries.contract(
        world.buyers[1], world.contract_id, world.market.clock.now()
    )
    assert {slot["buyer"] for slot in found.slots} == {"buyer1"}
    assert found.proposals == ()
    assert all("buyer0" not in str(entry) for entry in found.timeline)


async def test_a_place_is_declared_once_and_closed_by_its_firm(orm: str) -> None:
    world = await signed()
    place_id = await with_place(world.market, world.buyers[0], "新仓")

    with pytest.raises(Conflict):
        await with_place(world.market, world.buyers[0], "新仓")
    with pytest.raises(NotFound):
        await places.close(world.market, world.buyers[1], a_command(), place_id)
    await places.close(world.market, world.buyers[0], a_command(), place_id)

    assert "新仓" not in [
        p.name for p in await places.of_firm(Pool(), world.buyers[0].organisation_id)
    ]
