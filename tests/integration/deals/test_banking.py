from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING

import asyncpg
import pytest

from aggregator.db import orm as market_orm
from aggregator.errors import Conflict, InsufficientFunds, InvalidField, WrongState
from aggregator.journal.reading import Pool
from aggregator.ledger.queries import balances
from aggregator.ledger.trial import trial_balance
from aggregator.ledger.verifying import verify
from aggregator.market import Outcome
from aggregator.notices.queries import notices
from aggregator.settlement import banking, failing, payouts, queries, sending_back
from aggregator.settlement.simulator import SimulatedBank
from aggregator.settlement.statements import COLUMNS, StatementLine, read_csv, write_csv
from tests.builders import with_account
from tests.integration.deals.playing import (
    accounts,
    act,
    cash,
    is_sound,
    payment_file,
    settled,
    take,
)

if TYPE_CHECKING:
    from tests.integration.deals.conftest import Trading

TODAY = date(2027, 3, 1)


async def test_a_line_goes_to_the_organisation_its_reference_names(
    trading: Trading, bank: SimulatedBank
) -> None:
    remittance = f"货款/{trading.reference_of('factory').lower()}-March"

    await take(
        trading, bank.receive("factory 公司", 12_345, remittance=remittance, booked_on=TODAY)
    )

    assert await cash(trading, "factory") == 12_345
    assert not (await verify()).differences


async def test_a_call_for_money_names_its_organisation_too(
    trading: Trading, bank: SimulatedBank
) -> None:
    await trading.form()
    (call,) = await queries.open_calls(trading.id_of("factory"))

    await take(trading, bank.receive("factory 公司", 5, remittance=call.reference, booked_on=TODAY))

    assert await cash(trading, "factory") == 5


@pytest.mark.parametrize("which", ["nobody", "both", "embedded"])
async def test_a_line_that_names_not_exactly_one_waits_on_the_desk(
    trading: Trading, bank: SimulatedBank, which: str
) -> None:
    one, other = trading.reference_of("factory"), trading.reference_of("mill")
    text = {"nobody": "thanks", "both": f"{one} {other}", "embedded": f"X{one}"}[which]

    outcome = await take(
        trading, bank.receive("factory 公司", 500, remittance=text, booked_on=TODAY)
    )

    assert outcome.answer["unmatched"] == 1
    (line,) = await queries.unmatched()
    assert (line.amount_minor, line.remittance) == (500, text)
    rows = await Pool().rows("select balance_minor from account where purpose = 'suspense'")
    assert [row["balance_minor"] for row in rows] == [500]


async def test_a_person_assigns_a_stray_line_once(trading: Trading, bank: SimulatedBank) -> None:
    await take(trading, bank.receive("factory 公司", 500, remittance="?", booked_on=TODAY))
    (line,) = await queries.unmatched()
    operator = trading.actor("operator", "operator")
    mill = trading.id_of("mill")

    await banking.assign(trading.market, operator, trading.command(), line.line_id, mill)
    with pytest.raises(WrongState):
        await banking.assign(trading.market, operator, trading.command(), line.line_id, mill)

    assert await cash(trading, "mill") == 500
    assert await queries.unmatched() == []
    assert not (await verify()).differences


async def test_the_same_statement_in_any_order_changes_nothing(
    trading: Trading, bank: SimulatedBank
) -> None:
    for amount in (100, 200, 300):
        bank.receive(
            "factory 公司", amount, remittance=trading.reference_of("factory"), booked_on=TODAY
        )
    await take(trading, *bank.entries[:2])

    outcome = await take(trading, *reversed(bank.entries))
    again = await take(trading, *bank.entries, *bank.entries)

    assert (outcome.answer["matched"], outcome.answer["duplicate"]) == (1, 2)
    assert (again.answer["matched"], again.answer["duplicate"]) == (0, 6)
    assert await cash(trading, "factory") == 600


