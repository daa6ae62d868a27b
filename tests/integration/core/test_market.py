"""One way to act: authorised, once per command, in one order, all or nothing."""

import asyncio

import pytest

from aggregator.errors import CommandReused, Conflict, InvalidField, NotAllowed, RecordedRefusal
from aggregator.journal.appending import GENESIS, chain_hash
from aggregator.journal.facts import body_of, fact
from aggregator.journal.reading import Pool, entries
from aggregator.market import Answer, Command, Market, Unit
from tests.builders import a_command, a_market, a_person, an_actor, an_organisation, with_sugar

OPERATOR = an_actor("operator", "operator")


@fact
class Counted:
    number: int


def counting(number: int, refuse: bool = False):
    async def step(unit: Unit) -> Answer:
        await unit.record("count:1", Counted(number))
        if refuse:
            raise Conflict("as_asked")
        return {"number": number}

    return step


async def act(market: Market, number: int, command: Command | None = None, refuse: bool = False):
    return await market.perform(
        OPERATOR, "catalogue.define", counting(number, refuse), command=command, stream="count:1"
    )


async def test_an_act_that_no_role_holds_is_refused(orm: str) -> None:
    market = a_market()

    with pytest.raises(NotAllowed):
        await market.perform(
            an_actor("org_a", "buyer"), "parties.register", counting(1), stream="count:1"
        )

    assert await entries(None, "count:1") == []


async def test_a_command_sent_again_gets_the_same_answer(orm: str) -> None:
    market, command = a_market(), a_command({"number": 1})

    first = await act(market, 1, command)
    again = await act(market, 2, command)

    assert (first.answer, first.replayed) == ({"number": 1}, False)
    assert (again.answer, again.replayed) == ({"number": 1}, True)
    assert [entry.fact for entry in await entries(None, "count:1")] == [Counted(1)]


async def test_a_command_id_with_other_content_is_refused(orm: str) -> None:
    market = a_market()
    await act(market, 1, Command.of("same-id", {"number": 1}))

    with pytest.raises(CommandReused):
        await act(market, 2, Command.of("same-id", {"number": 2}))


async def test_a_refused_command_leaves_nothing_and_is_refused_again(orm: str) -> None:
    market, command = a_market(), a_command()

    with pytest.raises(Conflict):
        await act(market, 1, command, refuse=True)
    with pytest.raises(RecordedRefusal) as again:
        await act(market, 1, command)

    assert again.value.refusal_code == "conflict"
    assert again.value.figures() == {"reason": "as_asked"}
    assert await entries(None, "count:1") == []


async def test_many_acts_of_two_processes_stand_in_one_dense_order(orm: str) -> None:
    one, two = a_market(), a_market()

    answers = await asyncio.gather(
        *(act(market, n, refuse=n % 5 == 0) for n in range(40) for market in (one, two)),
        return_exceptions=True,
    )

    found = await entries(None, "count:1")
    assert [entry.seq for entry in found] == list(range(1, len(found) + 1))
    assert len(found) == sum(not isinstance(answer, Exception) for answer in answers) == 64
    assert all(isinstance(a, Conflict) for a in answers if isinstance(a, Exception))


async def test_each_entry_is_chained_to_the_one_before(orm: str) -> None:
    market = a_market()
    for number in range(3):
        await act(market, number)

    previous = GENESIS
    for entry in await entries(None, "count:1"):
        body = body_of(entry.fact)
        expected = chain_hash(previous, entry.stream, entry.seq, "Counted", body, entry.at)
        assert entry.hash == expected
        previous = entry.hash


async def test_a_fault_in_one_act_of_a_batch_harms_no_other(orm: str) -> None:
    market = a_market()

    async def broken(unit: Unit) -> Answer:
        await unit.execute("select 1/0")
        return {}

    results = await asyncio.gather(
        act(market, 1),
        market.perform(OPERATOR, "catalogue.define", broken, stream="count:1"),
        act(market, 2),
        return_exceptions=True,
    )

    assert [getattr(r, "answer", None) for r in results] == [{"number": 1}, None, {"number": 2}]
    assert [entry.fact.number for entry in await entries(None, "count:1")] == [1, 2]


async def test_the_journal_takes_back_nothing(orm: str) -> None:
    await act(a_market(), 1)

    for statement in ("update journal set seq = 9", "delete from journal", "truncate journal"):
        with pytest.raises(Exception, match="append-only"):
            await Pool().rows(statement)


async def test_registering_needs_an_honest_name(orm: str) -> None:
    market = a_market()

    for name in ("", "x" * 121, "sugar\u202eragus", "zero\u200bwidth"):
        with pytest.raises(InvalidField) as refusal:
            await an_organisation(market, name)
        assert refusal.value.pointer == "/name"


async def test_finance_and_buyer_are_never_one_person(orm: str) -> None:
    market = a_market()
    organisation = await an_organisation(market, "糖厂一")

    with pytest.raises(InvalidField) as refusal:
        await a_person(market, organisation, "clerk.one", "buyer", "finance")

    assert refusal.value.pointer == "/roles"


async def test_an_instrument_is_defined_once(orm: str) -> None:
    market = a_market()
    await with_sugar(market)

    with pytest.raises(Conflict):
        await with_sugar(market)
