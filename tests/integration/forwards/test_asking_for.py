"""What a mandate refuses on a signed contract or in rounds is asked for, and carried out once."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pytest

from aggregator.approvals import executing
from aggregator.approvals.asking import Wanted, ask_for
from aggregator.errors import Conflict
from aggregator.forwards import clocking, proposing, queries
from aggregator.forwards.errors import TermsChanged
from aggregator.forwards.plans import Change
from aggregator.journal.reading import Pool
from aggregator.mandates.errors import BeyondMandate
from aggregator.mandates.queries import approval
from aggregator.market import Actor, Market
from tests.builders import a_command, an_actor
from tests.integration.forwards.signing import TENORS, Signed, signed
from tests.integration.forwards.test_changes import propose, sound
from tests.integration.forwards.test_rounds import (
    CLOCK,
    accepted,
    countered,
    offered,
    proposed,
    talking,
)
from tests.integration.forwards.test_taking_over import LOTS, PRICE, a_taker, bound


def clerk_of(firm: Actor, role: str = "buyer") -> Actor:
    person = f"per_{firm.organisation_id}"
    return an_actor(firm.organisation_id, role, group=firm.owner_group, person=person)


async def asked(
    market: Market, clerk: Actor, act: str, subject: str, terms: dict[str, Any]
) -> dict[str, Any]:
    outcome = await ask_for(
        market,
        clerk,
        a_command(),
        Wanted(terms),
        act=act,
        subject=subject,
        currency="CNY",
    )
    return outcome.answer


async def ended(market: Market, boss: Actor, asking: dict[str, Any]) -> dict[str, Any]:
    """Let the boss say yes, and return the request as it ended."""
    approval_id, fingerprint = asking["approval_id"], str(asking["fingerprint"])
    await executing.approve_and_execute(
        market, boss, a_command(), approval_id, fingerprint=fingerprint
    )
    await executing.execute(market, approval_id)
    return dict(await approval(boss, market.clock.now(), approval_id))


async def a_move(world: Signed, clerk: Actor) -> dict[str, Any]:
    change = Change(kind="month", tenor=TENORS[2])
    shown = await proposing.preview(world.market, clerk, world.slot_ids[0], change)
    return {"change": asdict(change), "to": "", "terms_sha256": shown["terms_sha256"]}


async def test_a_move_is_asked_for_and_proposed_as_it_was_shown(orm: str) -> None:
    world = await signed()
    firm = world.buyers[0]
    boss, clerk = await bound(world.market, firm), clerk_of(firm)
    terms = await a_move(world, clerk)

    asking = await asked(world.market, clerk, "forwards.order", world.slot_ids[0], terms)
    found = await ended(world.market, boss, asking)
    with pytest.raises(TermsChanged):
        await proposing.propose(
            world.market,
            clerk,
            a_command(),
            world.slot_ids[0],
            Change(kind="month", tenor=TENORS[1]),
            only_as=terms["terms_sha256"],
        )

    assert (found["state"], found["amount_minor"]) == ("executed", 40 * PRICE)
    open_ones = await Pool().rows("select terms_sha256 from contract_proposal where state = 'open'")
    assert [row["terms_sha256"] for row in open_ones] == [terms["terms_sha256"]]
    assert await sound()


async def test_what_binds_to_nothing_more_is_not_asked_for_and_nothing_is_done(orm: str) -> None:
    world = await signed()
    firm = world.buyers[0]
    await bound(world.market, firm)
    clerk, change = clerk_of(firm), Change(kind="lots", lots=36)
    shown = await proposing.preview(world.market, clerk, world.slot_ids[0], change)
    terms = {"change": asdict(change), "to": "", "terms_sha256": shown["terms_sha256"]}

    with pytest.raises(Conflict, match="nothing_to_approve"):
        await asked(world.market, clerk, "forwards.order", world.slot_ids[0], terms)

    assert await Pool().rows("select 1 from contract_proposal") == []


async def test_a_consent_beyond_the_mandate_is_asked_for(orm: str) -> None:
    world = await signed()
    taker = await a_taker(world)
    boss = await bound(world.market, taker)
    made = await propose(world, world.buyers[1], 1, Change(kind="transfer", lots=LOTS), "taker")
    shown = await proposing.offered(world.market, taker, made["proposal_id"])
    terms = {"terms_sha256": shown["terms_sha256"], "slot_id": None}

    asking = await asked(world.market, taker, "forwards.order", made["proposal_id"], terms)
    found = await ended(world.market, boss, asking)

    assert (found["state"], found["amount_minor"]) == ("executed", LOTS * PRICE)
    assert found["outcome"]["state"] == "executed"
    assert await sound()


async def test_a_word_in_a_clock_is_asked_for_and_said_in_its_round_alone(orm: str) -> None:
    world = await talking(clock=CLOCK)
    boss = await bound(world.market, world.mill, "forwards.offer")
    clerk = clerk_of(world.mill, "seller")
    with pytest.raises(BeyondMandate):
        await offered(world, clerk, 40, 60, 80)
    lots = dict(zip(TENORS, (40, 60, 80), strict=True))
    terms = {"lots": lots, "only_round": 1}

    first, late = [
        await asked(world.market, clerk, "forwards.offer", world.strip_id, terms) for _ in range(2)
    ]
    found = await ended(world.market, boss, first)
    await world.wait(minutes=10)
    missed = await ended(world.market, boss, late)

    assert (found["state"], found["amount_minor"]) == ("executed", 180 * 500_000)
    assert await clocking.own_lots(Pool(), world.strip_id, world.mill.organisation_id) == lots
    assert (missed["state"], missed["outcome"]["code"]) == ("failed", "wrong_state")


async def test_what_the_bundle_proposed_is_accepted_once_approved(orm: str) -> None:
    world = await talking()
    boss = await bound(world.market, world.mill, "forwards.offer")
    clerk = clerk_of(world.mill, "seller")
    sha256 = await proposed(world)
    with pytest.raises(BeyondMandate):
        await accepted(world, clerk, 1, sha256)

    terms = {"number": 1, "terms_sha256": sha256}
    asking = await asked(world.market, clerk, "forwards.offer", world.strip_id, terms)
    found = await ended(world.market, boss, asking)
    await world.wait(minutes=1)

    assert found["state"] == "executed"
    assert await world.phase() == "cleared"


async def test_agreed_terms_beyond_a_limit_are_asked_for(orm: str) -> None:
    world = await talking(500_000, 489_000, 500_000)
    firm = world.buyers[1]
    await Pool().rows(
        "with p as (insert into person (id, login, name, password_hash, created_at)"
        " values ($1, $1, $1, 'none', now()) returning id)"
        " insert into membership (person_id, organisation_id, roles)"
        " select id, $2, array['buyer'] from p returning person_id",
        f"per_{firm.organisation_id}",
        firm.organisation_id,
    )
    sha256 = await countered(world, 495_000)
    await accepted(world, an_actor("operator", "operator"), 1, sha256)
    clerk = clerk_of(firm)
    [ask] = (await queries.rounds(clerk, world.strip_id) or {})["asks"]
    boss = await bound(world.market, firm)

    terms = {"order": ask["order_id"], "terms_sha256": sha256}
    asking = await asked(world.market, clerk, "forwards.order", world.strip_id, terms)
    found = await ended(world.market, boss, asking)

    assert (found["state"], found["amount_minor"]) == ("executed", 60 * 495_000)
