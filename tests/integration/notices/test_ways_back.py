"""A lost password: two of the operator, three days, and a link to the proved address only."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta

import pytest

from aggregator.errors import (
    Conflict,
    InvalidField,
    NotFound,
    NotSignedIn,
    SamePerson,
    WrongPassword,
    WrongState,
)
from aggregator.journal.reading import Pool
from aggregator.market import Actor, Answer, Unit
from aggregator.notices import queries, returning
from aggregator.parties import (
    agreeing,
    consents,
    inviting,
    membership,
    passkeys,
    recovering,
    sessions,
    trail,
)
from aggregator.reactions import ON_TIMER
from aggregator.settlement import own_accounts
from aggregator.workers.ringing import ring_due
from tests.builders import a_command, a_person, an_actor, an_organisation
from tests.integration.notices.test_mail import MAIL, PLACE, Firm, firm

__all__ = ["firm"]

OLD, NEW = "correct horse 8", "battery staple 9"
ONE, OTHER = (an_actor("market", "operator", person=name) for name in ("per_one", "per_other"))


async def ring(firm: Firm, later: timedelta = timedelta(seconds=30)) -> None:
    firm.clock.advance(later)
    await ring_due(firm.market, ON_TIMER)


async def asked(firm: Firm, login: str = "clerk") -> None:
    await returning.ask(firm.market, login)
    await ring(firm)


async def under_way(firm: Firm) -> list[str]:
    return [row["state"] for row in await recovering.under_way(firm.market, firm.clerk)]


async def sent_back(firm: Firm, boss: Actor) -> str:
    """Have an owner send the clerk back, whose address is proved for long; return the link."""
    await firm.prove()
    firm.clock.advance(returning.SETTLES)
    await returning.send_back(firm.market, boss, firm.clerk.person_id)
    await ring(firm)
    [token] = links(firm)
    return token


async def boss_of(firm: Firm, name: str) -> Actor:
    """Return the owner of another firm."""
    organisation_id = await an_organisation(firm.market, name)
    person_id = await a_person(firm.market, organisation_id, name.lower(), "owner")
    return an_actor(organisation_id, "owner", person=person_id)


async def join(firm: Firm, boss: Actor) -> None:
    """Let the clerk join a further firm."""
    made = await inviting.invite(firm.market, boss, roles=("buyer",), days=1)
    await inviting.join_as(firm.market, firm.clerk, made.answer["token"])


async def agree(firm: Firm, *operators: Actor) -> None:
    [consent] = await consents.waiting(firm.market)
    for operator in operators:
        await agreeing.agree(firm.market, operator, a_command(), consent["consent_id"])


async def sign_in(firm: Firm, password: str) -> str:
    return (await sessions.open_session(firm.market, "clerk", password)).token


def links(firm: Firm) -> list[str]:
    found = [re.search(rf"{PLACE}/recover#(\S+)", mail.get_content()) for mail in firm.office.took]
    return [match[1] for match in found if match]


async def told(firm: Firm) -> list[object]:
    """Return the states of ways back that the firm was told, in order."""
    notices = await queries.notices(firm.clerk)
    return [dict(one.figures)["state"] for one in reversed(notices) if one.kind == "recovery"]


async def colleague(firm: Firm, *roles: str) -> Actor:
    organisation_id = firm.clerk.organisation_id
    person_id = await a_person(firm.market, organisation_id, "-".join(roles), *roles)
    return an_actor(organisation_id, *roles, person=person_id)


async def test_two_persons_and_three_days_lead_to_a_link_that_works_once(firm: Firm) -> None:
    await firm.prove()
    await asked(firm)
    with pytest.raises(SamePerson):
        await agree(firm, ONE, ONE)
    assert await under_way(firm) == ["waiting"]
    await agree(firm, OTHER)
    await ring(firm, recovering.DELAY - timedelta(minutes=1))
    assert (await under_way(firm), links(firm)) == (["approved"], [])

    await ring(firm, timedelta(minutes=2))
    [token] = links(firm)
    assert {mail["To"] for mail in firm.office.took} == {MAIL}
    before = await sign_in(firm, OLD)
    await recovering.finish(firm.market, token, NEW)

    for password in (OLD, "guessed horse 1"):
        with pytest.raises(WrongPassword):
            await sign_in(firm, password)
    with pytest.raises(NotSignedIn):
        await sessions.actor_of(firm.market, before)
    assert await sign_in(firm, NEW)
    with pytest.raises(NotFound):
        await recovering.finish(firm.market, token, OLD)
    await ring(firm)
    assert sorted(map(str, await told(firm))) == ["approved", "executed", "open", "waiting"]
    lines = await trail.trail(firm.clerk.organisation_id, limit=100)
    assert {"ConsentAsked", "ConsentGiven", "RecoveryChanged", "SessionsEnded"} <= {
        line["name"] for line in lines
    }
    assert all(token not in str(line) and MAIL not in str(line) for line in lines)


async def test_a_second_factor_and_passkeys_end_with_it(firm: Firm) -> None:
    await firm.prove()
    person = firm.clerk.person_id
    await Pool().rows(
        "update person set totp_wrapped = 'x', totp_since = now() where id = $1 returning id",
        person,
    )
    await Pool().rows(
        "insert into passkey (id, person_id, credential_id, public_key, sign_count, name,"
        " created_at) values ('pk', $1, 'c', 'k', 0, 'phone', now()) returning id",
        person,
    )
    await asked(firm)
    await agree(firm, ONE, OTHER)
    await ring(firm, recovering.DELAY)

    await recovering.finish(firm.market, links(firm)[0], NEW)

    assert await sign_in(firm, NEW)
    assert await passkeys.passkeys(firm.clerk) == []


async def test_bank_accounts_stay_as_they_are_for_three_days(firm: Firm) -> None:
    await firm.prove()
    await asked(firm)
    await agree(firm, ONE, OTHER)
    await ring(firm, recovering.DELAY)
    await recovering.finish(firm.market, links(firm)[0], NEW)

    async def declare() -> None:
        await own_accounts.declare(
            firm.market,
            firm.clerk,
            a_command(),
            number="622200001234",
            bank_code="102100099996",
        )

    with pytest.raises(Conflict, match="accounts_frozen"):
        await declare()
    firm.clock.advance(recovering.FROZEN_FOR)
    await declare()


async def test_anyone_of_the_firm_stops_it_until_it_was_used(firm: Firm) -> None:
    await firm.prove()
    viewer = await colleague(firm, "viewer")
    stranger = an_actor(await an_organisation(firm.market, "Rival"), "owner")
    await asked(firm)
    await agree(firm, ONE, OTHER)
    await ring(firm, recovering.DELAY)
    [token] = links(firm)
    [row] = await recovering.under_way(firm.market, viewer)

    with pytest.raises(NotFound):
        await recovering.stop(firm.market, stranger, a_command(), row["recovery_id"])
    await recovering.stop(firm.market, viewer, a_command(), row["recovery_id"])

    with pytest.raises(NotFound):
        await recovering.finish(firm.market, token, NEW)
    await asked(firm)
    assert (await under_way(firm), await recovering.under_way(firm.market, stranger)) == ([], [])
    await ring(firm, recovering.AGAIN_AFTER)
    await asked(firm)
    assert await under_way(firm) == ["waiting"]


async def test_what_waits_ends_when_it_is_stopped_or_refused_or_too_old(firm: Firm) -> None:
    await firm.prove()
    await asked(firm)
    [consent] = await consents.waiting(firm.market)
    await agreeing.refuse(firm.market, ONE, a_command(), consent["consent_id"])
    with pytest.raises(WrongState):
        await agreeing.agree(firm.market, OTHER, a_command(), consent["consent_id"])
    assert (await under_way(firm), await consents.waiting(firm.market)) == ([], [])

    await ring(firm, recovering.AGAIN_AFTER)
    await asked(firm)
    [consent] = await consents.waiting(firm.market)
    firm.clock.advance(consents.STANDS_FOR)
    with pytest.raises(WrongState):
        await agreeing.agree(firm.market, OTHER, a_command(), consent["consent_id"])
    assert (await under_way(firm), await consents.waiting(firm.market)) == ([], [])


async def test_nothing_comes_of_a_log_in_without_a_proved_address(firm: Firm) -> None:
    await firm.ask()
    for login in ("clerk", "nobody.at.all"):
        await asked(firm, login)

    assert (await under_way(firm), await consents.waiting(firm.market)) == ([], [])
    assert await told(firm) == []


async def test_an_owner_sends_a_colleague_back_and_sees_no_link(firm: Firm) -> None:
    await firm.prove()
    boss = await colleague(firm, "owner")
    with pytest.raises(Conflict, match="recovery_by_market"):
        await returning.send_back(firm.market, boss, firm.clerk.person_id)
    firm.clock.advance(returning.SETTLES)

    sent = await returning.send_back(firm.market, boss, firm.clerk.person_id)
    await ring(firm)

    [token] = links(firm)
    assert token not in str(sent.answer)
    with pytest.raises(Conflict, match="recovery_open"):
        await returning.send_back(firm.market, boss, firm.clerk.person_id)
    await recovering.finish(firm.market, token, NEW)
    assert await sign_in(firm, NEW)


async def test_an_owner_opens_no_way_into_another_firm(firm: Firm) -> None:
    await firm.prove()
    firm.clock.advance(returning.SETTLES)
    boss = await colleague(firm, "owner")
    stranger = an_actor(await an_organisation(firm.market, "Rival"), "owner")
    with pytest.raises(NotFound):
        await returning.send_back(firm.market, stranger, firm.clerk.person_id)
    await Pool().rows(
        "insert into membership (person_id, organisation_id, roles) values ($1, $2, '{buyer}')"
        " returning 1 as one",
        firm.clerk.person_id,
        stranger.organisation_id,
    )

    for person in (firm.clerk.person_id, boss.person_id):
        with pytest.raises(Conflict, match="recovery_by_market"):
            await returning.send_back(firm.market, boss, person)
    await asked(firm)

    for actor in (boss, stranger):
        [row] = await recovering.under_way(firm.market, actor)
        assert row["state"] == "waiting"


async def test_nobody_chooses_not_to_be_mailed_of_it(firm: Firm) -> None:
    await firm.prove()
    with pytest.raises(InvalidField):
        await firm.choose("recovery", by_mail=False)

    await asked(firm)
    await ring(firm)

    assert [mail["To"] for mail in firm.office.took] == [MAIL]


async def test_who_joins_another_firm_takes_no_open_way_back_there(firm: Firm) -> None:
    boss, rival = await colleague(firm, "owner"), await boss_of(firm, "Rival")
    token = await sent_back(firm, boss)

    await join(firm, rival)

    with pytest.raises(NotFound):
        await recovering.finish(firm.market, token, NEW)
    assert (await under_way(firm), await recovering.under_way(firm.market, rival)) == ([], [])


async def test_no_firm_is_entered_that_was_not_told_from_the_first(firm: Firm) -> None:
    await firm.prove()
    rival = await boss_of(firm, "Rival")
    await asked(firm)
    await agree(firm, ONE, OTHER)

    await join(firm, rival)
    await ring(firm, recovering.DELAY)

    assert links(firm) == []


async def test_what_an_owner_opened_ends_with_his_owning(firm: Firm) -> None:
    boss, chief = [await colleague(firm, "owner", *more) for more in ((), ("approver",))]
    token = await sent_back(firm, boss)

    await membership.leave(firm.market, chief, a_command(), boss.person_id)

    with pytest.raises(NotFound):
        await recovering.finish(firm.market, token, NEW)


async def test_an_address_named_just_now_opens_nothing_for_an_owner(firm: Firm) -> None:
    boss = await colleague(firm, "owner")
    await firm.prove()
    firm.clock.advance(returning.SETTLES)
    await firm.prove("mallory@example.com")

    with pytest.raises(Conflict, match="recovery_by_market"):
        await returning.send_back(firm.market, boss, firm.clerk.person_id)


async def test_a_way_back_that_is_over_opens_no_more(firm: Firm) -> None:
    await firm.prove()
    await asked(firm)
    await agree(firm, ONE, OTHER)
    firm.clock.advance(recovering.DELAY + recovering.OPEN_FOR)
    assert await under_way(firm) == []

    await ring(firm)

    assert links(firm) == []


async def test_a_password_that_is_just_being_changed_opens_no_session(firm: Firm) -> None:
    changed, going = asyncio.Event(), asyncio.Event()

    async def change(unit: Unit) -> Answer:
        await unit.execute("update person set password_hash = 'new' where login = 'clerk'")
        changed.set()
        await going.wait()
        return {}

    async with asyncio.timeout(60):
        changing = asyncio.ensure_future(firm.market.perform(Actor.SYSTEM, "test", change))
        await changed.wait()
        opening = asyncio.ensure_future(sign_in(firm, OLD))
        while not opening.done() and not await Pool().rows(
            "select 1 from pg_locks where not granted"
        ):
            await asyncio.sleep(0.01)
        going.set()
        await changing
        with pytest.raises(WrongPassword):
            await opening