async def test_an_entry_with_other_content_refuses_the_statement(
    trading: Trading, bank: SimulatedBank
) -> None:
    reference = trading.reference_of("factory")
    first = bank.receive("factory 公司", 100, remittance=reference, booked_on=TODAY)
    await take(trading, first)
    forger = SimulatedBank(bank.account, "CNY")
    forged = forger.receive("factory 公司", 900, remittance=reference, booked_on=TODAY)
    fresh = forger.receive("factory 公司", 50, remittance=reference, booked_on=TODAY)

    with pytest.raises(InvalidField) as refusal:
        await take(trading, fresh, forged)

    assert refusal.value.figures() == {
        "pointer": "/lines/1/entry_reference",
        "rule": "same_entry",
        "figure": "E00000001",
    }
    assert await cash(trading, "factory") == 100


async def test_foreign_money_is_kept_apart(trading: Trading) -> None:
    dollars = SimulatedBank("US-1", "USD")

    await take(trading, dollars.receive("factory 公司", 100, remittance="?", booked_on=TODAY))

    rows = await Pool().rows("select id, balance_minor from account order by id")
    assert {row["id"]: row["balance_minor"] for row in rows} == {
        "bank:platform:USD": -100,
        "suspense:platform:USD": 100,
    }


async def test_a_debit_that_nobody_ordered_moves_nothing(
    trading: Trading, bank: SimulatedBank
) -> None:
    await trading.give("factory", 10_000)

    await take(trading, bank.pay("Somebody", 500, reference="P0123456789AB", booked_on=TODAY))

    (line,) = await queries.unmatched()
    operator = trading.actor("operator", "operator")
    with pytest.raises(Conflict):
        await banking.assign(
            trading.market, operator, trading.command(), line.line_id, trading.id_of("factory")
        )
    assert await cash(trading, "factory") == 10_000
    assert not (await verify()).differences


async def test_what_the_bank_takes_for_itself_is_the_markets_own_cost(
    trading: Trading, bank: SimulatedBank
) -> None:
    await settled(trading)
    before = await accounts()
    await take(trading, bank.pay("The bank", 500, reference="monthly charge", booked_on=TODAY))
    waiting = await queries.unbooked()
    (line,) = await queries.unmatched()
    operator = trading.actor("operator", "operator")

    async def charged() -> Outcome:
        return await banking.book_charge(trading.market, operator, trading.command(), line.line_id)

    await charged()

    after = await accounts()
    assert waiting == {"CNY": 500}
    assert await queries.unbooked() == {}
    assert after["fees"] == before["fees"] - 500
    assert after["bank"] == before["bank"] + 500
    with pytest.raises(WrongState):
        await charged()
    found = await trial_balance()
    (total,) = found.totals
    assert total.debit_minor == total.credit_minor == -after["bank"]
    assert {row.purpose for row in found.rows} >= {"bank", "cash", "escrow", "fees", "tax"}
    assert not (await verify()).differences


async def test_a_credit_is_no_charge_and_a_poor_market_pays_none(
    trading: Trading, bank: SimulatedBank
) -> None:
    await take(trading, bank.receive("X", 700, remittance="", booked_on=TODAY))
    await take(trading, bank.pay("The bank", 500, reference="charge", booked_on=TODAY))
    lines = {line.direction: line.line_id for line in await queries.unmatched()}
    operator = trading.actor("operator", "operator")

    for direction, error in (("credit", Conflict), ("debit", InsufficientFunds)):
        with pytest.raises(error):
            await banking.book_charge(trading.market, operator, trading.command(), lines[direction])


async def test_a_payment_is_final_with_its_line_and_free_when_it_fails(
    trading: Trading, bank: SimulatedBank
) -> None:
    await trading.give("factory", 10_000)
    await with_account(trading.id_of("factory"))
    finance = trading.actor("factory", "finance")
    made = [
        await payouts.order(
            trading.market,
            finance,
            trading.command(),
            amount_minor=amount,
            currency="CNY",
            payee_account="6222 0000 1234",
        )
        for amount in (3_000, 4_000)
    ]

    reference = made[0].answer["reference"]
    await take(trading, bank.pay("F", 2_999, reference=reference, booked_on=TODAY))
    await take(trading, bank.pay("F", 3_000, reference=reference, booked_on=TODAY))
    operator = trading.actor("operator", "operator")
    await failing.fail(trading.market, operator, trading.command(), made[1].answer["payment_id"])

    (account,) = await balances(trading.id_of("factory"))
    assert (account.balance_minor, account.held_minor) == (7_000, 0)
    states = [view.state for view in await queries.payments(trading.id_of("factory"))]
    assert sorted(states) == ["failed", "paid"]
    assert [line.amount_minor for line in await queries.unmatched()] == [2_999]
    assert not (await verify()).differences


