"""A firm's own bank accounts: verified by use, changed by two persons, cooled, ended."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from aggregator.errors import Conflict, InvalidField, NotFound, WrongState
from aggregator.journal.reading import Pool
from aggregator.ledger.queries import balances
from aggregator.market import Actor
from aggregator.notices.queries import notices
from aggregator.settlement import banking, own_accounts, payouts, queries, sending_back
from aggregator.settlement.camt import read_camt
from aggregator.settlement.pain import read_pain
from aggregator.settlement.simulator import SimulatedBank
from aggregator.settlement.statements import StatementLine, read_csv
from tests.builders import with_account
from tests.integration.deals.playing import act, payment_file, take

if TYPE_CHECKING:
    from tests.integration.deals.conftest import Trading

TODAY = date(2027, 3, 1)
FACTORY = "factory 公司"
IBAN, OTHER = "DE89370400440532013000", "GB82WEST12345698765432"
NUMBER, BANK_CODE = "6222000012345678", "102100099996"


@pytest.fixture(autouse=True)
async def people(trading: Trading) -> None:
    for name, role in (("factory", "finance"), ("factory", "owner"), ("mill", "finance")):
        await Pool().rows(
            "insert into person (id, login, name, password_hash, created_at)"
            " values ($1, $1, $1, 'none', now()) returning id",
            trading.actor(name, role).person_id,
        )


async def declared(trading: Trading, number: str = IBAN, role: str = "finance") -> str:
    return await declared_by(trading, trading.actor("factory", role), number)


async def declared_by(trading: Trading, actor: Actor, number: str) -> str:
    bank_code = "" if number[0].isalpha() else BANK_CODE
    outcome = await own_accounts.declare(
        trading.market, actor, trading.command(), number=number, bank_code=bank_code
    )
    return str(outcome.answer["account_id"])


async def confirm(trading: Trading, account_id: str, role: str = "owner") -> None:
    await act(own_accounts.confirm, trading, "factory", role, account_id)


async def paid_in(
    trading: Trading, bank: SimulatedBank, number: str, payer: str = FACTORY
) -> StatementLine:
    """Have the bank's file show a payment to the factory's reference from this account."""
    line = bank.receive(
        payer,
        900,
        remittance=trading.reference_of("factory"),
        booked_on=TODAY,
        payer_account=number,
    )
    await take(trading, *read_camt(bank.camt(trading.clock.now(), after=len(bank.entries) - 1)))
    return line


async def pay_out(trading: Trading, number: str) -> dict[str, Any]:
    outcome = await act(
        payouts.order,
        trading,
        "factory",
        "finance",
        amount_minor=1,
        currency="CNY",
        payee_account=number,
    )
    return outcome.answer


async def states(trading: Trading) -> dict[str, str]:
    found = await queries.own_accounts(trading.id_of("factory"))
    return {one.number: one.state for one in found}


async def refusal(trading: Trading, number: str) -> str:
    with pytest.raises(Conflict) as refused:
        await pay_out(trading, number)
    return refused.value.reason


async def test_the_first_account_is_verified_by_a_payment_from_it(
    trading: Trading, bank: SimulatedBank
) -> None:
    await trading.give("factory", 10_000)
    before = await refusal(trading, IBAN)
    await declared(trading)
    between = await refusal(trading, IBAN)

    await paid_in(trading, bank, IBAN)

    assert (before, between) == ("account_not_declared", "account_not_verified")
    assert await states(trading) == {IBAN: "verified"}
    assert (await pay_out(trading, "DE89 3704 0044 0532 0130 00"))["state"] == "ordered"
    (ordered,) = read_pain(await payment_file(trading))
    assert (ordered.payee_account, ordered.payee) == (IBAN, FACTORY)
    told = [one.kind for one in await notices(trading.actor("factory", "owner"))]
    assert {"bank_account_unverified", "bank_account_verified"} <= set(told)


async def test_a_payment_that_came_before_verifies_a_chinese_account_at_once(
    trading: Trading, bank: SimulatedBank
) -> None:
    await paid_in(trading, bank, NUMBER)

    await declared(trading, NUMBER)

    assert await states(trading) == {NUMBER: "verified"}
    await pay_out(trading, NUMBER)
    (ordered,) = read_pain(await payment_file(trading))
    assert (ordered.payee_account, ordered.payee_bank) == (NUMBER, BANK_CODE)


@pytest.mark.parametrize(
    ("payer", "reason"),
    [("Somebody", "wrong_payer"), ("fаctory 公司", "lookalike_payer")],
)
async def test_another_payer_s_money_verifies_nothing_even_once_assigned(
    trading: Trading, bank: SimulatedBank, payer: str, reason: str
) -> None:
    await declared(trading)
    await paid_in(trading, bank, IBAN, payer)
    (line,) = await queries.unmatched()

    operator = trading.actor("operator", "operator")
    firm = trading.id_of("factory")
    await banking.assign(trading.market, operator, trading.command(), line.line_id, firm)
    await paid_in(trading, bank, IBAN, payer)

    assert (line.reason, line.payer_account) == (reason, IBAN)
    assert await states(trading) == {IBAN: "unverified"}


async def test_a_stray_payment_in_the_own_name_verifies_once_a_person_assigned_it(
    trading: Trading, bank: SimulatedBank
) -> None:
    await declared(trading)
    line = bank.receive(FACTORY, 900, remittance="", booked_on=TODAY, payer_account=IBAN)
    await take(trading, line)
    (waiting,) = await queries.unmatched()
    before = await states(trading)

    operator, firm = trading.actor("operator", "operator"), trading.id_of("factory")
    await banking.assign(trading.market, operator, trading.command(), waiting.line_id, firm)

    assert (before, await states(trading)) == ({IBAN: "unverified"}, {IBAN: "verified"})


async def test_a_payment_of_before_verifies_once_a_later_file_tells_its_account(
    trading: Trading, bank: SimulatedBank
) -> None:
    reference = trading.reference_of("factory")
    line = bank.receive(FACTORY, 900, remittance=reference, booked_on=TODAY, payer_account=IBAN)
    await take(trading, replace(line, payer_account=""))
    await declared(trading)

    await take(trading, line)
    await take(trading, replace(line, payer_account=OTHER))

    assert await states(trading) == {IBAN: "verified"}
    (account,) = await balances(trading.id_of("factory"))
    assert account.balance_minor == 900


async def test_a_payment_from_another_bank_s_account_of_that_number_verifies_nothing(
    trading: Trading,
) -> None:
    await declared(trading, NUMBER)
    told = (
        "account,entry_reference,direction,amount,currency,booked_on,payer,remittance,"
        "payer_account,payer_bank\r\n"
    )
    row = f"credit,9.00,CNY,2027-03-01,{FACTORY},{trading.reference_of('factory')},{NUMBER}"

    await take(trading, *read_csv(f"{told}CN-1,E1,{row},313100000013\r\n"))
    before = await states(trading)
    await take(trading, *read_csv(f"{told}CN-1,E2,{row},{BANK_CODE}\r\n"))

    assert (before, await states(trading)) == ({NUMBER: "unverified"}, {NUMBER: "verified"})


async def test_what_the_bank_takes_back_proves_nothing_any_more(
    trading: Trading, bank: SimulatedBank
) -> None:
    await declared(trading)
    line = await paid_in(trading, bank, IBAN)

    await take(trading, bank.take_back(line, booked_on=TODAY))

    assert await states(trading) == {IBAN: "unverified"}


async def test_a_further_account_takes_two_persons_three_days_and_a_payment(
    trading: Trading, bank: SimulatedBank
) -> None:
    await trading.give("factory", 10_000)
    await with_account(trading.id_of("factory"))
    further = await declared(trading, OTHER)
    await paid_in(trading, bank, OTHER)
    proposed = await states(trading)
    both = trading.actor("factory", "finance", "owner")
    alone = replace(both, person_id=trading.actor("factory", "finance").person_id)
    with pytest.raises(Conflict, match="second_person"):
        await own_accounts.confirm(trading.market, alone, trading.command(), further)
    with pytest.raises(NotFound):
        await act(own_accounts.confirm, trading, "mill", "finance", further)

    assert proposed[OTHER] == "proposed"
    assert await refusal(trading, OTHER) == "account_not_verified"
    await confirm(trading, further)
    with pytest.raises(WrongState):
        await confirm(trading, further)
    assert (await states(trading))[OTHER] == "verified"
    assert await refusal(trading, OTHER) == "account_cooling"
    trading.clock.set(trading.clock.now() + timedelta(days=3))
    assert (await pay_out(trading, OTHER))["state"] == "ordered"


async def test_a_colleague_of_the_same_duty_is_no_second_person(trading: Trading) -> None:
    await with_account(trading.id_of("factory"))
    further = await declared(trading, OTHER)
    person = trading.actor("mill", "finance").person_id
    colleague = replace(trading.actor("factory", "finance"), person_id=person)

    with pytest.raises(Conflict, match="second_person"):
        await own_accounts.confirm(trading.market, colleague, trading.command(), further)


async def test_an_ended_account_is_paid_no_more_and_frees_no_first_one(
    trading: Trading, bank: SimulatedBank
) -> None:
    account_id = await declared(trading)
    await paid_in(trading, bank, IBAN)
    ordered = await pay_out(trading, IBAN)
    with pytest.raises(NotFound):
        await act(own_accounts.end, trading, "mill", "finance", account_id)

    await act(own_accounts.end, trading, "factory", "owner", account_id)

    assert await refusal(trading, IBAN) == "account_not_declared"
    assert [one.reference for one in read_pain(await payment_file(trading))] == [
        ordered["reference"]
    ]
    await declared(trading, OTHER)
    assert await states(trading) == {OTHER: "proposed"}
    with pytest.raises(WrongState):
        await act(own_accounts.end, trading, "factory", "owner", account_id)


async def test_a_slip_in_the_first_number_is_mended_by_one_person(trading: Trading) -> None:
    slip = await declared(trading, NUMBER)
    await act(own_accounts.end, trading, "factory", "finance", slip)

    await declared(trading)

    assert await states(trading) == {IBAN: "unverified"}


async def test_an_account_of_which_the_bank_took_the_proof_back_frees_no_first_one(
    trading: Trading, bank: SimulatedBank
) -> None:
    account_id = await declared(trading)
    line = await paid_in(trading, bank, IBAN)
    await take(trading, bank.take_back(line, booked_on=TODAY))
    await act(own_accounts.end, trading, "factory", "finance", account_id)

    await declared(trading, OTHER)

    assert await states(trading) == {OTHER: "proposed"}


async def test_an_account_is_declared_once_and_ten_at_most(trading: Trading) -> None:
    for number in range(10):
        await declared(trading, f"62220000{number:04d}")

    with pytest.raises(Conflict, match="account_declared"):
        await declared(trading, "622200000001")
    with pytest.raises(Conflict, match="too_many_accounts"):
        await declared(trading, NUMBER)


async def test_two_firms_may_name_one_account_and_only_its_owner_is_verified(
    trading: Trading, bank: SimulatedBank
) -> None:
    await declared_by(trading, trading.actor("mill", "finance"), IBAN)
    await declared(trading)

    await paid_in(trading, bank, IBAN)

    (other,) = await queries.own_accounts(trading.id_of("mill"))
    assert (other.state, await states(trading)) == ("unverified", {IBAN: "verified"})


async def test_money_goes_back_to_no_other_account_than_it_came_from(
    trading: Trading, bank: SimulatedBank
) -> None:
    await paid_in(trading, bank, IBAN, "Somebody")
    (line,) = await queries.unmatched()
    operator = trading.actor("operator", "operator")

    with pytest.raises(InvalidField, match="account that the money came from"):
        await sending_back.send_back(
            trading.market, operator, trading.command(), line.line_id, OTHER
        )
    sent = await sending_back.send_back(
        trading.market, operator, trading.command(), line.line_id, "DE89 3704 0044 0532 0130 00"
    )

    assert sent.answer["line_state"] == "returned"
