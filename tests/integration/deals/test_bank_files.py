"""Bank files: what comes in once and whole, what goes out, and what waits for a person."""

from __future__ import annotations

import importlib.util
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from lxml import etree

from aggregator.errors import Conflict, InvalidField, WrongState
from aggregator.journal.reading import Pool
from aggregator.ledger.verifying import verify
from aggregator.settlement import banking, failing, payouts, queries, sending_back
from aggregator.settlement.camt import read_camt
from aggregator.settlement.pain import PaymentOrder, read_pain, write_pain
from aggregator.settlement.simulator import SimulatedBank
from aggregator.settlement.statements import read_csv
from tests.builders import with_account
from tests.integration.deals.playing import cash, payment_file, take
from web.locale.rules import rule_words

if TYPE_CHECKING:
    from tests.integration.deals.conftest import Trading

TODAY = date(2027, 3, 1)
NOON = datetime(2027, 3, 1, 12, tzinfo=UTC)
FACTORY = "factory 公司"


def shipped(package: str, path: str) -> str:
    """Return where an official file is in the package that ships it."""
    found = importlib.util.find_spec(package)
    assert found is not None
    assert found.origin is not None
    return str(Path(found.origin).parent / path)


def schema(package: str, path: str) -> etree.XMLSchema:
    return etree.XMLSchema(file=shipped(package, path))


def busy(bank: SimulatedBank) -> SimulatedBank:
    bank.receive('Söhne, "Zucker" 公司 <&>', 1, remittance="D" * 300, booked_on=TODAY)
    bank.pay("F", 10**13, reference="P0123456789AB", booked_on=TODAY)
    bank.receive("", 5, remittance="", booked_on=TODAY)
    return bank


def test_a_statement_is_valid_by_the_official_schema_and_reads_back(bank: SimulatedBank) -> None:
    text = busy(bank).camt(NOON)

    schema("camt053", "xsd/camt.053.001.08.xsd").assertValid(etree.fromstring(text.encode()))
    read = read_camt(text)
    assert [(one.entry_reference, one.amount_minor, one.direction, one.payer) for one in read] == [
        (one.entry_reference, one.amount_minor, one.direction, one.payer) for one in bank.entries
    ]
    assert [one.remittance.replace(" ", "") for one in read] == [
        one.remittance for one in bank.entries
    ]
    (last,) = read_camt(bank.camt(NOON, after=2))
    assert last.entry_reference == "E00000003"


def test_a_payment_file_is_valid_by_the_official_schema_and_reads_back() -> None:
    orders = [
        PaymentOrder("P0123456789AB", "Söhne 公司 <&>", "6222 0000 1234", 12_345, "CNY"),
        PaymentOrder("P0123456789AC", "F", "DE89370400440532013000", 1, "CNY"),
    ]

    text = write_pain(orders, message_id="PAIN-1", account="CN-6222-01", made_at=NOON)

    path = "templates/pain.001.001.09/pain.001.001.09.xsd"
    schema("pain001", path).assertValid(etree.fromstring(text.encode()))
    assert read_pain(text) == orders


BOMB = (
    '<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>'
    '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08">&b;</Document>'
)
OUTSIDE = (
    '<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
    '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08">&x;</Document>'
)