async def ordered(trading: Trading, amount_minor: int) -> Mapping[str, str]:
    """Let the factory order a payment to its account."""
    account = await with_account(trading.id_of("factory"))
    wanted = {"amount_minor": amount_minor, "currency": "CNY", "payee_account": account}
    return (await act(payouts.order, trading, "factory", "finance", **wanted)).answer


async def failed(trading: Trading, payment: Mapping[str, str]) -> None:
    await act(failing.fail, trading, "operator", "operator", payment["payment_id"])


async def test_a_payment_that_was_noted_as_failed_is_final_when_the_bank_shows_it(
    trading: Trading, bank: SimulatedBank
) -> None:
    await trading.give("factory", 10_000)
    payment = await ordered(trading, 4_000)
    await failed(trading, payment)

    debit = bank.pay("F", 4_000, reference=payment["reference"], booked_on=TODAY)
    first, again = [(await take(trading, debit)).answer["lines"][0]["state"] for _ in range(2)]

    assert (first, again) == ("matched", "duplicate")
    assert await cash(trading, "factory") == 6_000
    (shown,) = await queries.payments(trading.id_of("factory"))
    assert shown.state == "paid"
    assert await queries.unmatched() == []
    await is_sound()


@pytest.mark.parametrize(
    "statement",
    [
        "update payment_out set payee_account = 'DE89370400440532013000'",
        "update payment_out set amount_minor = amount_minor + 1",
        "delete from payment_out",
        "truncate payment_out cascade",
        "update payment_out set message_id = null",
        "update payment_file set content = content || ' '",
        "delete from payment_file",
        "update bank_account set number = 'DE89370400440532013000'",
        "delete from bank_account",
        "update bank_line set payer = 'somebody'",
        "update bank_line set amount_minor = amount_minor + 1",
        "delete from bank_line",
        "truncate bank_line cascade",
    ],
)
async def test_where_money_goes_and_came_from_is_never_rewritten(
    trading: Trading, bank: SimulatedBank, statement: str
) -> None:
    await trading.give("factory", 10_000)
    await ordered(trading, 4_000)
    await payment_file(trading)
    await take(trading, bank.receive("?", 900, remittance="?", booked_on=TODAY))

    async with market_orm.raw() as connection:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement)


async def test_who_was_paid_twice_after_a_failure_owes_it(
    trading: Trading, bank: SimulatedBank
) -> None:
    await trading.give("factory", 10_000)
    first = await ordered(trading, 10_000)
    await failed(trading, first)
    second = await ordered(trading, 10_000)
    made = [
        bank.pay("F", 10_000, reference=one["reference"], booked_on=TODAY)
        for one in (first, second)
    ]

    await take(trading, *made)
    (waiting,) = await queries.unmatched()
    early = [one.kind for one in await notices(trading.actor("factory", "finance"))]
    with pytest.raises(Conflict, match="payment_line"):
        await act(banking.book_charge, trading, "operator", "operator", waiting.line_id)
    await trading.give("factory", 9_999)
    with pytest.raises(InsufficientFunds) as refused:
        await ordered(trading, 1)
    remittance = trading.reference_of("factory")
    await take(trading, bank.receive("factory 公司", 3, remittance=remittance, booked_on=TODAY))

    assert (waiting.reason, waiting.amount_minor) == ("payment_uncovered", 10_000)
    assert refused.value.available_minor == 0
    late = [one.kind for one in await notices(trading.actor("factory", "finance"))]
    assert [kinds.count("debit_uncovered") for kinds in (early, late)] == [1, 1]
    assert [kinds.count("debit_covered") for kinds in (early, late)] == [0, 1]
    assert await cash(trading, "factory") == 2
    assert await queries.unmatched() == []
    assert {one.state for one in await queries.payments(trading.id_of("factory"))} == {"paid"}
    await is_sound()


def stray(bank: SimulatedBank) -> StatementLine:
    """Book a credit of nobody's, of which the bank tells where it came from."""
    return bank.receive("?", 900, remittance="?", booked_on=TODAY, payer_account="622200001234")


