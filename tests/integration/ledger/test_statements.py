"""A statement is whole, or it is refused."""

from datetime import timedelta

import pytest

from aggregator.errors import InvalidField
from aggregator.ledger import statements
from tests.builders import START, a_market, an_organisation, with_cash


async def test_a_statement_that_would_be_cut_is_refused(
    orm: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    market = a_market()
    firm = await an_organisation(market, "Factory A")
    monkeypatch.setattr(statements, "MAX_LINES", 3)
    until = START + timedelta(days=1)

    for amount in (5, 7, 9):
        await with_cash(market, firm, amount)
    whole = await statements.movements(firm, START, until)
    await with_cash(market, firm, 11)

    assert (
        [line.balance_minor for line in whole][-1] == sum(line.amount_minor for line in whole) == 21
    )
    with pytest.raises(InvalidField, match="max_items"):
        await statements.movements(firm, START, until)
