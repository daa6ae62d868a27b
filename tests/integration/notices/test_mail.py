"""Mail through a real server on this machine: gathered, tried again, given up, in words."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from aggregator.clock import SimulatedClock
from aggregator.errors import Conflict, InvalidField, NotFound
from aggregator.journal.reading import Pool
from aggregator.market import Actor, Answer, Market, Unit
from aggregator.market.eyes import reading_for
from aggregator.notices import addresses, choosing, delivering, letters, mailing, queries
from aggregator.notices.choosing import Choice
from aggregator.notices.smtp import Smtp
from aggregator.notices.telling import tell
from aggregator.parties import membership, preferring
from aggregator.settlement.facts import MoneyReceived, PaymentMade
from aggregator.workers.ringing import ring_due
from tests.builders import START, a_command, a_market, a_person, an_actor, an_organisation
from tests.post_office import PostOffice, code_in
from web.letters import Letters

ON_TIMER = {choosing.GATHER: mailing.gather, addresses.TIMER: mailing.post}
PLACE = "https://market.example"
MAIL = "li.lei@example.com"


@dataclass
class Firm:
    market: Market
    clock: SimulatedClock
    clerk: Actor
    office: PostOffice

    async def notice(self, *facts: object) -> None:
        told = facts or (MoneyReceived("line", self.clerk.organisation_id, 12_345, "CNY"),)

        async def step(unit: Unit) -> Answer:
            for fact in told:
                await tell(unit, fact)
            return {}

        await self.market.perform(Actor.SYSTEM, "test.tell", step)

    async def ring(self, later: timedelta = choosing.GATHERED_FOR) -> None:
        self.clock.advance(later)
        await ring_due(self.market, ON_TIMER)

    async def ask(self, mail: str = MAIL) -> None:
        await addresses.ask(self.market, self.clerk, a_command(), mail)
        await self.ring(timedelta())

    async def confirm(self, code: str) -> bool:
        done = await addresses.confirm(self.market, self.clerk, a_command(), code)
        return bool(done.answer["is_verified"])

    async def prove(self, mail: str = MAIL) -> None:
        """Name an address and type the code that came, and forget that mail."""
        await self.ask(mail)
        assert await self.confirm(code_in(self.office.took.pop()))

    async def choose(self, kind: str, *, in_app: bool = True, by_mail: bool = True) -> None:
        chosen = [Choice(kind, in_app, by_mail)]
        await choosing.choose(self.market, self.clerk, a_command(), chosen)

    async def newest(self) -> dict[str, Any]:
        return dict((await addresses.mails(self.clerk))[0])


@pytest.fixture
async def firm(orm: str) -> AsyncIterator[Firm]:
    clock = SimulatedClock(START)
    market = a_market(clock)
    organisation_id = await an_organisation(market, "桂南食品厂")
    person_id = await a_person(market, organisation_id, "clerk", "finance", language="en")
    clerk = an_actor(organisation_id, "finance", person=person_id)
    async with PostOffice() as office:
        letters.install(Smtp(office.url, "Market <notices@market.example>"), place=PLACE)
        letters.word(Letters())
        yield Firm(market, clock, clerk, office)
        letters.install(None, place="")


async def test_nothing_but_a_code_is_sent_until_it_came_back(firm: Firm) -> None:
    await firm.ask()
    await firm.notice()
    await firm.ring()

    [asked] = firm.office.took
    assert not await firm.confirm("000000" if code_in(asked) != "000000" else "000001")
    assert await firm.confirm(code_in(asked))
    with pytest.raises(NotFound):
        await firm.confirm(code_in(asked))
    await firm.notice()
    await firm.ring()

    told = firm.office.took[1]
    assert asked["To"] == told["To"] == MAIL
    assert told["From"] == "Market <notices@market.example>"
    assert told["Subject"] == "桂南食品厂: Money received"
    assert "123.45" in told.get_content()
    assert f"{PLACE}/money" in told.get_content()
    assert told["List-Unsubscribe"] == f"<{PLACE}/account#notices>"
    assert told["Auto-Submitted"] == "auto-generated"


async def test_five_wrong_codes_end_it_and_three_codes_an_hour_are_sent(firm: Firm) -> None:
    await firm.ask()
    code = code_in(firm.office.took[0])
    for _ in range(addresses.MAX_TRIES):
        assert not await firm.confirm("000000" if code != "000000" else "000001")
    with pytest.raises(NotFound):
        await firm.confirm(code)

    await firm.ask()
    await firm.ask("another@example.com")
    with pytest.raises(Conflict):
        await firm.ask()
    assert len(firm.office.took) == 3
    firm.clock.advance(addresses.CODE_FOR)
    with pytest.raises(NotFound):
        await firm.confirm(code_in(firm.office.took[2]))


@pytest.mark.parametrize(
    "address",
    [
        "nobody",
        "a@b",
        "a@localhost",
        "a b@example.com",
        "a@example.com\r\nBcc: b@example.com",
        "a@exam ple.com",
        '"a"@example.com',
        "a..b@example.com",
        "李@example.com",
        "a@例子.com",
        "a@example.com,b@example.com",
    ],
)
async def test_what_is_no_plain_address_is_refused(firm: Firm, address: str) -> None:
    with pytest.raises(InvalidField):
        await firm.ask(address)


async def test_what_happens_together_comes_in_one_mail_in_language_and_zone(firm: Firm) -> None:
    await firm.prove()
    await firm.choose("tier_drop_announced")
    await preferring.prefer(
        firm.market, firm.clerk, a_command(), language="zh", zone="Europe/Berlin"
    )
    own = firm.clerk.organisation_id
    await firm.notice(MoneyReceived("line", own, 12_345, "CNY"), PaymentMade("p", own, 100, "CNY"))
    await firm.notice()
    await firm.ring()
    await firm.ring(timedelta(days=2))

    [told] = firm.office.took
    assert told["Subject"] == "桂南食品厂: 3 条通知"
    assert told.get_content().count("123.45") == 2
    assert "已付出 1.00 CNY" in told.get_content()


async def test_a_mail_tells_what_happened_at_one_instant_in_its_order(firm: Firm) -> None:
    await firm.prove()
    await firm.choose("payment_made")
    own = firm.clerk.organisation_id
    amounts = range(1_001, 1_013)
    for minor in amounts:
        await firm.notice(PaymentMade(f"p{minor}", own, minor, "CNY"))
    await firm.ring()

    [told] = firm.office.took
    text = told.get_content()
    places = [text.index(f"{minor // 100}.{minor % 100:02}") for minor in amounts]
    assert places == sorted(places)


async def test_what_is_not_taken_is_tried_again_under_the_same_id(firm: Firm) -> None:
    await firm.prove()
    firm.office.says = "451 Later"
    await firm.notice()
    await firm.ring()
    assert (await firm.newest())["outcome"] == "smtp_451"

    firm.office.says = ""
    await firm.ring(delivering.AGAIN_AFTER[0])

    first, second = firm.office.took
    assert first["Message-ID"] == second["Message-ID"]
    assert first.get_content() == second.get_content()
    sent = await firm.newest()
    assert (sent["state"], sent["attempts"], sent["notices"]) == ("sent", 2, 1)


async def test_a_server_that_is_away_is_asked_for_days_then_the_mail_is_given_up(
    firm: Firm,
) -> None:
    await firm.prove()
    await firm.office.__aexit__()
    await firm.notice()
    await firm.ring()
    for later in delivering.AGAIN_AFTER:
        await firm.ring(later)

    given_up = await firm.newest()
    assert (given_up["state"], given_up["outcome"]) == ("failed", "unreachable")
    assert given_up["attempts"] == len(delivering.AGAIN_AFTER) + 1


async def test_an_address_that_is_refused_for_good_gets_nothing_more(firm: Firm) -> None:
    await firm.prove()
    firm.office.says_of_recipient = "550 No such mailbox"
    await firm.notice()
    await firm.ring()
    firm.office.says_of_recipient = ""
    await firm.notice()
    await firm.ring()

    assert firm.office.took == []
    address = await addresses.address(firm.clerk)
    assert address is not None
    assert address["refused_at"] is not None
    assert (await firm.newest())["outcome"] == "smtp_550"
    await firm.prove()
    address = await addresses.address(firm.clerk)
    assert address is not None
    assert address["refused_at"] is None


async def test_more_mails_than_an_hour_allows_wait_and_come_together(firm: Firm) -> None:
    await firm.prove()
    for _ in range(mailing.MOST + 5):
        await firm.notice()
        await firm.ring()
    assert len(firm.office.took) == mailing.MOST

    await firm.ring(mailing.WITHIN)

    assert len(firm.office.took) == mailing.MOST + 1
    assert (await firm.newest())["notices"] == 5


async def test_each_person_chooses_and_without_a_choice_his_roles_decide(firm: Firm) -> None:
    await firm.prove()
    own = {row["kind"]: row for row in await choosing.choices(firm.clerk)}
    assert (own["money_received"]["by_mail"], own["goods_shipped"]["by_mail"]) == (True, False)
    assert own["invoice_issued"]["binds"]

    await firm.choose("money_received", in_app=False, by_mail=False)
    await firm.choose("payment_made", by_mail=False)
    paid = PaymentMade("p", firm.clerk.organisation_id, 100, "CNY")
    await firm.notice(MoneyReceived("line", firm.clerk.organisation_id, 1, "CNY"), paid)
    await firm.ring()

    assert firm.office.took == []
    assert [view.kind for view in await queries.notices(firm.clerk)] == ["payment_made"]
    colleague = an_actor(firm.clerk.organisation_id, "buyer", person="person_other")
    assert len(await queries.notices(colleague)) == 2
    with pytest.raises(InvalidField):
        await firm.choose("invoice_issued", in_app=False)
    with pytest.raises(InvalidField):
        await firm.choose("made_up")


async def test_who_has_left_or_ended_mail_gets_none_that_waited(firm: Firm) -> None:
    await firm.prove()
    await firm.notice()
    await addresses.remove(firm.market, firm.clerk, a_command())
    await firm.ring()
    assert firm.office.took == []
    assert await Pool().rows("select 1 from mail_notice") == []

    await firm.prove()
    firm.office.says = "451 Later"
    await firm.notice()
    await firm.ring()
    firm.office.says = ""
    await firm.notice()
    firm_id = firm.clerk.organisation_id
    await a_person(firm.market, firm_id, "boss", "owner")
    boss = an_actor(firm_id, "owner")
    await membership.leave(firm.market, boss, a_command(), firm.clerk.person_id)
    await firm.ring(timedelta(days=1))

    assert len(firm.office.took) == 1
    assert {row["outcome"] for row in await Pool().rows("select outcome from mail")} >= {
        "not_wanted"
    }


async def test_without_a_mail_server_no_address_is_asked_for(firm: Firm) -> None:
    letters.install(None, place=PLACE)

    with pytest.raises(Conflict):
        await firm.ask()


async def test_addresses_and_mails_are_read_by_the_person_alone(firm: Firm) -> None:
    await firm.prove()
    await firm.notice()
    await firm.ring()
    await firm.choose("deal_formed")
    colleague = an_actor(firm.clerk.organisation_id, "owner", person="person_other")

    for table in ("mail_address", "mail", "mail_notice", "notice_choice"):
        with reading_for(colleague):
            assert await Pool().rows(f"select person_id from {table}") == []
        with reading_for(firm.clerk):
            assert len(await Pool().rows(f"select person_id from {table}")) > 0
    with reading_for(firm.clerk), pytest.raises(Exception, match="permission denied"):
        await Pool().rows("select code_wrapped from mail_address")


async def test_what_one_has_read_others_have_not(firm: Firm) -> None:
    await firm.notice()
    [view] = await queries.notices(firm.clerk)
    firm_id = firm.clerk.organisation_id
    boss_id = await a_person(firm.market, firm_id, "boss", "owner")
    boss = an_actor(firm_id, "owner", person=boss_id)

    await queries.mark_read(firm.market, firm.clerk, a_command(), view.notice_id)
    await queries.mark_read(firm.market, firm.clerk, a_command(), view.notice_id)

    assert (await queries.notices(firm.clerk))[0].read_at == START
    assert (await queries.notices(boss))[0].read_at is None


@pytest.mark.parametrize("is_told_first", [False, True])
async def test_money_is_not_mailed_to_who_may_not_read_the_ledger_any_more(
    firm: Firm, is_told_first: bool
) -> None:
    await firm.prove()
    await firm.choose("money_received")
    if is_told_first:
        await firm.notice()
    await Pool().rows(
        "update membership set roles = '{logistics}' where person_id = $1 returning person_id",
        firm.clerk.person_id,
    )

    if not is_told_first:
        await firm.notice()
    await firm.ring()

    assert firm.office.took == []