async def test_a_credit_that_was_sent_back_after_all_is_on_no_desk(
    trading: Trading, bank: SimulatedBank
) -> None:
    await take(trading, stray(bank))
    (line,) = await queries.unmatched()
    desk = ("operator", "operator")
    sent = await act(sending_back.send_back, trading, *desk, line.line_id, "6222 0000 1234")
    await failed(trading, sent.answer)
    (again,) = await queries.unmatched()

    reference = sent.answer["reference"]
    await take(trading, bank.pay("?", 900, reference=reference, booked_on=TODAY))

    assert again.line_id == line.line_id
    assert await queries.unmatched() == []
    found = await accounts()
    assert (found["suspense"], found["bank"]) == (0, 0)
    await is_sound()


async def test_a_credit_that_another_firm_got_meanwhile_is_sent_back_at_nobody_s_cost(
    trading: Trading, bank: SimulatedBank
) -> None:
    await take(trading, stray(bank))
    (line,) = await queries.unmatched()
    desk = ("operator", "operator")
    sent = await act(sending_back.send_back, trading, *desk, line.line_id, "6222 0000 1234")
    await failed(trading, sent.answer)
    await act(banking.assign, trading, *desk, line.line_id, trading.id_of("mill"))

    reference = sent.answer["reference"]
    await take(trading, bank.pay("?", 900, reference=reference, booked_on=TODAY))

    assert [one.reason for one in await queries.unmatched()] == ["not_ordered"]
    assert await cash(trading, "mill") == 900
    await is_sound()


async def test_a_credit_that_the_bank_took_back_on_its_way_back_is_on_no_desk(
    trading: Trading, bank: SimulatedBank
) -> None:
    credit = stray(bank)
    await take(trading, credit)
    (line,) = await queries.unmatched()
    desk = ("operator", "operator")
    sent = await act(sending_back.send_back, trading, *desk, line.line_id, "6222 0000 1234")
    await take(trading, bank.take_back(credit, booked_on=TODAY))

    await failed(trading, sent.answer)

    assert await queries.unmatched() == []
    found = await accounts()
    assert (found["suspense"], found["bank"]) == (0, 0)
    await is_sound()


def test_a_written_statement_reads_back_the_same(bank: SimulatedBank) -> None:
    bank.receive('Söhne, "Zucker" 公司', 1, remittance="line\nbreak", booked_on=TODAY)
    bank.pay("F", 10**14 - 1, reference="P0123456789AB", booked_on=TODAY)

    assert read_csv("\ufeff" + bank.statement()) == bank.entries
    assert write_csv(read_csv(bank.statement())) == bank.statement()


@pytest.mark.parametrize(
    ("name", "text", "pointer"),
    [
        ("direction", "out", "/lines/0/direction"),
        ("amount", "0.00", "/lines/0/amount"),
        ("amount", "1.001", "/lines/0/amount"),
        ("amount", "-1.00", "/lines/0/amount"),
        ("amount", "１.00", "/lines/0/amount"),
        ("currency", "XXX", "/lines/0/currency"),
        ("booked_on", "2027-02-30", "/lines/0/booked_on"),
        ("booked_on", "20270228", "/lines/0/booked_on"),
        ("entry_reference", "", "/lines/0/entry_reference"),
        ("remittance", "x" * 501, "/lines/0/remittance"),
    ],
)
def test_a_bad_cell_is_named(name: str, text: str, pointer: str) -> None:
    cells = {
        "account": "A",
        "entry_reference": "E1",
        "direction": "credit",
        "amount": "1.00",
        "currency": "CNY",
        "booked_on": "2027-03-01",
        "payer": "",
        "remittance": "",
        name: text,
    }

    with pytest.raises(InvalidField) as refusal:
        read_csv(",".join(COLUMNS) + "\r\n" + ",".join(cells.values()) + "\r\n")

    assert refusal.value.pointer == pointer


@pytest.mark.parametrize("text", ["", "a,b\r\n", ",".join(COLUMNS) + "\r\nA,E1,credit\r\n"])
def test_a_truncated_file_is_refused_whole(text: str) -> None:
    with pytest.raises(InvalidField):
        read_csv(text)
