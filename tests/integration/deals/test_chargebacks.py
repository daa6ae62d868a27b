"""What the bank takes back: a part, from where the money went, and of a payment what it paid."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from aggregator.deals import funding, queries, store
from aggregator.deals.facts import DealPaymentTakenBack
from aggregator.journal.reading import Pool, entries
from aggregator.notices.queries import notices
from aggregator.settlement import banking
from aggregator.settlement import queries as settlement
from aggregator.settlement.simulator import SimulatedBank
from aggregator.settlement.statements import StatementLine
from tests.integration.deals.playing import RICH, accounts, act, cash, is_sound, take

if TYPE_CHECKING:
    from tests.integration.deals.conftest import Trading

TODAY = date(2027, 3, 1)
FACTORY = "factory 公司"


def paid_in(trading: Trading, bank: SimulatedBank, amount_minor: int) -> StatementLine:
    remittance = trading.reference_of("factory")
    return bank.receive(FACTORY, amount_minor, remittance=remittance, booked_on=TODAY)


def back(bank: SimulatedBank, credit: StatementLine, amount_minor: int) -> StatementLine:
    return bank.take_back(credit, booked_on=TODAY, amount_minor=amount_minor)


async def part_paid(trading: Trading, credit: StatementLine, amount_minor: int) -> str:
    """Return a deal towards whose call a part of a bank's credit was paid."""
    await trading.give("mill", RICH)
    deal_id = await trading.form()
    await take(trading, credit)
    await act(funding.fund, trading, "factory", "finance", deal_id, amount_minor=amount_minor)
    return deal_id


async def left_of(deal_id: str) -> int:
    return await settlement.left_of((await store.load(Pool(), deal_id)).call_reference)


async def told_of_debits(trading: Trading) -> list[tuple[str, object]]:
    """Return what the factory was told of debits that it could not cover, newest first."""
    told = await notices(trading.actor("factory", "finance"))
    return [
        (one.kind, one.figures["amount_minor"]) for one in told if one.kind.startswith("debit_")
    ]


async def test_parts_are_taken_back_up_to_the_credit(trading: Trading, bank: SimulatedBank) -> None:
    credit = paid_in(trading, bank, 900)
    await take(trading, credit)

    first = await take(trading, back(bank, credit, 300))
    after_one = await cash(trading, "factory")
    others = await take(trading, *(back(bank, credit, amount) for amount in (601, 600, 1)))

    assert (first.answer["reversed"], after_one) == (1, 600)
    assert [line["state"] for line in others.answer["lines"]] == [
        "unmatched",
        "reversed",
        "unmatched",
    ]
    assert await cash(trading, "factory") == 0
    assert {line.reason for line in await settlement.unmatched()} == {"not_ordered"}
    await is_sound()


async def test_a_chargeback_that_comes_before_its_credit_counts(
    trading: Trading, bank: SimulatedBank
) -> None:
    credit = paid_in(trading, bank, 900)
    stray = bank.receive("?", 70, remittance="?", booked_on=TODAY)

    early = await take(trading, back(bank, credit, 300), back(bank, stray, 70))
    await take(trading, credit, stray)

    assert early.answer["unmatched"] == 2
    assert await cash(trading, "factory") == 600
    assert await settlement.unmatched() == []
    assert (await accounts())["suspense"] == 0
    await is_sound()


async def test_what_is_left_of_a_stray_credit_is_given_to_whom_it_is_for(
    trading: Trading, bank: SimulatedBank
) -> None:
    credit = bank.receive("?", 900, remittance="?", booked_on=TODAY)
    await take(trading, credit, back(bank, credit, 300))

    (line,) = await settlement.unmatched()
    operator = trading.actor("operator", "operator")
    await banking.assign(
        trading.market, operator, trading.command(), line.line_id, trading.id_of("mill")
    )
    await take(trading, back(bank, credit, 600))

    assert line.amount_minor == 600
    found = await accounts()
    assert (found["suspense"], found["cash mill"], found["bank"]) == (0, 0, 0)
    await is_sound()


async def test_parts_are_taken_back_one_after_the_other(
    trading: Trading, bank: SimulatedBank
) -> None:
    credit = paid_in(trading, bank, 10_000)
    deal_id = await part_paid(trading, credit, 10_000)
    before = await left_of(deal_id)

    await take(trading, back(bank, credit, 4_000))
    await take(trading, back(bank, credit, 3_000), back(bank, credit, 3_000))

    assert await left_of(deal_id) == before + 10_000
    await is_sound()


async def test_a_part_payment_pays_for_what_cash_does_not_and_is_due_again(
    trading: Trading, bank: SimulatedBank
) -> None:
    credit = paid_in(trading, bank, 10_000)
    deal_id = await part_paid(trading, credit, 9_000)
    before = await left_of(deal_id)

    answer = await take(trading, back(bank, credit, 4_000))
    after = await left_of(deal_id)
    await trading.give("factory", 9_000)
    await act(funding.fund, trading, "factory", "finance", deal_id, amount_minor=9_000)
    await take(trading, back(bank, credit, 6_000))

    assert answer.answer["reversed"] == 1
    assert after == before + 3_000
    assert await left_of(deal_id) == before
    told = [entry.fact for entry in await entries(None, f"deal:{deal_id}")]
    deal = await store.load(Pool(), deal_id)
    assert [fact for fact in told if isinstance(fact, DealPaymentTakenBack)] == [
        DealPaymentTakenBack(deal_id, deal.buyer_id, deal.seller_id, 3_000, after),
        DealPaymentTakenBack(deal_id, deal.buyer_id, deal.seller_id, 6_000, before),
    ]
    assert await cash(trading, "factory") == 0
    assert (await accounts())["escrow"] == 9_000 - 3_000 + 9_000 - 6_000
    sellers = await queries.deal(trading.actor("mill", "seller"), deal_id)
    assert "DealPaymentTakenBack" not in [entry.fact for entry in sellers.timeline]
    await is_sound()


async def test_a_call_that_is_wholly_paid_stays_so_and_the_payer_owes(
    trading: Trading, bank: SimulatedBank
) -> None:
    await trading.give("mill", RICH)
    deal_id = await trading.form()
    credit = paid_in(trading, bank, await left_of(deal_id))
    await take(trading, credit)
    await act(funding.fund, trading, "factory", "finance", deal_id)

    await take(trading, back(bank, credit, 5_000))
    (waiting,) = await settlement.unmatched()
    await take(trading, paid_in(trading, bank, 4_999))
    too_little, told = await cash(trading, "factory"), await told_of_debits(trading)
    await take(trading, paid_in(trading, bank, 2))

    assert (await store.load(Pool(), deal_id)).state == "funded"
    assert (waiting.reason, waiting.amount_minor) == ("chargeback_uncovered", 5_000)
    assert (too_little, await cash(trading, "factory")) == (4_999, 1)
    assert told == [("debit_uncovered", 5_000)]
    assert await told_of_debits(trading) == [("debit_covered", 5_000), *told]
    assert await settlement.unmatched() == []
    await is_sound()