@pytest.mark.parametrize(
    ("broken", "rule"),
    [
        (lambda _: BOMB, "xml_safe"),
        (lambda _: OUTSIDE, "xml_safe"),
        (lambda _: "<a>" * 100_000, "xml"),
        (lambda _: "<a>" * 40 + "</a>" * 40, "depth"),
        (lambda text: text[: len(text) // 2], "xml"),
        (lambda text: text.replace("camt.053.001.08", "camt.054.001.08"), "camt053"),
        (lambda text: text.replace("100000000000.00", "100000000000.01", 1), "closing_balance"),
        (lambda text: _without_an_entry(text), "closing_balance"),
        (lambda text: text.replace('<Amt Ccy="CNY">0.01', '<Amt Ccy="EUR">0.01'), "one_of"),
        (lambda text: text.replace("<Ccy>CNY", "<Ccy>XAU"), "one_of"),
        (lambda text: text.replace("CRDT", "BOTH"), "one_of"),
    ],
)
def test_a_file_that_was_cut_altered_or_armed_is_refused_whole(
    bank: SimulatedBank, broken: object, rule: str
) -> None:
    assert callable(broken)

    with pytest.raises(InvalidField) as refusal:
        read_camt(broken(busy(bank).camt(NOON)))

    assert refusal.value.rule == rule


def test_a_batch_becomes_a_line_for_each_payment(bank: SimulatedBank) -> None:
    bank.receive("", 1_500, remittance="", booked_on=TODAY)
    text = bank.camt(NOON)

    first, second = read_camt(_batched(text, "10.00", "5.00"))

    assert (first.amount_minor, second.amount_minor) == (1_000, 500)
    assert [one.entry_reference for one in (first, second)] == ["E00000001/1", "E00000001/2"]
    assert [one.remittance for one in (first, second)] == ["D10.00", "D5.00"]
    with pytest.raises(InvalidField, match="batch_total"):
        read_camt(_batched(text, "10.00", "5.01"))


async def test_a_statement_counts_once_however_its_account_is_written(
    trading: Trading, bank: SimulatedBank
) -> None:
    credit = bank.receive(FACTORY, 900, remittance=trading.reference_of("factory"), booked_on=TODAY)
    bank.take_back(credit, booked_on=TODAY, amount_minor=200)
    grouped, small = bank.statement(), bank.camt(NOON)

    first = await take(trading, *read_csv(grouped.replace(bank.account, "CN-6222-01")))
    again = await take(trading, *read_camt(small.replace(bank.account, "cn622201")))

    assert (first.answer["matched"], first.answer["reversed"]) == (1, 1)
    assert again.answer["duplicate"] == 2
    assert await cash(trading, "factory") == 700
    with pytest.raises(InvalidField, match="account"):
        read_csv(grouped.replace(bank.account, "--"))


async def test_payments_of_two_payers_in_one_sum_are_neither_s(
    trading: Trading, bank: SimulatedBank
) -> None:
    own = trading.reference_of("factory")
    bank.receive(FACTORY, 900, remittance=own, booked_on=TODAY, payer_account="62220001")
    text = bank.camt(NOON)
    start, end = text.index("<TxDtls>"), text.index("</NtryDtls>")
    part = text[start:end]
    rivals = part.replace(FACTORY, "rival 公司").replace(own, "sugar")

    (alone,) = read_camt(text[:start] + part + part + text[end:])
    (mixed,) = read_camt(text[:start] + part + rivals + text[end:])
    await take(trading, mixed)

    assert (alone.payer, alone.payer_account) == (FACTORY, "62220001")
    assert mixed.payer == ""
    assert await cash(trading, "factory") == 0
    assert [line.reason for line in await queries.unmatched()] == ["wrong_payer"]


def _batched(text: str, *amounts: str) -> str:
    start, end = text.index("<TxDtls>"), text.index("</NtryDtls>")
    parts = (
        f'<TxDtls><Amt Ccy="CNY">{amount}</Amt><RmtInf><Ustrd>D{amount}</Ustrd></RmtInf></TxDtls>'
        for amount in amounts
    )
    return text[:start] + "".join(parts) + text[end:]


def _without_an_entry(text: str) -> str:
    start, end = text.index("<Ntry>"), text.index("</Ntry>") + len("</Ntry>")
    return text[:start] + text[end:]


def test_a_csv_that_was_cut_within_its_last_cell_is_refused(bank: SimulatedBank) -> None:
    text = busy(bank).statement()

    for kept in range(1, len(text)):
        if text[:kept].endswith("\n"):
            continue  # whole lines are a statement of fewer lines
        with pytest.raises(InvalidField):
            read_csv(text[:kept])


HEADER = "account,entry_reference,direction,amount,currency,booked_on,payer,remittance"
LINE = "CNY-1,2027-0001,credit,5.00,CNY,2027-03-01,A,B"


@pytest.mark.parametrize(
    ("header", "told"),
    [
        ("", f"a first line with the names of the columns: {HEADER}"),
        (LINE, f"a first line with the names of the columns: {HEADER}"),
        (
            HEADER.replace("booked_on,", "").replace(",payer", ""),
            f"the missing columns booked_on, payer; the first line is {HEADER}",
        ),
        (
            HEADER.replace("amount", "Sum"),
            f"the missing columns amount and not Sum; the first line is {HEADER}",
        ),
        (f"{HEADER},balance", f"no columns balance; the first line is {HEADER}"),
        (
            f"{HEADER},payer_account",
            f"the missing columns payer_bank; the first line is {HEADER},payer_account,payer_bank",
        ),
        (f"payer,{HEADER.replace(',payer', '')}", f"each column once, in this order: {HEADER}"),
    ],
)
def test_a_csv_without_its_header_is_told_what_the_header_lacks(header: str, told: str) -> None:
    text = f"{header}\n{LINE}\n" if header else ""

    with pytest.raises(InvalidField) as refused:
        read_csv(text)

    assert (refused.value.pointer, refused.value.rule) == ("/lines", told)
    for language in ("zh", "en"):
        assert HEADER in (rule_words(language, told) or "")


async def test_the_same_entries_in_csv_and_camt_count_once(
    trading: Trading, bank: SimulatedBank
) -> None:
    remittance = trading.reference_of("factory")
    bank.receive(FACTORY, 500, remittance=remittance, booked_on=TODAY)

    first = await take(trading, *read_camt(bank.camt(NOON)))
    second = await take(trading, *read_csv(bank.statement()))

    assert (first.answer["matched"], second.answer["duplicate"]) == (1, 1)
    assert await cash(trading, "factory") == 500


async def test_a_wrong_payer_waits_and_goes_back_where_it_came_from(
    trading: Trading, bank: SimulatedBank
) -> None:
    remittance = trading.reference_of("factory")
    bank.receive(
        "Shell Ltd", 700, remittance=remittance, booked_on=TODAY, payer_account="622200009999"
    )
    await take(trading, *read_camt(bank.camt(NOON)))
    (line,) = await queries.unmatched()
    operator = trading.actor("operator", "operator")

    sent = await sending_back.send_back(
        trading.market, operator, trading.command(), line.line_id, "6222 0000 9999"
    )
    with pytest.raises(WrongState):
        await banking.assign(
            trading.market, operator, trading.command(), line.line_id, trading.id_of("factory")
        )
    ordered = await payment_file(trading)
    (order,) = read_pain(ordered)
    bank.carry_out(ordered, booked_on=TODAY)
    await take(trading, *read_camt(bank.camt(NOON)))

    assert (line.reason, order.payee, sent.answer["line_state"]) == (
        "wrong_payer",
        "Shell Ltd",
        "returned",
    )
    assert await cash(trading, "factory") == 0
    assert await queries.payments(None) == []
    rows = await Pool().rows("select balance_minor, held_minor from account order by id")
    assert [(row["balance_minor"], row["held_minor"]) for row in rows] == [(0, 0), (0, 0)]
    assert not (await verify()).differences


async def test_money_that_could_not_be_sent_back_waits_again(
    trading: Trading, bank: SimulatedBank
) -> None:
    told = bank.receive("?", 700, remittance="?", booked_on=TODAY, payer_account="622200009999")
    await take(trading, told)
    (line,) = await queries.unmatched()
    operator = trading.actor("operator", "operator")
    for _ in range(2):
        sent = await sending_back.send_back(
            trading.market, operator, trading.command(), line.line_id, "6222 0000 9999"
        )
        payment_id = str(sent.answer["payment_id"])
        await failing.fail(trading.market, operator, trading.command(), payment_id)

    assert [one.line_id for one in await queries.unmatched()] == [line.line_id]
    await banking.assign(
        trading.market, operator, trading.command(), line.line_id, trading.id_of("mill")
    )
    assert await cash(trading, "mill") == 700
    assert not (await verify()).differences


async def test_a_payer_that_a_person_accepted_once_is_known(
    trading: Trading, bank: SimulatedBank
) -> None:
    remittance = trading.reference_of("factory")
    await take(trading, bank.receive("Parent AG", 7, remittance=remittance, booked_on=TODAY))
    (line,) = await queries.unmatched()
    operator = trading.actor("operator", "operator")
    await banking.assign(
        trading.market, operator, trading.command(), line.line_id, trading.id_of("factory")
    )

    outcome = await take(
        trading, bank.receive("PARENT  ag.", 8, remittance=remittance, booked_on=TODAY)
    )

    assert outcome.answer["matched"] == 1
    assert await cash(trading, "factory") == 15


async def test_foreign_currency_with_a_good_reference_is_parked(trading: Trading) -> None:
    euros = SimulatedBank("DE-1", "EUR")
    remittance = trading.reference_of("factory")

    await take(trading, euros.receive(FACTORY, 900, remittance=remittance, booked_on=TODAY))

    (line,) = await queries.unmatched()
    assert (line.reason, await cash(trading, "factory")) == ("foreign_currency", 0)


async def test_partial_payments_and_too_much_are_the_payers_cash(
    trading: Trading, bank: SimulatedBank
) -> None:
    await trading.form()
    (call,) = await queries.open_calls(trading.id_of("factory"))
    for amount in (1_000, call.amount_minor):
        bank.receive(FACTORY, amount, remittance=call.reference, booked_on=TODAY)

    await take(trading, *read_camt(bank.camt(NOON)))

    assert await cash(trading, "factory") == call.amount_minor + 1_000


async def test_a_chargeback_takes_the_credit_back_once(
    trading: Trading, bank: SimulatedBank
) -> None:
    credit = bank.receive(FACTORY, 900, remittance=trading.reference_of("factory"), booked_on=TODAY)
    await take(trading, credit)
    bank.take_back(credit, booked_on=TODAY)
    bank.take_back(credit, booked_on=TODAY)

    outcome = await take(trading, *read_camt(bank.camt(NOON)))

    assert (outcome.answer["reversed"], outcome.answer["unmatched"]) == (1, 1)
    assert await cash(trading, "factory") == 0
    assert [line.reason for line in await queries.unmatched()] == ["not_ordered"]
    assert not (await verify()).differences


async def test_a_chargeback_of_money_that_is_gone_waits_until_it_is_covered(
    trading: Trading, bank: SimulatedBank
) -> None:
    credit = bank.receive(FACTORY, 900, remittance=trading.reference_of("factory"), booked_on=TODAY)
    await take(trading, credit)
    await with_account(trading.id_of("factory"))
    finance = trading.actor("factory", "finance")
    await payouts.order(
        trading.market,
        finance,
        trading.command(),
        amount_minor=500,
        currency="CNY",
        payee_account="6222 0000 1234",
    )
    await take(trading, bank.take_back(credit, booked_on=TODAY))
    (line,) = await queries.unmatched()
    before = await cash(trading, "factory")
    with pytest.raises(Conflict):
        await sending_back.send_back(
            trading.market,
            trading.actor("operator", "operator"),
            trading.command(),
            line.line_id,
            "6222 0000 1234",
        )
    await trading.give("factory", 500)

    await trading.at(trading.clock.now() + timedelta(days=1))

    assert (line.reason, before) == ("chargeback_uncovered", 900)
    assert await cash(trading, "factory") == 500
    assert await queries.unmatched() == []
    assert not (await verify()).differences


async def test_a_chargeback_of_a_stray_credit_empties_suspense(
    trading: Trading, bank: SimulatedBank
) -> None:
    credit = bank.receive("?", 900, remittance="?", booked_on=TODAY)
    await take(trading, credit, bank.take_back(credit, booked_on=TODAY))

    assert await queries.unmatched() == []
    rows = await Pool().rows("select sum(abs(balance_minor))::bigint as n from account")
    assert rows[0]["n"] == 0
