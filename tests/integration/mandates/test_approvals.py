"""Beyond a mandate somebody else says yes, and then the act happens once."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta

import pytest
from tortoise.exceptions import IntegrityError

from aggregator.approvals import executing
from aggregator.approvals.executing import approve_and_execute
from aggregator.auctions import bidding
from aggregator.errors import Conflict, InvalidField, NotAllowed, NotFound, WrongState
from aggregator.journal.reading import Pool
from aggregator.mandates import policies, queries, requesting
from aggregator.mandates.errors import ApprovalNotOpen, BeyondMandate, OwnAct, TermsDiffer
from aggregator.parties import membership
from tests.builders import a_command, an_actor
from tests.integration.auctions.building import rows_of_all_tables
from tests.integration.mandates.building import HOUR, PRICE, Firm


async def bids_of(auction_id: str) -> int:
    rows = await Pool().rows(
        "select count(*) as n from journal where stream = $1 and kind = 'BidPlaced'",
        f"auction:{auction_id}",
    )
    return int(rows[0]["n"])


async def test_an_approved_bid_is_placed_for_its_asker(firm: Firm) -> None:
    await firm.bind()
    auction_id = await firm.auction()
    approval_id = await firm.ask_to_bid(auction_id, lots=90)

    await firm.approve(approval_id)

    found = await firm.approval(approval_id)
    assert (found["state"], found["outcome"]["lots"]) == ("executed", 90)
    assert [one["verdict"] for one in found["decisions"]] == ["approved"]
    assert await bids_of(auction_id) == 1


async def test_an_approved_pledge_is_made(firm: Firm) -> None:
    await firm.bind("pools.pledge")
    pool_id = await firm.pool()
    with pytest.raises(BeyondMandate):
        await firm.pledge(pool_id, lots=60)
    approval_id = await firm.ask_to_pledge(pool_id, lots=60)

    await firm.approve(approval_id)

    assert (await firm.approval(approval_id))["outcome"]["lots"] == 60


async def test_a_chain_needs_each_link_in_its_order(firm: Firm) -> None:
    await firm.hire("checker", "approver")
    await firm.bind("auctions.bid", "role:approver", "role:owner")
    auction_id = await firm.auction()
    approval_id = await firm.ask_to_bid(auction_id)

    with pytest.raises(NotAllowed):
        await firm.approve(approval_id, by="boss")
    assert (await firm.approve(approval_id, by="checker"))["state"] == "waiting"
    assert await bids_of(auction_id) == 0
    with pytest.raises(OwnAct):
        await firm.approve(approval_id, by="checker")
    assert (await firm.approve(approval_id, by="boss"))["state"] == "approved"

    assert await bids_of(auction_id) == 1


async def test_nobody_approves_an_act_of_his_own(firm: Firm) -> None:
    await firm.hire("both", "buyer", "owner")
    await firm.bind()
    approval_id = await firm.ask_to_bid(await firm.auction(), by="both")

    with pytest.raises(OwnAct):
        await firm.approve(approval_id, by="both")

    with pytest.raises(IntegrityError):
        await Pool().rows(
            "insert into approval_decision (approval_id, step, person_id, verdict, reason, at)"
            " values ($1, 1, $2, 'approved', '', $3) returning step",
            approval_id,
            firm.people["both"].person_id,
            firm.clock.now(),
        )


async def test_a_substitute_sees_and_decides_while_he_stands_in(firm: Firm) -> None:
    deputy = await firm.hire("deputy", "seller")
    await firm.bind("auctions.bid", f"person:{firm.people['boss'].person_id}")
    now = firm.clock.now()
    first = await firm.ask_to_bid(await firm.auction())
    with pytest.raises(NotAllowed):
        await firm.approve(first, by="deputy")
    await policies.name_substitute(
        firm.market,
        firm.people["boss"],
        a_command(),
        deputy.person_id,
        begins_at=now,
        ends_at=now + timedelta(minutes=30),
    )

    assert len(await queries.approvals(deputy, now)) == 1
    await firm.approve(first, by="deputy")

    (decision,) = (await firm.approval(first))["decisions"]
    assert decision["on_behalf_of"] == firm.people["boss"].person_id
    second = await firm.ask_to_bid(await firm.auction())
    firm.clock.set(now + timedelta(minutes=30))
    with pytest.raises(NotAllowed):
        await firm.approve(second, by="deputy")
    over = firm.clock.now()
    assert await queries.approvals(deputy, over) == []
    with pytest.raises(NotFound):
        await queries.approval(deputy, over, second)


async def test_an_owner_decides_in_the_place_of_who_has_left(firm: Firm) -> None:
    checker = await firm.hire("checker", "approver")
    await firm.bind("auctions.bid", f"person:{checker.person_id}")
    approval_id = await firm.ask_to_bid(await firm.auction())
    with pytest.raises(NotAllowed):
        await firm.approve(approval_id, by="boss")

    await membership.leave(firm.market, firm.people["boss"], a_command(), checker.person_id)
    with pytest.raises(NotAllowed):
        await firm.approve(approval_id, by="treasurer")
    await firm.approve(approval_id, by="boss")

    (decision,) = (await firm.approval(approval_id))["decisions"]
    assert decision["on_behalf_of"] == checker.person_id


async def test_who_is_named_in_a_chain_sees_what_he_decides(firm: Firm) -> None:
    senior, guest = await firm.hire("senior", "buyer"), await firm.hire("guest", "viewer")
    with pytest.raises(InvalidField):
        await firm.bind("auctions.bid", f"person:{guest.person_id}")
    await firm.bind("auctions.bid", f"person:{senior.person_id}")
    approval_id, now = await firm.ask_to_bid(await firm.auction()), firm.clock.now()

    assert (await queries.approval(senior, now, approval_id))["state"] == "waiting"
    assert len(await queries.approvals(senior, now)) == 1
    assert (await firm.approve(approval_id, by="senior"))["state"] == "approved"


async def test_terms_are_frozen_from_the_asking_on(firm: Firm) -> None:
    await firm.bind()
    approval_id = await firm.ask_to_bid(await firm.auction())

    with pytest.raises(TermsDiffer):
        await approve_and_execute(
            firm.market, firm.people["boss"], a_command(), approval_id, fingerprint="00" * 32
        )
    with pytest.raises(IntegrityError, match="frozen"):
        await Pool().rows(
            "update approval set amount_minor = amount_minor + 1 where id = $1 returning id",
            approval_id,
        )
    with pytest.raises(IntegrityError):
        await Pool().rows(
            "update approval set state = 'executed', executed_at = asked_at where id = $1"
            " returning id",
            approval_id,
        )


async def test_approved_is_executed_once_however_often_it_is_tried(firm: Firm) -> None:
    await firm.bind()
    auction_id = await firm.auction()
    approval_id = await firm.ask_to_bid(auction_id)

    done = await asyncio.gather(
        *(firm.approve(approval_id) for _ in range(10)), return_exceptions=True
    )
    await asyncio.gather(*(executing.execute(firm.market, approval_id) for _ in range(10)))
    await firm.pass_to(1)

    assert sum(isinstance(one, dict) for one in done) == 1
    assert all(isinstance(one, dict | WrongState | OwnAct) for one in done)
    assert await bids_of(auction_id) == 1


async def test_a_crash_after_the_yes_is_made_good_by_the_timer(firm: Firm) -> None:
    await firm.bind()
    auction_id = await firm.auction()
    approval_id = await firm.ask_to_bid(auction_id)
    seen = (await firm.approval(approval_id))["fingerprint"]
    await requesting.approve(
        firm.market, firm.people["boss"], a_command(), approval_id, fingerprint=seen
    )
    assert await bids_of(auction_id) == 0

    firm.clock.set(firm.clock.now() + timedelta(seconds=6))
    await firm.ring()

    assert await bids_of(auction_id) == 1
    assert (await firm.approval(approval_id))["state"] == "executed"


async def test_what_the_market_refuses_ends_as_failed(firm: Firm) -> None:
    await firm.bind()
    auction_id = await firm.auction(start_minor=PRICE + 100)
    approval_id = await firm.ask_to_bid(auction_id, price_minor=PRICE)

    await firm.approve(approval_id)

    found = await firm.approval(approval_id)
    assert found["state"] == "failed"
    assert found["outcome"]["code"]


async def test_an_approval_covers_its_own_act_only(firm: Firm) -> None:
    await firm.bind()
    auction_id = await firm.auction()
    approval_id = await firm.ask_to_bid(auction_id, lots=10)
    seen = (await firm.approval(approval_id))["fingerprint"]
    await requesting.approve(
        firm.market, firm.people["boss"], a_command(), approval_id, fingerprint=seen
    )
    clerk = firm.people["clerk"]
    armed = type(clerk)(
        clerk.person_id,
        clerk.organisation_id,
        clerk.owner_group,
        clerk.roles,
        clerk.grants | {f"approval:{approval_id}"},
    )

    with pytest.raises(ApprovalNotOpen):
        await bidding.place_bid(
            firm.market, armed, a_command(), auction_id, price_minor=PRICE, lots=11
        )
    stranger = an_actor(firm.mill.organisation_id, "owner")
    with pytest.raises(NotFound):
        await queries.approval(stranger, firm.clock.now(), approval_id)


async def test_a_request_is_rejected_withdrawn_or_expires(firm: Firm) -> None:
    await firm.bind("auctions.bid", valid_hours=1)
    market, boss, clerk = firm.market, firm.people["boss"], firm.people["clerk"]
    auction_id = await firm.auction(closes_at=firm.clock.now() + 5 * HOUR)
    no, back, late = [await firm.ask_to_bid(auction_id) for _ in range(3)]

    await requesting.reject(market, boss, a_command(), no, reason="too dear")
    await requesting.withdraw(market, clerk, a_command(), back)
    await firm.pass_to(1)

    states = [(await firm.approval(one))["state"] for one in (no, back, late)]
    assert states == ["rejected", "withdrawn", "expired"]
    for one in (no, back, late):
        with pytest.raises(WrongState):
            await firm.approve(one)
    assert await bids_of(auction_id) == 0


async def test_a_leavers_request_fails(firm: Firm) -> None:
    await firm.bind()
    auction_id = await firm.auction()
    approval_id = await firm.ask_to_bid(auction_id)
    await Pool().rows(
        "delete from membership where person_id = $1 returning person_id",
        firm.people["clerk"].person_id,
    )

    await firm.approve(approval_id)

    assert (await firm.approval(approval_id))["outcome"]["code"] == "not_found"
    assert await bids_of(auction_id) == 0


async def test_only_bound_acts_are_asked_for_and_only_by_who_may_do_them(firm: Firm) -> None:
    auction_id = await firm.auction()
    with pytest.raises(Conflict):
        await firm.ask_to_bid(auction_id)
    await firm.bind()

    with pytest.raises(NotAllowed):
        await firm.ask_to_bid(auction_id, by="treasurer")


async def test_colleagues_without_a_say_see_their_own_requests_only(firm: Firm) -> None:
    other = await firm.hire("other", "buyer")
    await firm.bind()
    await firm.ask_to_bid(await firm.auction())
    now = firm.clock.now()

    assert await queries.approvals(other, now) == []
    assert len(await queries.approvals(firm.people["clerk"], now)) == 1
    assert len(await queries.approvals(firm.people["treasurer"], now)) == 1


async def test_a_sealed_bid_that_waits_stands_in_no_row(firm: Firm) -> None:
    odd_price, odd_lots = 777_700, 73
    await firm.bind()
    auction_id = await firm.auction(format="sealed_first")

    approval_id = await firm.ask_to_bid(auction_id, odd_lots, odd_price)
    waiting = await rows_of_all_tables()
    seen = await firm.approval(approval_id)
    await firm.approve(approval_id, by="boss")
    bid = await rows_of_all_tables()

    for figure in (str(odd_price), str(odd_price * odd_lots), rf'"lots": ?{odd_lots}', r"7777\.00"):
        assert not re.search(figure, waiting)
        assert not re.search(figure, bid)
    assert seen["terms"] == {"price_minor": odd_price, "lots": odd_lots, "all_or_none": False}
    assert seen["amount_minor"] == odd_price * odd_lots
    after = await firm.approval(approval_id)
    assert (after["state"], after["outcome"]["price_minor"]) == ("executed", odd_price)
