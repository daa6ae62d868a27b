"""Money that a bank tells once as a batch and once by its payments counts once."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import pytest

from aggregator.errors import Conflict
from aggregator.settlement import banking, queries
from aggregator.settlement.statements import CREDIT, DEBIT, StatementLine
from tests.integration.deals.playing import accounts, act, cash, is_sound, take

if TYPE_CHECKING:
    from tests.integration.deals.conftest import Trading


def line(trading: Trading, reference: str, amount_minor: int) -> StatementLine:
    return StatementLine(
        account="CN1",
        entry_reference=reference,
        direction=CREDIT,
        amount_minor=amount_minor,
        currency="CNY",
        booked_on=date(2027, 3, 1),
        payer="factory 公司",
        remittance=trading.reference_of("factory"),
    )


def parts(trading: Trading) -> list[StatementLine]:
    return [line(trading, "X/1", 1_000), line(trading, "X/2", 500)]


async def states(trading: Trading, *lines: StatementLine) -> list[str]:
    return [told["state"] for told in (await take(trading, *lines)).answer["lines"]]


@pytest.mark.parametrize("is_whole_first", [True, False])
async def test_a_batch_and_its_payments_are_the_same_money(
    trading: Trading, *, is_whole_first: bool
) -> None:
    whole = [line(trading, "X", 1_500)]
    first, second = (whole, parts(trading)) if is_whole_first else (parts(trading), whole)

    taken = await states(trading, *first)
    again = [await states(trading, *second) for _ in range(2)]

    assert set(taken) == {"matched"}
    assert again == [["duplicate"] * len(second)] * 2
    assert await cash(trading, "factory") == 1_500
    await is_sound()


async def test_both_in_one_file_count_once(trading: Trading) -> None:
    told = await states(trading, *parts(trading), line(trading, "X", 1_500))

    assert told == ["matched", "matched", "duplicate"]
    assert await cash(trading, "factory") == 1_500


async def test_a_file_cut_between_the_parts_is_completed_by_the_next(trading: Trading) -> None:
    first, second = parts(trading)

    told = [await states(trading, first), await states(trading, first, second)]

    assert told == [["matched"], ["duplicate", "matched"]]
    assert await cash(trading, "factory") == 1_500


@pytest.mark.parametrize(
    "other",
    [
        {"amount_minor": 1_501},
        {"direction": DEBIT},
        {"currency": "EUR"},
    ],
)
async def test_what_cannot_be_told_apart_waits_for_a_person(
    trading: Trading, other: dict[str, object]
) -> None:
    await take(trading, *parts(trading))
    whole = replace(line(trading, "X", 1_500), **other)  # type: ignore[arg-type]

    told = [await states(trading, whole), await states(trading, whole)]
    (waiting,) = await queries.unmatched()
    dropped = await act(banking.same_money, trading, "operator", "operator", waiting.line_id)

    assert told == [["unmatched"], ["duplicate"]]
    assert waiting.reason == "batch_unclear"
    assert dropped.answer["state"] == "duplicate"
    found = await accounts()
    assert (found["cash factory"], found.get("suspense", 0), found["bank"]) == (1_500, 0, -1_500)
    assert await states(trading, whole) == ["duplicate"]
    await is_sound()


async def test_parts_that_do_not_make_up_a_known_entry_wait_for_a_person(trading: Trading) -> None:
    await take(trading, line(trading, "X", 1_600))

    told = await states(trading, *parts(trading))
    first, second = await queries.unmatched()
    await act(
        banking.assign, trading, "operator", "operator", first.line_id, trading.id_of("factory")
    )
    await act(banking.same_money, trading, "operator", "operator", second.line_id)

    assert told == ["unmatched", "unmatched"]
    assert await cash(trading, "factory") == 1_600 + first.amount_minor
    await is_sound()


async def test_only_a_line_in_doubt_is_dropped_as_known(trading: Trading) -> None:
    await take(trading, replace(line(trading, "Y", 5), remittance="?"))
    (waiting,) = await queries.unmatched()

    with pytest.raises(Conflict):
        await act(banking.same_money, trading, "operator", "operator", waiting.line_id)
